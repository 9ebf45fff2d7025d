"""The map: positions, groups and shades of points, labels, and the size of the figure."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from plotly.utils import PlotlyJSONEncoder

from core.pipeline import map_colour_values
from core.plots.colours import NEUTRAL_COLOUR
from core.plots.map_before_and_after_alignment import (
    MAX_GROUPS,
    NO_VALUE_LABEL,
    OTHER_GROUP_LABEL,
    add_density_contours,
    build_map_figure,
    rotate_after_map_to_before_map,
)
from core.plots.map_cluster_labels import build_map_cluster_labels
from core.plots.map_colour_scale import COLOUR_SCALES, MAX_SHADE

PROGRAM_COUNT = 60


def make_points(count: int = PROGRAM_COUNT) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    columns = {
        "program": [f"{number:032x}" for number in range(count)],
        "name": [f"beeps-{number:04d}" for number in range(count)],
        "template": [f"t{number % 27:02d}" for number in range(count)],
        "role": [("melody", "bass", "drums")[number % 3] for number in range(count)],
        "split": [("train", "validation", "test")[number % 3] for number in range(count)],
    }
    columns = {key: values * 2 for key, values in columns.items()}
    positions = {
        name: rng.normal(size=2 * count).astype(np.float32)
        for name in ("before_x", "before_y", "after_x", "after_y")
    }
    measures = {
        name: np.tile(rng.random(count).astype(np.float32), 2)
        for name in ("similarity", "overlap_before", "overlap_after")
    }
    modalities = ["code"] * count + ["audio"] * count
    return pd.DataFrame({**columns, "modality": modalities, **positions, **measures})


def make_programs(count: int = PROGRAM_COUNT) -> pd.DataFrame:
    """Return programs with their parameters: every third has a synth, the others an amp."""
    frame = make_points(count)[:count][["program", "name", "template", "role", "split"]]
    parameters = [{"synth": f":s{n % 4}"} if n % 3 == 0 else {"amp": n / 2} for n in range(count)]
    return frame.assign(
        parameters=parameters, rms=[0.0] + [10 ** (-n / 20) for n in range(1, count)], peak=0.5
    )


def find_panel_traces(figure, panel: str) -> list:
    axis = {"before": "x", "after": "x2"}[panel]
    # Legend entries have no customdata.
    with_points = [trace for trace in figure.data if trace.customdata is not None]
    return [trace for trace in with_points if (trace.xaxis or "x") == axis]


@pytest.mark.parametrize(
    "colour_by", list(map_colour_values.list_colour_by_options(make_points(), make_programs()))
)
def test_every_point_is_drawn_once_in_each_panel_at_its_position(colour_by: str) -> None:
    frame = make_points()
    figure = build_map_figure(
        frame, map_colour_values.compute_colour_values(frame, make_programs(), colour_by)
    )
    for panel in ("before", "after"):
        traces = find_panel_traces(figure, panel)
        row_numbers = np.concatenate([trace.customdata for trace in traces])
        assert sorted(row_numbers) == list(range(2 * PROGRAM_COUNT))
        for trace in traces:
            rows = frame.iloc[np.asarray(trace.customdata)]
            np.testing.assert_array_equal(trace.x, rows[f"{panel}_x"])
            np.testing.assert_array_equal(trace.y, rows[f"{panel}_y"])
            assert trace.x.dtype == trace.y.dtype == np.float32
            if trace.marker.symbol != "x":  # which marks points without a value
                shape = {"code": "circle", "audio": "diamond"}[rows["modality"].unique().item()]
                assert trace.marker.symbol == shape


def test_the_legend_lists_each_group_once_with_its_title() -> None:
    frame = make_points()
    figure = build_map_figure(frame, frame["template"], group_titles={"t00": "First <b>beeps</b>"})
    names = [trace.name for trace in figure.data if trace.showlegend]
    assert len(names) == len(set(names)) == 27
    assert names[0] == "First &lt;b&gt;beeps&lt;/b&gt;"
    # One legend entry switches all traces of a group.
    assert all(trace.legendgroup == trace.name for trace in figure.data)


def test_rare_groups_and_missing_values_are_grey() -> None:
    frame = make_points(200)
    texts = pd.Series([f"g{number % 100}" for number in range(200)] * 2)
    texts[5] = texts[205] = ""
    figure = build_map_figure(frame, texts)
    legend_traces = [trace for trace in figure.data if trace.showlegend]
    assert len(legend_traces) == MAX_GROUPS + 2
    grey_names = {trace.name for trace in legend_traces if trace.marker.color == NEUTRAL_COLOUR}
    assert grey_names == {OTHER_GROUP_LABEL, NO_VALUE_LABEL}


@pytest.mark.parametrize("scale", COLOUR_SCALES)
def test_shades_rise_with_numbers_and_missing_numbers_are_grey(scale: str) -> None:
    frame = make_points(200)
    values = pd.Series(np.concatenate([[np.nan], np.geomspace(0.1, 1000, 199)] * 2))
    figure = build_map_figure(frame, values, colour_label="a <b>", scale=scale)
    code, audio, without = find_panel_traces(figure, "after")
    assert (np.diff(code.marker.color.astype(int)) >= 0).all()
    assert (code.marker.color[0], code.marker.color[-1]) == (0, MAX_SHADE)
    assert list(without.customdata) == [0, 200]
    assert without.marker.color == NEUTRAL_COLOUR
    axis = figure.layout.coloraxis
    assert (axis.cmin, axis.cmax) == (0, MAX_SHADE)
    assert axis.colorbar.title.text == "a &lt;b&gt;"
    # Each tick is the number of its shade.
    numbers = np.interp(axis.colorbar.tickvals, code.marker.color, values[1:200])
    tick_numbers = [float(text) for text in axis.colorbar.ticktext]
    np.testing.assert_allclose(numbers, tick_numbers, rtol=0.1, atol=3)


def test_numbers_without_logarithm_are_grey_and_zero_is_grey_between_signs() -> None:
    frame = make_points(10)
    values = pd.Series([-1.0, 0.0, *range(1, 9)] * 2)
    assert (
        len(find_panel_traces(build_map_figure(frame, values, scale="log"), "before")[2].customdata)
        == 4
    )
    diverging = build_map_figure(frame, values)
    colours = [colour for _, colour in diverging.layout.coloraxis.colorscale]
    assert colours[2] == NEUTRAL_COLOUR
    zero = find_panel_traces(diverging, "before")[0].marker.color[1]
    assert zero == pytest.approx(MAX_SHADE / 2, abs=1)


def test_equal_numbers_and_missing_numbers_are_drawn() -> None:
    frame = make_points(5)
    for value in (2.0, np.nan):
        figure = build_map_figure(frame, pd.Series([value] * 10))
        point_count = sum(len(trace.customdata) for trace in find_panel_traces(figure, "before"))
        assert point_count == 10


def test_names_are_escaped_in_a_hover() -> None:
    frame = make_points(4)
    frame["name"] = '<a href="https://example.org">me</a>'
    assert "<a" not in json.dumps(build_map_figure(frame).to_plotly_json(), cls=PlotlyJSONEncoder)


@pytest.mark.parametrize("colour_by", ["modality", "template", "error", "parameter:amp"])
def test_a_figure_of_many_points_has_no_names_and_is_small(colour_by: str) -> None:
    frame = make_points(13_500)
    figure = build_map_figure(
        frame, map_colour_values.compute_colour_values(frame, make_programs(13_500), colour_by)
    )
    assert all(trace.text is None for trace in figure.data)
    assert len(figure.to_json()) < 1_500_000


def test_an_unknown_colouring_or_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="loudness"):
        map_colour_values.compute_colour_values(make_points(), make_programs(), "loudness")
    with pytest.raises(ValueError, match="cubic"):
        build_map_figure(make_points(), scale="cubic")


def test_colourings_match_the_properties_of_the_programs() -> None:
    colourings = map_colour_values.list_colour_by_options(make_points(), make_programs())
    assert list(colourings)[:4] == ["modality", "role", "template", "split"]
    # Parameters of more programs come first.
    assert list(colourings)[-2:] == ["parameter:amp", "parameter:synth"]
    old_points = make_points().drop(columns=["similarity", "overlap_before", "overlap_after"])
    assert "error" not in map_colour_values.list_colour_by_options(old_points, make_programs())
    amp = map_colour_values.compute_colour_values(make_points(), make_programs(), "parameter:amp")
    assert amp[1] == amp[PROGRAM_COUNT + 1] == 0.5
    assert np.isnan(amp[0])
    synth = map_colour_values.compute_colour_values(
        make_points(), make_programs(), "parameter:synth"
    )
    assert (synth[0], synth[1]) == (":s0", "")
    level = map_colour_values.compute_colour_values(make_points(), make_programs(), "level")
    assert np.isnan(level[0])
    assert level[20] == pytest.approx(-20)


def test_labels_lie_in_their_clusters_and_large_clusters_come_first() -> None:
    frame = make_points()
    frame.loc[frame["template"] == "t01", "template"] = "t00"
    labels = build_map_cluster_labels(frame, {"t00": "Beeps"})
    assert (labels[0]["text"], labels[0]["size"]) == ("Beeps", 6)
    assert len(labels) == 2 * 26
    for label in labels:
        for panel in ("before", "after"):
            distance = np.abs(frame[[f"{panel}_x", f"{panel}_y"]] - label[panel]).max(axis=1)
            assert distance.min() < 1e-3


def test_the_map_after_is_rotated_to_the_map_before_without_scaling() -> None:
    frame = make_points()
    xy = frame[["before_x", "before_y"]].to_numpy(float)
    mirroring = np.array([[np.cos(2), np.sin(2)], [np.sin(2), -np.cos(2)]])
    frame[["after_x", "after_y"]] = 3 * xy @ mirroring + [5, -2]
    rotated = rotate_after_map_to_before_map(frame)[["after_x", "after_y"]].to_numpy()
    centre = frame[["after_x", "after_y"]].to_numpy().mean(axis=0)
    np.testing.assert_allclose(rotated, 3 * (xy - xy.mean(axis=0)) + centre, atol=1e-4)
    assert rotated.dtype == np.float32
    for few_points in (frame[:0], frame[:1]):
        pd.testing.assert_frame_equal(rotate_after_map_to_before_map(few_points), few_points)


def test_metrics_stand_beside_the_titles_and_their_text_is_no_markup() -> None:
    notes = {"before": "CKA 0.21", "after": "<b>CKA</b> 0.43"}
    titles = [
        annotation.text
        for annotation in build_map_figure(make_points(), panel_notes=notes).layout.annotations
    ]
    assert titles[0].startswith("Before alignment") and "CKA 0.21" in titles[0]
    assert "&lt;b&gt;CKA&lt;/b&gt; 0.43" in titles[1]


def test_stacked_panels_stand_one_above_the_other() -> None:
    layout = build_map_figure(make_points(), is_stacked=True).layout
    assert layout.xaxis.domain == layout.xaxis2.domain == (0, 1)
    assert layout.yaxis.domain[0] > layout.yaxis2.domain[1]
    side_by_side = build_map_figure(make_points()).layout
    assert side_by_side.xaxis.domain[1] < side_by_side.xaxis2.domain[0]


def test_sound_properties_are_colours_where_they_are_known() -> None:
    points, programs = make_points(), make_programs()
    known = programs.assign(main_synth="tb303", brightness=np.arange(len(programs)) * 100.0)
    assert "brightness" not in map_colour_values.list_colour_by_options(points, programs)
    options = map_colour_values.list_colour_by_options(points, known)
    assert options["main_synth"] == "Synth" and "brightness" in options
    assert "loudness" not in options
    values = map_colour_values.compute_colour_values(points, known, "brightness")
    assert values.tolist() == known["brightness"].tolist() * 2
    synths = map_colour_values.compute_colour_values(points, known, "main_synth")
    assert set(synths) == {"tb303"}


def test_density_contours_lie_in_both_panels_and_leave_the_points_alone() -> None:
    points = make_points()
    figure = build_map_figure(points)
    trace_count = len(figure.data)
    add_density_contours(figure, points)
    contours = figure.data[trace_count:]
    assert [trace.type for trace in contours] == ["contour", "contour"]
    assert [trace.xaxis for trace in contours] == ["x", "x2"]
    assert all(trace.customdata is None and trace.hoverinfo == "skip" for trace in contours)
