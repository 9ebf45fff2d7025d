"""Sensitivity of the literals of a program."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.cli import main
from core.search.aligned_corpus import AlignedCorpus
from core.search.silent_snippet_check import SilentSnippetError
from core.suggest import measure_sensitivity_to_literals, read_target_from_text
from tests.unit.suggest.programs import BASS_AND_DRUMS

SOURCE = "use_synth :saw\nlive_loop :a do\n  play 60, cutoff: 90\n  sleep 0.5\nend\n"


def test_every_known_literal_is_measured(aligned_corpus: AlignedCorpus) -> None:
    rows = measure_sensitivity_to_literals(aligned_corpus, SOURCE)
    assert {row.name: row.line for row in rows} == {"synth": 1, "note": 3, "cutoff": 3, "sleep": 4}
    assert all(SOURCE[row.start : row.end] == row.text for row in rows)
    distances = [row.distance for row in rows]
    assert distances == sorted(distances, reverse=True) and distances[-1] > 0
    cutoff = next(row for row in rows if row.name == "cutoff")
    assert [float(value) for value in cutoff.values] == sorted(map(float, cutoff.values))
    assert float(cutoff.values[0]) < 90 < float(cutoff.values[-1])


def test_the_distance_is_that_of_the_predictions(aligned_corpus: AlignedCorpus) -> None:
    row = next(
        item
        for item in measure_sensitivity_to_literals(aligned_corpus, SOURCE)
        if item.name == "sleep"
    )
    sources = [SOURCE, *(SOURCE.replace("0.5", value) for value in row.values)]
    embeddings = np.concatenate([aligned_corpus.embed_snippet(source) for source in sources])
    vectors = aligned_corpus.project_code_embeddings(embeddings)
    assert row.values == ("0.25", "1.0")
    assert row.distance == pytest.approx(1 - (vectors @ vectors.T).min(), abs=1e-5)


def test_a_target_has_a_value_that_is_nearer(aligned_corpus: AlignedCorpus) -> None:
    target = read_target_from_text(aligned_corpus, "tone-1")
    rows = measure_sensitivity_to_literals(aligned_corpus, BASS_AND_DRUMS, target)
    best = max(rows, key=lambda row: row.target_gain)
    assert best.target_gain > 0 and best.target_value in best.values
    assert target.vector is not None
    changed = BASS_AND_DRUMS[: best.start] + best.target_value + BASS_AND_DRUMS[best.end :]
    before, after = (
        aligned_corpus.project_code_embeddings(aligned_corpus.embed_snippet(source))[0]
        @ target.vector
        for source in (BASS_AND_DRUMS, changed)
    )
    assert after - before == pytest.approx(best.target_gain, abs=1e-5)


def test_silence_is_refused(aligned_corpus: AlignedCorpus) -> None:
    with pytest.raises(SilentSnippetError):
        measure_sensitivity_to_literals(aligned_corpus, "puts 1")


def test_the_command_prints_sensitivity(
    aligned_corpus: AlignedCorpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.rb"
    path.write_text(SOURCE)
    assert main(["suggest", str(path), "--sensitivity", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 4 and {"line", "text", "distance", "values"} <= set(rows[0])
    assert main(["suggest", str(path), "--sensitivity", "--toward", "tone-1"]) == 0
    assert "farthest value" in capsys.readouterr().out
