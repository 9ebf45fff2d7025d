"""The figure of a map as a browser shows it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from core.plots.colours import NEUTRAL_COLOUR
from core.plots.map_before_and_after_alignment import build_map_figure
from core.plots.map_view_figure import MARK_COLOUR, MapLabel, MapView, build_map_view_figure

PROGRAMS = 6


@pytest.fixture
def points() -> pd.DataFrame:
    """Six programs of two groups: all code, then all audio, as a map has them."""
    rng = np.random.default_rng(0)
    names = [f"p{number}" for number in range(PROGRAMS)]
    return pd.DataFrame(
        {
            "program": names * 2,
            "name": names * 2,
            "modality": ["code"] * PROGRAMS + ["audio"] * PROGRAMS,
            **{
                f"{panel}_{axis}": rng.normal(size=2 * PROGRAMS)
                for panel in ("before", "after")
                for axis in "xy"
            },
        }
    )


@pytest.fixture
def figure(points: pd.DataFrame) -> go.Figure:
    groups = pd.Series((["calm"] * 3 + ["loud"] * 3) * 2, name="group")
    return build_map_figure(points, groups)


def count_points(figure: go.Figure, *, is_grey: bool) -> int:
    return sum(
        len(trace.x)
        for trace in figure.data
        if trace.customdata is not None and (trace.marker.color == NEUTRAL_COLOUR) == is_grey
    )


def test_a_map_without_choices_keeps_all_points(figure: go.Figure, points: pd.DataFrame) -> None:
    shown = build_map_view_figure(figure, points, MapView())
    assert {trace.type for trace in shown.data} == {"scatter"}  # Vectors.
    assert count_points(shown, is_grey=False) == 2 * 2 * PROGRAMS
    assert [trace.name for trace in shown.data] == [trace.name for trace in figure.data]


def test_zoom_hidden_groups_and_labels_are_kept(figure: go.Figure, points: pd.DataFrame) -> None:
    ranges = {"before": ((0.0, 1.0), (2.0, 3.0)), "after": ((-1.0, 1.0), (-2.0, 2.0))}
    labels = (MapLabel("after", "<Drones>", (0.5, 0.0)),)
    view = MapView(ranges=ranges, hidden_groups=frozenset({"loud"}), labels=labels)
    shown = build_map_view_figure(figure, points, view)
    assert (shown.layout.xaxis.range, shown.layout.yaxis.range) == ranges["before"]
    assert (shown.layout.xaxis2.range, shown.layout.yaxis2.range) == ranges["after"]
    assert {trace.name for trace in shown.data if trace.visible == "legendonly"} == {"loud"}
    label = shown.layout.annotations[-1]
    assert (label.text, label.xref, label.x) == ("<b>&lt;Drones&gt;</b>", "x2", 0.5)


def test_a_selection_has_the_colours(figure: go.Figure, points: pd.DataFrame) -> None:
    rows = (0, PROGRAMS)  # The code and the audio of the first program.
    shown = build_map_view_figure(figure, points, MapView(selected_rows=rows))
    assert count_points(shown, is_grey=False) == 4
    assert count_points(shown, is_grey=True) == 2 * 2 * PROGRAMS - 4
    last = [trace for trace in shown.data if trace.customdata is not None and len(trace.x)][-4:]
    assert {int(row) for trace in last for row in trace.customdata} == set(rows)


def test_numbers_as_colours_survive_a_selection(points: pd.DataFrame) -> None:
    values = pd.Series(np.arange(2.0 * PROGRAMS), name="loudness")
    figure = build_map_figure(points, values, colour_label="Loudness")
    shown = build_map_view_figure(figure, points, MapView(selected_rows=(1,)))
    shades = [trace.marker.color for trace in shown.data if trace.marker.coloraxis]
    assert sorted(len(trace_shades) for trace_shades in shades) == [0, 0, 1, 1]


def test_marks_lie_where_the_overlay_has_them(figure: go.Figure, points: pd.DataFrame) -> None:
    view = MapView(
        marked_rows=(2, 2 + PROGRAMS),
        snippet={"before": (0.1, 0.2), "after": (0.3, 0.4)},
        snippet_neighbour_rows=(7,),
        path={"after": [(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)]},
        gap=("after", (0.5, 0.6)),
        gap_programs={"after": [(0.5, 0.7)]},
    )
    shown = build_map_view_figure(figure, points, view)
    marks = [trace for trace in shown.data[len(figure.data) :]]
    by_symbol = {trace.marker.symbol: trace for trace in marks if trace.xaxis == "x2"}
    assert by_symbol["circle-open"].x[0] == pytest.approx(points["after_x"][2])
    assert by_symbol["diamond-open"].y[0] == pytest.approx(points["after_y"][2 + PROGRAMS])
    assert (by_symbol["star"].x[0], by_symbol["star"].y[0]) == (0.3, 0.4)
    assert (by_symbol["cross-thin"].x[0], by_symbol["cross-thin"].y[0]) == (0.5, 0.6)
    # Between the program's points, to the neighbour, and along the path; each in its panel.
    lines = [trace for trace in marks if trace.mode == "lines"]
    assert [len(trace.x) for trace in lines if trace.xaxis == "x2"] == [2, 2, 3]
    assert [len(trace.x) for trace in lines if trace.xaxis == "x"] == [2, 2]
    numbers = [mark.text for mark in shown.layout.annotations if mark.bgcolor == MARK_COLOUR]
    assert numbers == ["<b>1</b>", "<b>2</b>", "<b>3</b>", "<b>1</b>"]


def test_numbers_outside_of_the_zoom_are_left_out(figure: go.Figure, points: pd.DataFrame) -> None:
    view = MapView(
        ranges={"after": ((0.0, 1.0), (0.0, 1.0))}, path={"after": [(0.5, 0.5), (9.0, 9.0)]}
    )
    shown = build_map_view_figure(figure, points, view)
    numbers = [mark.text for mark in shown.layout.annotations if mark.bgcolor == MARK_COLOUR]
    assert numbers == ["<b>1</b>"]


@pytest.mark.parametrize("share", (0.0, 0.25, 1.0))
def test_a_morph_is_one_panel_with_each_point_on_its_way(
    figure: go.Figure, points: pd.DataFrame, share: float
) -> None:
    ranges = {"after": ((0.0, 1.0), (0.0, 1.0))}  # Of panels that the morph covers.
    view = MapView(ranges=ranges, marked_rows=(2, 2 + PROGRAMS), morph_share=share)
    shown = build_map_view_figure(figure, points, view)
    assert "xaxis2" not in shown.layout and shown.layout.xaxis.domain == (0, 1)
    assert {trace.type for trace in shown.data} == {"scatter"}  # Vectors.
    assert {trace.marker.color for trace in shown.data} == {
        trace.marker.color for trace in figure.data
    }
    place_by_row = {
        int(row): (x, y)
        for trace in shown.data
        for row, x, y in zip(trace.customdata, trace.x, trace.y)
    }
    assert len(place_by_row) == 2 * PROGRAMS

    def scale(column: str) -> np.ndarray:
        values = points[column].to_numpy()
        return (values - values.min()) / np.ptp(values)

    for row, place in place_by_row.items():
        assert place == pytest.approx(
            [
                (1 - share) * scale(f"before_{axis}")[row] + share * scale(f"after_{axis}")[row]
                for axis in "xy"
            ]
        )
    titles = {0.0: "Before alignment", 1.0: "After alignment"}
    (title,) = shown.layout.annotations
    assert title.text == titles.get(share, "Before → after alignment")


def test_a_morph_keeps_hidden_groups_and_shades(figure: go.Figure, points: pd.DataFrame) -> None:
    view = MapView(hidden_groups=frozenset({"loud"}), morph_share=0.0)
    shown = build_map_view_figure(figure, points, view)
    assert {trace.name for trace in shown.data if trace.visible == "legendonly"} == {"loud"}
    # The visible points alone span the panel.
    visible_x = [x for trace in shown.data if trace.visible != "legendonly" for x in trace.x]
    assert (min(visible_x), max(visible_x)) == pytest.approx((0, 1))
    values = pd.Series(np.arange(2.0 * PROGRAMS), name="loudness")
    shaded = build_map_figure(points, values, colour_label="Loudness")
    shown = build_map_view_figure(shaded, points, MapView(morph_share=0.5))
    assert shown.layout.coloraxis.colorscale == shaded.layout.coloraxis.colorscale
    assert sum(len(trace.x) for trace in shown.data if trace.customdata is not None) == len(points)
