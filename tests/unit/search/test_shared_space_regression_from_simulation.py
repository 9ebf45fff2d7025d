"""Regression from simulated sounds to the shared space."""

from __future__ import annotations

import numpy as np

from core import encoders
from core.corpus import Corpus
from core.search.aligned_corpus import open_aligned_corpus
from core.search.shared_space_regression_from_simulation import (
    fit_simulation_regression,
    scale_rows_to_unit_length,
)
from tests.unit.search.alignments import save_untrained_alignment


def test_vectors_that_depend_on_the_features_are_predicted() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 4))
    features[:, 3] = 7.0  # A constant column says nothing.
    vectors = scale_rows_to_unit_length(features[:, :3])
    regression = fit_simulation_regression(features[:250], vectors[:250])
    predicted = regression.predict_shared_space_vectors(features[250:])
    np.testing.assert_allclose(np.linalg.norm(predicted, axis=1), 1, atol=1e-6)
    assert (predicted * vectors[250:]).sum(axis=1).mean() > 0.9
    again = fit_simulation_regression(features[:250], vectors[:250])
    assert (again.predict_shared_space_vectors(features[250:]) == predicted).all()


def test_it_is_fitted_on_stored_simulations_of_the_corpus(measured_corpus: Corpus) -> None:
    save_untrained_alignment(measured_corpus)
    assert open_aligned_corpus(measured_corpus).simulation_regression is None
    spec = encoders.find_encoder_spec("simulation")
    program_ids = measured_corpus.load_programs()["program"].tolist()
    features = np.random.default_rng(1).normal(size=(len(program_ids), spec.dim))
    measured_corpus.store_embeddings(
        spec.id, spec.revision, program_ids, features.astype(np.float32)
    )
    aligned_corpus = open_aligned_corpus(measured_corpus)
    regression = aligned_corpus.simulation_regression
    assert regression is not None and len(regression.rows) == len(program_ids)
    audio = aligned_corpus.project_audio_embeddings(aligned_corpus.pairs.audio_embeddings[:1])
    assert regression.predict_shared_space_vectors(features[:1]).shape == audio.shape
