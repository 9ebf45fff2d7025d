"""Suggestions with an alignment of untrained heads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.cli import main
from core.errors import EarshotError
from core.search.aligned_corpus import AlignedCorpus
from core.search.silent_snippet_check import SilentSnippetError
from core.suggest import CandidateOptions, SuggestOptions, read_target_from_text, suggest
from core.suggest.sound_target import parse_target_from_words
from core.suggest.suggest_and_pick_variants import suggest_and_return_all_candidates
from tests.unit.suggest.programs import BASS_AND_DRUMS

FEW = {"candidate_count": 40, "pick_count": 4}


def test_picks_differ_and_are_ranked(aligned_corpus: AlignedCorpus) -> None:
    picks = suggest(aligned_corpus, BASS_AND_DRUMS, SuggestOptions(**FEW))
    assert [pick.rank for pick in picks] == [1, 2, 3, 4]
    assert len({pick.source for pick in picks}) == 4
    assert all(pick.source != BASS_AND_DRUMS and len(pick.neighbours) == 5 for pick in picks)
    assert picks == suggest(aligned_corpus, BASS_AND_DRUMS, SuggestOptions(**FEW))


def test_the_first_pick_is_the_farthest_candidate(aligned_corpus: AlignedCorpus) -> None:
    for mode in ("diverse", "away"):
        result = suggest_and_return_all_candidates(
            aligned_corpus, BASS_AND_DRUMS, SuggestOptions(**FEW, mode=mode)
        )
        assert result.picks[0].distance == pytest.approx(
            result.predicted.candidate_distances_from_program.max()
        )


def test_the_first_pick_toward_a_clip_is_the_nearest(aligned_corpus: AlignedCorpus) -> None:
    target = read_target_from_text(aligned_corpus, "tone-3")
    options = SuggestOptions(**FEW, mode="toward", target=target)
    result = suggest_and_return_all_candidates(aligned_corpus, BASS_AND_DRUMS, options)
    assert target.vector is not None
    similarity = result.predicted.vectors @ target.vector
    assert result.picked_rows[0] == int(np.argmax(similarity))


def test_a_target_is_a_file_a_program_or_words(
    aligned_corpus: AlignedCorpus, tmp_path: Path
) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, np.sin(np.arange(22050) * 0.1), 44100)
    assert read_target_from_text(aligned_corpus, str(path)).vector is not None
    program_id = aligned_corpus.pairs.program_ids[2]
    by_id, by_name = (
        read_target_from_text(aligned_corpus, text) for text in (program_id, "tone-2")
    )
    assert by_id.vector is not None and by_name.vector is not None
    words = read_target_from_text(aligned_corpus, "darker and busier")
    assert words.vector is None and [sign for _, sign in words.word_directions] == [-1, 1]


def test_an_unknown_target_is_refused(aligned_corpus: AlignedCorpus) -> None:
    with pytest.raises(EarshotError, match="There is no target 'darkr'"):
        read_target_from_text(aligned_corpus, "darkr")


def test_words_need_a_forecast(aligned_corpus: AlignedCorpus) -> None:
    options = SuggestOptions(**FEW, mode="toward", target=parse_target_from_words("darker"))
    with pytest.raises(EarshotError, match="need a forecast"):
        suggest(aligned_corpus, BASS_AND_DRUMS, options)


@pytest.mark.parametrize(
    "source, status, line",
    [
        ("play 60\nplay )", "syntax", 2),
        ("live_loop :a do", "syntax", 1),
        ("puts 1", "no_sound", None),
    ],
)
def test_a_program_that_is_silent_or_invalid_is_refused(
    aligned_corpus: AlignedCorpus, source: str, status: str, line: int | None
) -> None:
    with pytest.raises(SilentSnippetError) as caught:
        suggest(aligned_corpus, source)
    assert (caught.value.status, caught.value.line) == (status, line)


def test_silent_candidates_are_counted_and_left_out(aligned_corpus: AlignedCorpus) -> None:
    source = (
        "live_loop :a do\n  play 60\n  sleep 1\nend\nlive_loop :b do\n  puts 1\n  sleep 1\nend\n"
    )
    options = SuggestOptions(candidate_count=40, candidates=CandidateOptions(kinds=("layer",)))
    predicted = suggest_and_return_all_candidates(aligned_corpus, source, options).predicted
    assert predicted.silent_count == 1 and predicted.unparsable_count == 0
    assert all("play" in item.source or "sample" in item.source for item in predicted.candidates)


@pytest.mark.parametrize(
    "options", [{"candidate_count": 0}, {"pick_count": 0}, {"mode": "loud"}, {"mode": "toward"}]
)
def test_invalid_options_are_refused(options: dict) -> None:
    with pytest.raises(EarshotError):
        SuggestOptions(**options)


def test_the_command_prints_one_line_per_pick(
    aligned_corpus: AlignedCorpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.rb"
    path.write_text(BASS_AND_DRUMS)
    assert main(["suggest", str(path), "-n", "30", "-k", "2", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    keys = "rank kind change source predicted distance confidence neighbours".split()
    assert [list(row) for row in rows] == [keys, keys]
    assert {"line", "before", "after"} <= set(rows[0]["change"])
    assert main(["suggest", str(path), "-n", "30", "-k", "2", "--keep", "1-22"]) == 0
    assert "change" in capsys.readouterr().out


def test_the_command_exits_with_status_3_for_silence(
    aligned_corpus: AlignedCorpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "p.rb"
    path.write_text("play 60\nplay )")
    assert main(["suggest", str(path), "--json"]) == 3
    row = json.loads(capsys.readouterr().out)
    assert (row["status"], row["line"]) == ("syntax", 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Add --toward"),
        (["--toward", "tone-2", "--sensitivity"], "leave out --sensitivity"),
        (["--toward", "darker"], "compared with a clip"),
    ],
)
def test_only_picks_toward_a_clip_are_rendered(
    aligned_corpus: AlignedCorpus,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    path = tmp_path / "p.rb"
    path.write_text(BASS_AND_DRUMS)
    assert main(["suggest", str(path), "--render", *arguments]) == 1
    assert message in capsys.readouterr().err
