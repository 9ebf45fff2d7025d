"""Contours of the density of points."""

from __future__ import annotations

import numpy as np
import pytest

from core.plots.density_contours import (
    build_density_contour_trace,
    compute_enclosed_shares,
    estimate_point_density_on_grid,
)


def test_a_contour_encloses_its_share_of_the_points() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 20_000))
    density, x_centres, y_centres = estimate_point_density_on_grid(x, y)
    assert density.sum() == pytest.approx(20_000, rel=0.01)
    shares = compute_enclosed_shares(density)
    columns = np.abs(x[:, None] - x_centres).argmin(axis=1)
    rows = np.abs(y[:, None] - y_centres).argmin(axis=1)
    for share in (0.3, 0.7):
        assert (shares[rows, columns] <= share).mean() == pytest.approx(share, abs=0.05)


def test_the_levels_are_those_shares_and_equal_points_are_drawn() -> None:
    trace = build_density_contour_trace(np.zeros(5), np.zeros(5))
    levels = np.arange(trace.contours.start, trace.contours.end, trace.contours.size)
    np.testing.assert_allclose(levels, [0.1, 0.3, 0.5, 0.7, 0.9])
    assert np.isfinite(trace.z).all()
