"""Linear alignments in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import EarshotError
from core.evaluation.linear_alignment_baselines import LINEAR_CCA, RIDGE, fit_linear_alignments
from core.evaluation.metrics import recall_at_k


def make_views(seed: int = 0, n: int = 400):
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, 12))
    code = latent @ rng.normal(size=(12, 60)) + 2 * rng.normal(size=(n, 60))
    audio = latent @ rng.normal(size=(12, 40)) + 2 * rng.normal(size=(n, 40))
    splits = np.array(["train"] * (n // 2) + ["validation"] * (n // 4) + ["test"] * (n // 4))
    return code, audio, splits


def test_both_find_the_clips_of_test_programs() -> None:
    code, audio, splits = make_views()
    cca, ridge = fit_linear_alignments(code, audio, splits)
    assert (cca.name, ridge.name) == (LINEAR_CCA, RIDGE)
    for alignment in (cca, ridge):
        is_test = splits == "test"
        assert recall_at_k(alignment.code[is_test], alignment.audio[is_test]) > 0.3
        assert alignment.code.shape == alignment.audio.shape == (400, alignment.dimension)


def test_only_validation_chooses() -> None:
    code, audio, splits = make_views()
    rng = np.random.default_rng(1)
    is_test = splits == "test"
    changed = audio.copy()
    changed[is_test] = rng.normal(size=changed[is_test].shape)
    for one, other in zip(
        fit_linear_alignments(code, audio, splits), fit_linear_alignments(code, changed, splits)
    ):
        assert (one.dimension, one.validation_recall) == (other.dimension, other.validation_recall)
        np.testing.assert_array_equal(one.code, other.code)


def test_the_dimension_maximises_recall_on_validation() -> None:
    code, audio, splits = make_views()
    is_validation = splits == "validation"
    cca, _ = fit_linear_alignments(code, audio, splits)
    recalls = [
        recall_at_k(cca.code[is_validation][:, :d], cca.audio[is_validation][:, :d])
        for d in (8, 16, 32)
        if d < cca.dimension
    ]
    assert all(recall < cca.validation_recall for recall in recalls)


def test_needs_training_and_validation_programs() -> None:
    code, audio, splits = make_views()
    for missing in ("train", "validation"):
        with pytest.raises(EarshotError, match="training and validation"):
            fit_linear_alignments(code, audio, np.where(splits == missing, "test", splits))
