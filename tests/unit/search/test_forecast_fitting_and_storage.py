"""Forecasts of an alignment: fitted at the first use, saved with it, and read again."""

import numpy as np
import pytest

from core.corpus import Corpus
from core.encoders import find_encoder_spec
from core.programs import Program
from core.search import aligned_corpus as search
from core.search import forecast_fitting_and_storage
from core.search.silent_snippet_check import SilentSnippetError
from core.sonicpi import RenderResult
from tests.unit.search.alignments import save_untrained_alignment
from tests.unit.search.conftest import AUDIO, CODE
from tests.unit.search.signals import make_tone_clip

PROGRAM_COUNT = 80


@pytest.fixture
def measured_corpus(empty_workspace):
    """Eighty programs of eight templates, each with embeddings and descriptors drawn at random."""
    corpus = Corpus.create("measured", seconds=0.5)
    programs = [
        Program(f"play {n}\n", f"tone-{n}", f"t{n % 8}", "melody", {}, 0)
        for n in range(PROGRAM_COUNT)
    ]
    corpus.add_programs(programs)
    program_ids = [program.id for program in programs]
    for program_id in program_ids:
        corpus.store_render_result(program_id, RenderResult(make_tone_clip(220)), 0.5)
    rng = np.random.default_rng(0)
    for encoder in (CODE, AUDIO, "descriptors"):
        spec = find_encoder_spec(encoder)
        rows = rng.normal(size=(PROGRAM_COUNT, spec.dim)).astype(np.float32)
        corpus.store_embeddings(encoder, spec.revision, program_ids, rows)
    corpus.set_corpus_setting("encoders", {"code": CODE, "audio": AUDIO})
    return corpus


def test_a_corpus_without_measured_clips_has_no_forecast(corpus):
    save_untrained_alignment(corpus)
    aligned_corpus = search.open_aligned_corpus(corpus)
    assert aligned_corpus.forecast_sound_properties("play 60") is None
    assert aligned_corpus.record.load_forecast_model_arrays() is None


def test_forecast_is_fitted_once_and_read_from_the_alignment(measured_corpus, monkeypatch):
    save_untrained_alignment(measured_corpus)
    first = search.open_aligned_corpus(measured_corpus).forecast_sound_properties("play 60")
    arrays, settings = measured_corpus.load_newest_alignment().load_forecast_model_arrays()
    assert settings["encoder"] == "descriptors" and len(arrays["rows"]) == PROGRAM_COUNT
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
    assert model.program_count == PROGRAM_COUNT * 6 // 8
