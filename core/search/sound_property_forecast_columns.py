"""Forecast of every program of a corpus, as columns of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.alignment.sound_property_regression_with_intervals import ForecastModel
from core.corpus import Corpus
from core.encoders import find_encoder_spec
from core.encoders.clip_descriptor_definitions import CLIP_DESCRIPTORS
from core.errors import EarshotError
from core.search.clip_property_forecast import (
    FEATURE_ENCODER,
    PROPERTY_LABELS,
    describe_forecast_in_words,
    predict_forecasts,
)
from core.search.default_alignment_choice import choose_default_alignment
from core.search.forecast_fitting_and_storage import load_saved_forecast_model

FORECAST_COLUMN_PREFIX = "forecast_"
FORECAST_WORDS_COLUMN = "forecast_words"
BATCH_SIZE = 1000
"""Programs per prediction: the kernel of all of a large corpus would fill the memory."""


def forecast_corpus_programs(corpus: Corpus, program_ids: Sequence[str]) -> pd.DataFrame:
    """Forecast programs of a corpus from the sound that their code simulates.

    It reads the forecast that the training of the alignment made for prediction has saved, and
    stored simulations. It simulates nothing itself.

    Parameters
    ----------
    corpus : Corpus
    program_ids : sequence of str

    Returns
    -------
    DataFrame
        One row per program, in the same order. Columns: "forecast_loudness" (LUFS) and so on for
        each property of `core.search.clip_property_forecast.PROPERTY_LABELS` that the forecast
        has, nan for a program without a simulation; then "forecast_words", "" for those. No
        columns if the corpus has no forecast.

    Examples
    --------
    >>> from core.corpus import Corpus
    >>> corpus = Corpus.open("starter")
    >>> table = forecast_corpus_programs(corpus, corpus.load_programs()["program"][:2])
    >>> "forecast_loudness" in table
    True
    """
    model = _load_corpus_forecast_model(corpus)
    spec = find_encoder_spec(FEATURE_ENCODER)
    if model is None or corpus.get_encoder_revision(spec.id) != spec.revision:
        return pd.DataFrame(index=range(len(program_ids)))
    missing = set(corpus.list_programs_without_embedding(spec.id, spec.revision))
    simulated_ids = [program_id for program_id in program_ids if program_id not in missing]
    values = pd.DataFrame(index=simulated_ids, dtype=float)
    if simulated_ids:
        ids, features = corpus.load_embeddings(spec.id, simulated_ids)
        values = _predict_property_columns(model, features).set_axis(ids)
    table = values.reindex(list(program_ids)).reset_index(drop=True)
    words = [
        describe_forecast_in_words({str(name): value for name, value in row.dropna().items()})
        if row.notna().any()
        else ""
        for _, row in table.iterrows()
    ]
    shown = [name for name in PROPERTY_LABELS if name in table]
    table = table[shown].add_prefix(FORECAST_COLUMN_PREFIX)
    table[FORECAST_WORDS_COLUMN] = words
    return table


def describe_forecast_column(column: str) -> str:
    """Return what a column of `forecast_corpus_programs` means, in one sentence.

    Examples
    --------
    >>> describe_forecast_column("forecast_loudness")
    'Loudness forecast from the code, in LUFS; empty where there is no forecast.'
    """
    if column == FORECAST_WORDS_COLUMN:
        return "The forecast in words; empty where there is none."
    units = {descriptor.name: descriptor.unit for descriptor in CLIP_DESCRIPTORS}
    name = column.removeprefix(FORECAST_COLUMN_PREFIX)
    return (
        f"{PROPERTY_LABELS[name]} forecast from the code, in {units[name]}; empty where there is"
        " no forecast."
    )


def _load_corpus_forecast_model(corpus: Corpus) -> ForecastModel | None:
    choice = choose_default_alignment(corpus, "prediction")
    if choice is None:
        return None
    try:
        return load_saved_forecast_model(corpus.load_alignment(choice.alignment_id))
    except EarshotError:  # Its files are damaged: `check` reports it.
        return None


def _predict_property_columns(model: ForecastModel, features: np.ndarray) -> pd.DataFrame:
    batches = [
        predict_forecasts(model, features[start : start + BATCH_SIZE])
        for start in range(0, len(features), BATCH_SIZE)
    ]
    return pd.concat(batches, ignore_index=True)
