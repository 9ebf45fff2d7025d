"""Forecasts of a whole corpus: the same as one by one, and columns that describe themselves."""

import numpy as np
import pytest

from core.corpus import Corpus
from core.encoders import find_encoder_spec
from core.search import aligned_corpus as search
from core.search.clip_property_forecast import PROPERTY_LABELS, compute_forecast_features
from core.search.sound_property_forecast_columns import (
    FORECAST_WORDS_COLUMN,
    describe_forecast_column,
    forecast_corpus_programs,
)
from tests.unit.search.alignments import save_untrained_alignment


@pytest.fixture
def program_ids(measured_corpus: Corpus) -> list[str]:
    """Programs of a corpus with a saved forecast, all but the last of which are simulated."""
    programs = measured_corpus.load_programs()
    simulated = programs.iloc[:-1]
    spec = find_encoder_spec("simulation")
    features = compute_forecast_features(list(simulated["source"]))
    measured_corpus.store_embeddings(spec.id, spec.revision, list(simulated["program"]), features)
    save_untrained_alignment(measured_corpus)
    assert search.open_aligned_corpus(measured_corpus).forecast_model is not None
    return list(programs["program"])


def test_columns_hold_the_forecast_of_each_program(measured_corpus, program_ids):
    rows = [78, 3, 79]  # The last one is not simulated.
    table = forecast_corpus_programs(measured_corpus, [program_ids[row] for row in rows])
    assert list(table) == [*(f"forecast_{name}" for name in PROPERTY_LABELS), FORECAST_WORDS_COLUMN]
    forecast = search.open_aligned_corpus(measured_corpus).forecast_sound_properties("play 3\n")
    assert table[FORECAST_WORDS_COLUMN].tolist()[1:] == [forecast.words, ""]
    for name in PROPERTY_LABELS:
        value = forecast.get_forecast_property(name).value
        assert table[f"forecast_{name}"].iloc[1] == pytest.approx(value, rel=1e-3, abs=1e-3)
    assert table.drop(columns=FORECAST_WORDS_COLUMN).iloc[2].isna().all()


def test_a_corpus_without_a_forecast_has_no_columns(measured_corpus):
    assert forecast_corpus_programs(measured_corpus, ["a", "b"]).shape == (2, 0)
    save_untrained_alignment(measured_corpus)  # It has no forecast yet, and no simulations.
    assert forecast_corpus_programs(measured_corpus, ["a", "b"]).shape == (2, 0)


def test_no_programs_give_an_empty_table(measured_corpus, program_ids):
    assert len(forecast_corpus_programs(measured_corpus, [])) == 0
    assert program_ids


def test_every_column_is_described_with_its_unit(measured_corpus, program_ids):
    table = forecast_corpus_programs(measured_corpus, program_ids)
    descriptions = {column: describe_forecast_column(column) for column in table}
    assert "LUFS" in descriptions["forecast_loudness"]
    assert "Hz" in descriptions["forecast_brightness"]
    assert np.isfinite(table["forecast_loudness"].iloc[:-1]).all()
