"""Fit, save and load the forecast of an alignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core import workspace
from core.alignment.sound_property_regression_with_intervals import (
    MAX_REFERENCE_PROGRAMS,
    MIN_FORECAST_PROGRAMS,
    ForecastModel,
    select_evenly_spaced_rows,
)
from core.corpus import AlignmentRecord, Corpus
from core.encoders import find_encoder_spec
from core.search.clip_property_forecast import (
    FEATURE_ENCODER,
    FORECAST_ENCODER,
    FORECAST_VERSION,
    compute_forecast_features,
    fit_forecast,
)
from core.search.unseen_program_splits import UNSEEN_SPLITS

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
    saved_model = load_saved_forecast_model(aligned_corpus.record)
    if saved_model is not None:
        return saved_model
    settings = _collect_forecast_settings()
    model = fit_alignment_forecast(aligned_corpus)
    if model is not None and not workspace.is_workspace_read_only():
        aligned_corpus.corpus.save_forecast_model_arrays(
            aligned_corpus.record.id, model.get_arrays_to_save(), settings
        )
    return model


def load_saved_forecast_model(record: AlignmentRecord) -> ForecastModel | None:
    """Load the forecast that was saved with an alignment; None before it is fitted.

    A forecast of an older version of the encoders or of the model counts as not fitted.
    """
    saved = record.load_forecast_model_arrays()
    if saved is None or saved[1] != _collect_forecast_settings():
        return None
    return ForecastModel.from_arrays(saved[0])


def fit_alignment_forecast(aligned_corpus: AlignedCorpus) -> ForecastModel | None:
    """Fit a forecast on the measured programs of templates that training did not hold out."""
    corpus = aligned_corpus.corpus
    embedded_by = {encoder_id for encoder_id, *_ in corpus.count_embeddings_by_encoder()}
    if FORECAST_ENCODER not in embedded_by:
        return None
    measured_ids, descriptors = corpus.load_embeddings(FORECAST_ENCODER)
    row_by_program = {program_id: row for row, program_id in enumerate(measured_ids)}
    is_unseen = np.isin(aligned_corpus.splits, UNSEEN_SPLITS)
    pair_rows = [
        row
        for row, program_id in enumerate(aligned_corpus.pairs.program_ids)
        if program_id in row_by_program and not is_unseen[row]
    ]
    pair_rows = [
        pair_rows[index]
        for index in select_evenly_spaced_rows(len(pair_rows), MAX_REFERENCE_PROGRAMS)
    ]
    if len(pair_rows) < MIN_FORECAST_PROGRAMS:
        return None
    program_ids = [aligned_corpus.pairs.program_ids[row] for row in pair_rows]
    return fit_forecast(
        load_or_simulate_forecast_features(corpus, program_ids),
        descriptors[[row_by_program[program_id] for program_id in program_ids]],
        # Imported programs have no template: each is a group of its own.
        [
            template or program_id
            for template, program_id in zip(aligned_corpus.templates[pair_rows], program_ids)
        ],
    )


def load_or_simulate_forecast_features(corpus: Corpus, program_ids: Sequence[str]) -> np.ndarray:
    """Return the features of programs: stored ones, and the others from their source.

    Parameters
    ----------
    corpus : Corpus
    program_ids : sequence of str

    Returns
    -------
    float32 [n, d]
    """
    spec = find_encoder_spec(FEATURE_ENCODER)
    missing = set(corpus.list_programs_without_embedding(spec.id, spec.revision))
    stored_ids = [program_id for program_id in program_ids if program_id not in missing]
    features = np.empty((len(program_ids), spec.dim), np.float32)
    row_by_program = {program_id: row for row, program_id in enumerate(program_ids)}
    if stored_ids:
        ids, stored = corpus.load_embeddings(spec.id, stored_ids)
        features[[row_by_program[program_id] for program_id in ids]] = stored
    if unread_ids := [program_id for program_id in program_ids if program_id in missing]:
        sources = corpus.load_programs().set_index("program")["source"]
        features[[row_by_program[program_id] for program_id in unread_ids]] = (
            compute_forecast_features([sources[program_id] for program_id in unread_ids])
        )
    return features


def _collect_forecast_settings() -> dict[str, object]:
    """Return what a saved forecast depends on besides the alignment."""
    return {
        "version": FORECAST_VERSION,
        "encoder": FORECAST_ENCODER,
        "revision": find_encoder_spec(FORECAST_ENCODER).revision,
        "feature_revision": find_encoder_spec(FEATURE_ENCODER).revision,
    }
