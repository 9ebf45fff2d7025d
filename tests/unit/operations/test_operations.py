"""Each operation on a small measured corpus: its answers, and its errors in the user's words."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from core import operations
from core.errors import EarshotError
from core.operations.corpus_opening import UnknownCorpusError
from tests.measured_workspace import get_clip_bytes, write_repeated_note

SILENT, BROKEN = "puts 1", "end end"
LOW, MIDDLE, HIGH = (write_repeated_note(note) for note in (42, 60, 84))


@pytest.fixture(autouse=True)
def workspace(measured_workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(measured_workspace))
    return measured_workspace


def test_prediction_answers_every_program_in_order():
    request = operations.PredictRequest(programs=[LOW, SILENT, BROKEN, ""], neighbour_count=3)
    result = operations.predict_programs(request)
    assert [item.status for item in result.predictions] == ["ok", "no_sound", "syntax", "no_sound"]
    first = result.predictions[0]
    assert [neighbour.rank for neighbour in first.neighbours] == [1, 2, 3]
    assert Path(first.neighbours[0].clip_path).is_file()
    assert "play " in first.neighbours[0].code
    assert not result.predictions[1].neighbours
    assert result.predictions[2].line == 1
    assert (result.corpora, result.alignment.partition("/")[0]) == (["tones"], "tones")


def test_aspect_weights_change_the_order():
    def find_names(**options):
        request = operations.PredictRequest(programs=[LOW], neighbour_count=72, **options)
        return [
            item.name for item in operations.predict_programs(request).predictions[0].neighbours
        ]

    assert find_names(aspect_weights={"pitch": 5}) != find_names()


def test_forecast_has_units_and_intervals():
    request = operations.ForecastRequest(programs=[LOW, SILENT])
    forecasts = operations.forecast_programs(request).forecasts
    loudness = forecasts[0].forecast.properties["loudness"]
    assert loudness.unit == "LUFS"
    assert loudness.low < loudness.value < loudness.high
    assert forecasts[1].forecast is None


def test_a_program_is_most_similar_to_itself():
    same = operations.compare_programs(operations.CompareRequest(first=LOW, second=LOW))
    other = operations.compare_programs(operations.CompareRequest(first=LOW, second=HIGH))
    assert same.whole.similarity == pytest.approx(1, abs=1e-5)
    assert set(same.aspects) == {"timbre", "rhythm", "pitch", "level"}
    assert other.whole.percentile < same.whole.percentile
    assert other.aspects["pitch"].similarity < same.aspects["pitch"].similarity
    silent = operations.compare_programs(operations.CompareRequest(first=LOW, second=SILENT))
    assert (silent.whole, silent.aspects, silent.second.status) == (None, {}, "no_sound")


def test_ranking_toward_words_follows_them():
    candidates = [LOW, SILENT, HIGH]
    for target, best in (("higher", 2), ("lower", 0)):
        request = operations.RankRequest(candidates=candidates, mode="toward", target=target)
        result = operations.rank_candidates(request)
        assert [item.index for item in result.ranking] == [best, 2 - best]
        assert [item.index for item in result.refused] == [1]
        assert result.ranking[0].target_relevance > result.ranking[1].target_relevance


def test_a_program_with_a_syntax_error_is_predicted_in_part_and_never_ranked():
    broken = f"{LOW}\nplay ("
    forecast = operations.forecast_programs(operations.ForecastRequest(programs=[broken]))
    check = forecast.forecasts[0]
    assert check.forecast is not None
    assert (check.status, check.line) == ("ok", broken.count("\n") + 1)
    ranked = operations.rank_candidates(operations.RankRequest(candidates=[broken, HIGH]))
    assert [item.index for item in ranked.ranking] == [1]
    (refused,) = ranked.refused
    assert (refused.index, refused.status, refused.line) == (0, "syntax", check.line)
    assert "syntax error" in refused.message and "predicted" not in refused.message


def test_diverse_ranking_leaves_a_repetition_to_the_end():
    request = operations.RankRequest(program=LOW, candidates=[LOW, HIGH, MIDDLE], pick_count=2)
    result = operations.rank_candidates(request)
    assert {item.index for item in result.ranking} == {1, 2}
    assert all(item.distance > 0 for item in result.ranking)


@pytest.mark.parametrize("mode", ["cover", "away"])
def test_every_mode_ranks_all_candidates(mode: str):
    request = operations.RankRequest(program=LOW, candidates=[HIGH, MIDDLE], mode=mode)
    assert sorted(item.index for item in operations.rank_candidates(request).ranking) == [0, 1]


def test_suggestions_are_whole_programs_with_a_change_in_words():
    request = operations.SuggestRequest(
        program="use_synth :saw\nplay 60, cutoff: 90", candidate_count=20, pick_count=3
    )
    result = operations.suggest_variants(request)
    assert [pick.rank for pick in result.picks] == [1, 2, 3]
    assert all(pick.code != request.program and pick.change for pick in result.picks)
    assert operations.suggest_variants(request.model_copy(update={"program": SILENT})).picks == []


def test_rendered_suggestions_need_a_clip_as_target_and_a_writable_workspace(
    monkeypatch: pytest.MonkeyPatch,
):
    def suggest(**options) -> operations.SuggestResult:
        request = operations.SuggestRequest(program=LOW, candidate_count=8, render=True, **options)
        return operations.suggest_variants(request)

    for options in ({}, {"mode": "toward", "target": "darker"}):
        with pytest.raises(EarshotError, match="compared with a clip"):
            suggest(**options)
    with pytest.raises(ValidationError, match="pick_count is at most 12"):
        suggest(pick_count=13)
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    with pytest.raises(EarshotError, match="Rendering is disabled"):
        suggest(mode="toward", target="tone-1")


def test_search_finds_the_clip_itself(workspace: Path):
    request = operations.SoundSearchRequest(neighbour_count=1)
    result = operations.find_programs_by_sound(get_clip_bytes(workspace), request)
    assert result.neighbours[0].similarity == pytest.approx(1, abs=1e-3)
    with pytest.raises(EarshotError, match="cannot be read as a sound"):
        operations.find_programs_by_sound(b"no sound", request)


def test_corpora_and_jobs_are_listed():
    (summary,) = operations.list_corpus_summaries()
    assert (summary.name, summary.program_count, summary.clip_count) == ("tones", 72, 72)
    assert summary.alignments[0].method == "kernel-ridge"
    assert operations.list_job_summaries() == []


@pytest.mark.parametrize("name", ["missing", "../tones", "tones/..", "/etc", "a\0b"])
def test_unknown_corpora_are_refused(name: str):
    with pytest.raises(UnknownCorpusError) as caught:
        operations.forecast_programs(operations.ForecastRequest(programs=[LOW], corpus=name))
    assert caught.value.remedy


@pytest.mark.parametrize("target", ["/etc/passwd", "corpora/tones/corpus.sqlite", "purple", " "])
def test_a_target_is_never_read_as_a_path(target: str):
    with pytest.raises(EarshotError):
        operations.rank_candidates(
            operations.RankRequest(candidates=[LOW], mode="toward", target=target)
        )


def test_invalid_requests_are_refused():
    for options in (
        {"programs": []},
        {"programs": [LOW] * 201},
        {"programs": ["#" * 100_001]},
        {"programs": [LOW], "neighbour_count": 0},
        {"programs": [LOW], "neighbor_count": 5},
        {"programs": [LOW], "aspect_weights": {"rhythm": float("nan")}},
    ):
        with pytest.raises(ValidationError):
            operations.PredictRequest(**options)
    with pytest.raises(EarshotError, match="needs a program"):
        operations.rank_candidates(operations.RankRequest(candidates=[LOW], mode="away"))


def test_nothing_is_rendered_in_a_read_only_workspace(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    with pytest.raises(EarshotError, match="Rendering is disabled"):
        operations.render_program(operations.RenderRequest(program=LOW))
