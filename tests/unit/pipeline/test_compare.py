"""Comparing a corpus's programs: what is planted is found, kept, and told."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import core.sonicpi
from core import encoders
from core.alignment import AlignmentConfig, ProjectionHeads
from core.cli import main
from core.corpus import Corpus
from core.corpus.disagreement_pairs import load_disagreement_pairs
from core.errors import EarshotError
from core.programs import Program
from core.sonicpi import Clip, RenderResult
from core.search.aligned_corpus import open_aligned_corpus
from core.search.embedded_corpus import EncoderRecord
from core.pipeline.compare import find_disagreement_pairs

CODE, AUDIO = "sentence-transformers/all-MiniLM-L6-v2", "aisfx"
COUNT = 40
TWINS = (3, 17)  # written alike, sounding opposite


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    # The real one asks the installed Sonic Pi for its version.
    monkeypatch.setattr(
        core.sonicpi,
        "compute_render_id",
        lambda s, seconds=18.0: hashlib.sha256(s.encode()).hexdigest(),
    )
    rng = np.random.default_rng(0)
    corpus = Corpus.create("tiny", seconds=0.1)
    programs = [Program(f"play {n}\n", f"p{n:02d}", "t", "melody", {}, 0) for n in range(COUNT)]
    corpus.add_programs(programs)
    ids = [each.id for each in programs]
    for each in ids:
        samples = rng.uniform(-0.5, 0.5, (4410, 2)).astype(np.float32)
        corpus.put_rendering(each, RenderResult(Clip(samples)), 0.1)
    known = {}
    for side, encoder in (("code", CODE), ("audio", AUDIO)):
        entry = encoders.find_encoder_spec(encoder)
        vectors = rng.normal(size=(COUNT, entry.dim)).astype(np.float32)
        if side == "code":
            vectors[TWINS[1]] = vectors[TWINS[0]] + 1e-3
        else:
            vectors[TWINS[1]] = -vectors[TWINS[0]]
        corpus.put_embeddings(encoder, entry.revision, ids, vectors)
        known[side] = EncoderRecord.from_installed(encoder, entry.dim).to_dict()
    config = AlignmentConfig(width=16, dim=8, layers=2)
    heads = ProjectionHeads(known["code"]["dim"], known["audio"]["dim"], config)
    about = {
        "alignment": config.to_dict(),
        "encoders": known,
        "corpus": {"name": "tiny", "split_seed": 0},
        "split": {"programs": {}, "unseen_templates": []},
        "versions": {},
    }
    history = pd.DataFrame({"epoch": [1], "loss": [0.0]})
    corpus.save_alignment(about, heads.to_tensors(), {"readings": []}, history)
    return corpus


def test_the_planted_pair_comes_first_and_all_is_kept(corpus: Corpus) -> None:
    assert load_disagreement_pairs(corpus.load_newest_alignment()) is None
    found = find_disagreement_pairs(open_aligned_corpus(Corpus.open("tiny")), pairs_per_kind=6)
    pd.testing.assert_frame_equal(load_disagreement_pairs(corpus.load_newest_alignment()), found)
    programs = list(corpus.load_programs()["program"])
    for space in ("before", "after"):
        alike = found[(found["space"] == space) & (found["kind"] == "written alike")].iloc[0]
        assert (alike["first"], alike["second"]) == tuple(programs[n] for n in TWINS)
        assert alike["code_before"] < 1e-3 and alike["code_after"] < 1e-2
        assert alike["sound"] == pytest.approx(2, abs=1e-3)
        assert alike["code_share"] < 0.01 and alike["sound_share"] > 0.99
    groups = found.groupby(["space", "kind"])
    assert set(groups.size()) == {6}
    for (_, kind), some in groups:
        assert len(set(some["first"]) | set(some["second"])) == 12  # nobody twice
        gap = some["sound_share"] - some["code_share"]
        assert (gap.diff().dropna() * (-1 if kind == "written alike" else 1) >= -1e-12).all()


def test_the_command_names_the_programs(corpus: Corpus, capsys: pytest.CaptureFixture) -> None:
    assert main(["compare", "tiny"]) == 0
    said = capsys.readouterr().out
    assert "p03" in said and "p17" in said


def test_damage_and_too_few_programs_are_told(corpus: Corpus) -> None:
    record = corpus.load_newest_alignment()
    (record.path / "pairs.parquet").write_bytes(b"no table")
    with pytest.raises(EarshotError, match="cannot be read"):
        load_disagreement_pairs(record)
    find_disagreement_pairs(open_aligned_corpus(Corpus.open("tiny")))
    assert len(load_disagreement_pairs(record))
