"""Fit, save and load the forecast of an alignment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core import workspace
from core.alignment.conformal_kernel_ridge_regression import ForecastModel
from core.encoders import find_encoder_spec
from core.search.clip_property_forecast import FORECAST_ENCODER, FORECAST_VERSION, fit_forecast
from core.search.evaluation_splits import UNSEEN_SPLITS

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus


def load_or_fit_forecast_model(aligned_corpus: AlignedCorpus) -> ForecastModel | None:
    """Load the forecast that was saved with an alignment, or fit and save it.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus

    Returns
    -------
    ForecastModel or None
        None when too few clips have been measured: the encoder `descriptors` measures them.
    """
    settings = _describe_forecast_settings()
    saved = aligned_corpus.record.load_forecast_arrays()
    if saved is not None and saved[1] == settings:
        return ForecastModel.from_arrays(saved[0])
    model = fit_alignment_forecast(aligned_corpus)
    if model is not None and not workspace.is_workspace_read_only():
        aligned_corpus.corpus.save_forecast_arrays(
            aligned_corpus.record.id, model.to_arrays(), settings
        )
    return model


def fit_alignment_forecast(aligned_corpus: AlignedCorpus) -> ForecastModel | None:
    """Fit a forecast on the measured programs of templates that training did not hold out."""
    corpus = aligned_corpus.corpus
    if FORECAST_ENCODER not in {
        encoder_id for encoder_id, *_ in corpus.count_embeddings_by_encoder()
    }:
        return None
    program_ids, descriptors = corpus.load_embeddings(FORECAST_ENCODER)
    row_by_program = {program_id: row for row, program_id in enumerate(program_ids)}
    pairs = aligned_corpus.pairs
    is_unseen = np.isin(aligned_corpus.splits, UNSEEN_SPLITS)
    pair_rows = [
        row
        for row, program_id in enumerate(pairs.program_ids)
        if program_id in row_by_program and not is_unseen[row]
    ]
    if not pair_rows:
        return None
    descriptor_rows = [row_by_program[pairs.program_ids[row]] for row in pair_rows]
    return fit_forecast(
        pairs.code_embeddings[pair_rows],
        descriptors[descriptor_rows],
        aligned_corpus.templates[pair_rows].tolist(),
    )


def _describe_forecast_settings() -> dict[str, object]:
    """Return what a saved forecast depends on besides the alignment."""
    revision = find_encoder_spec(FORECAST_ENCODER).revision
    return {"version": FORECAST_VERSION, "encoder": FORECAST_ENCODER, "revision": revision}
