"""Density of maps with more points than a browser draws."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.plots import map_density_image
from core.plots.map_before_and_after_alignment import build_map_figure

PROGRAMS = 600


@pytest.fixture
def points(monkeypatch) -> pd.DataFrame:
    """Code lies around (0, 0) and audio around (10, 10), more densely."""
    monkeypatch.setattr(map_density_image, "MAX_DRAWN_POINTS", PROGRAMS)
    monkeypatch.setattr(map_density_image, "SAMPLED_POINTS", 100)
    rng = np.random.default_rng(0)
    code, audio = rng.normal(0, 1, (PROGRAMS, 2)), rng.normal(10, 0.2, (PROGRAMS, 2))
    xy = np.concatenate([code, audio]).astype(np.float32)
    return pd.DataFrame(
        {
            "program": [f"p{row}" for row in range(PROGRAMS)] * 2,
            "name": "n",
            "template": ["a", "b"] * PROGRAMS,
            "modality": ["code"] * PROGRAMS + ["audio"] * PROGRAMS,
            **{
                f"{panel}_{axis}": xy[:, i]
                for panel in ("before", "after")
                for i, axis in [(0, "x"), (1, "y")]
            },
        }
    )


def read_image(layout_image) -> np.ndarray:
    contents = base64.b64decode(layout_image.source.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(contents)).convert("RGBA")).astype(int)


def test_a_large_map_draws_a_sample_above_the_density_of_all_points(points):
    figure = build_map_figure(points)
    drawn = np.concatenate([t.customdata for t in figure.data if t.xaxis == "x"])
    assert len(drawn) == 100
    # Both points of a program are drawn, and rows still count all points.
    assert set(drawn[drawn >= PROGRAMS] - PROGRAMS) == set(drawn[drawn < PROGRAMS])
    assert drawn.max() == 2 * PROGRAMS - 1
    before, after = figure.layout.images
    assert (before.xref, before.yref, after.xref, after.yref) == ("x", "y", "x2", "y2")
    assert before.x < points["before_x"].min() and before.y > points["before_y"].max()
    assert before.x + before.sizex > points["before_x"].max()


def test_the_image_shows_groups_in_their_colours_at_their_places(points):
    image = read_image(build_map_figure(points).layout.images[0])
    height, width = image.shape[:2]
    low_left, high_right = image[height // 2 :, : width // 2], image[: height // 2, width // 2 :]
    for region, channel in ((low_left, 2), (high_right, 0)):  # code is blue, audio orange
        colours = region[region[:, :, 3] > 0][:, :3]
        assert len(colours) > 50
        assert (colours.argmax(axis=1) == channel).mean() > 0.95
    # Empty regions are transparent.
    assert (image[: height // 2, : width // 2, 3] > 0).mean() < 0.01


def test_shaded_points_lie_above_a_grey_density(points):
    values = pd.Series(np.linspace(0, 1, len(points)))
    figure = build_map_figure(points, values)
    assert len(figure.layout.images) == 2
    image = read_image(figure.layout.images[0])
    colours = image[image[:, :, 3] > 0][:, :3]
    assert np.ptp(colours, axis=1).max() < 30


def test_a_map_that_a_browser_can_draw_has_no_image(points):
    figure = build_map_figure(points.iloc[::2].reset_index(drop=True))
    assert not figure.layout.images
    assert sum(len(t.x) for t in figure.data if t.xaxis == "x") == PROGRAMS
