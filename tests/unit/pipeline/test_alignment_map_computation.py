"""Overlaps of neighbours in small corpora and, for a sample of programs, in large ones."""

from __future__ import annotations

import numpy as np

from core.pipeline import alignment_map_computation
from core.pipeline.alignment_map_computation import _compute_neighbour_overlaps


def test_a_large_corpus_measures_the_same_overlaps_for_a_sample_of_programs(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6)).astype(np.float32)
    y = (x + 0.3 * rng.normal(size=x.shape)).astype(np.float32)
    everything = _compute_neighbour_overlaps(x, y)
    assert np.isfinite(everything).all() and 0 < everything.mean() < 1
    monkeypatch.setattr(alignment_map_computation, "MAX_MEASURED_PROGRAMS", 199)
    monkeypatch.setattr(alignment_map_computation, "SAMPLED_PROGRAMS", 50)
    sampled = _compute_neighbour_overlaps(x, y)
    is_measured = np.isfinite(sampled)
    assert is_measured.sum() == 50 and is_measured[[0, -1]].all()
    np.testing.assert_array_equal(sampled[is_measured], everything[is_measured])


def test_too_few_programs_have_no_overlap():
    assert np.isnan(_compute_neighbour_overlaps(np.eye(4), np.eye(4))).all()
