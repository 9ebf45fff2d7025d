"""Two-sample test of the UMAP study."""

from __future__ import annotations

import numpy as np

from core.studies.umap_modality_mixing_study import run_classifier_two_sample_test

RNG = np.random.default_rng(3)


def test_classifiers_separate_only_separate_clouds():
    x = RNG.normal(size=(60, 6))
    assert all(
        accuracy.mean() == 1 for accuracy in run_classifier_two_sample_test(x + 5, x - 5).values()
    )
    mixed = run_classifier_two_sample_test(RNG.normal(size=(200, 6)), RNG.normal(size=(200, 6)))
    assert all(abs(accuracy.mean() - 0.5) < 0.12 for accuracy in mixed.values())
