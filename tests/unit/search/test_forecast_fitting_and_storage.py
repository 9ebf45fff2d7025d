"""Forecasts of an alignment: fitted at the first use, saved with it, and read again."""

import pytest

from core.search import aligned_corpus as search
from core.search import forecast_fitting_and_storage
from core.search.silent_snippet_check import SilentSnippetError
from tests.unit.search.alignments import save_untrained_alignment
from tests.unit.search.conftest import MEASURED_PROGRAM_COUNT


def test_a_corpus_without_measured_clips_has_no_forecast(corpus):
    save_untrained_alignment(corpus)
    aligned_corpus = search.open_aligned_corpus(corpus)
    assert aligned_corpus.forecast_sound_properties("play 60") is None
    assert aligned_corpus.record.load_forecast_model_arrays() is None


def test_forecast_is_fitted_once_and_read_from_the_alignment(measured_corpus, monkeypatch):
    save_untrained_alignment(measured_corpus)
    first = search.open_aligned_corpus(measured_corpus).forecast_sound_properties("play 60")
    arrays, settings = measured_corpus.load_newest_alignment().load_forecast_model_arrays()
    assert settings["encoder"] == "descriptors" and len(arrays["rows"]) == MEASURED_PROGRAM_COUNT
    monkeypatch.setattr(
        forecast_fitting_and_storage, "fit_alignment_forecast", lambda _: pytest.fail("again")
    )
    second = search.open_aligned_corpus(measured_corpus).forecast_sound_properties("play 60")
    for before, after in zip(first.properties, second.properties):
        assert after.value == pytest.approx(before.value, rel=0.02, abs=0.05)
    with pytest.raises(SilentSnippetError):
        search.open_aligned_corpus(measured_corpus).forecast_sound_properties("# nothing")


def test_forecast_of_an_older_version_is_fitted_again(measured_corpus, monkeypatch):
    save_untrained_alignment(measured_corpus)
    search.open_aligned_corpus(measured_corpus).forecast_sound_properties("play 60")
    monkeypatch.setattr(forecast_fitting_and_storage, "FORECAST_VERSION", 99)
    search.open_aligned_corpus(measured_corpus).forecast_sound_properties("play 60")
    _, settings = measured_corpus.load_newest_alignment().load_forecast_model_arrays()
    assert settings["version"] == 99


def test_programs_of_held_out_templates_are_left_out(measured_corpus):
    split = {"programs": {}, "unseen_templates": ["t0", "t1"]}
    save_untrained_alignment(measured_corpus, split=split)
    model = search.open_aligned_corpus(measured_corpus).forecast_model
    assert model.program_count == MEASURED_PROGRAM_COUNT * 6 // 8
