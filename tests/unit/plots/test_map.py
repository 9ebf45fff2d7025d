"""The map: every point where it belongs, told apart by shape too, and nothing heavy on board."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from plotly.utils import PlotlyJSONEncoder

from core.plots import map, charts
from core.plots.map import place_template_labels, draw_map, rotate_after_to_before
from core.pipeline import map_colours

PROGRAMS = 60


def points(count: int = PROGRAMS) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    facts = {
        "program": [f"{number:032x}" for number in range(count)],
        "name": [f"beeps-{number:04d}" for number in range(count)],
        "template": [f"t{number % 27:02d}" for number in range(count)],
        "role": [("melody", "bass", "drums")[number % 3] for number in range(count)],
        "split": [("train", "validation", "test")[number % 3] for number in range(count)],
    }
    both = {key: values * 2 for key, values in facts.items()}
    places = {
        name: rng.normal(size=2 * count).astype(np.float32)
        for name in ("before_x", "before_y", "after_x", "after_y")
    }
    measured = {
        name: np.tile(rng.random(count).astype(np.float32), 2)
        for name in ("similarity", "overlap_before", "overlap_after")
    }
    sides = ["code"] * count + ["audio"] * count
    return pd.DataFrame({**both, "modality": sides, **places, **measured})


def programs(count: int = PROGRAMS) -> pd.DataFrame:
    """As a corpus gives them; every third has a synth, the others an amp."""
    frame = points(count)[:count][["program", "name", "template", "role", "split"]]
    drawn = [{"synth": f":s{n % 4}"} if n % 3 == 0 else {"amp": n / 2} for n in range(count)]
    return frame.assign(
        parameters=drawn, rms=[0.0] + [10 ** (-n / 20) for n in range(1, count)], peak=0.5
    )


def drawn_as(figure, panel: str) -> list:
    axis = {"before": "x", "after": "x2"}[panel]
    drawn = [trace for trace in figure.data if trace.customdata is not None]  # not the legend's
    return [trace for trace in drawn if (trace.xaxis or "x") == axis]


@pytest.mark.parametrize("colour_by", list(map_colours.list_colourings(points(), programs())))
def test_every_point_is_drawn_once_in_each_panel_where_it_lies(colour_by: str) -> None:
    frame = points()
    figure = draw_map(frame, map_colours.compute_colour_values(frame, programs(), colour_by))
    for panel in ("before", "after"):
        traces = drawn_as(figure, panel)
        rows = np.concatenate([trace.customdata for trace in traces])
        assert sorted(rows) == list(range(2 * PROGRAMS))
        for trace in traces:
            drawn = frame.iloc[np.asarray(trace.customdata)]
            np.testing.assert_array_equal(trace.x, drawn[f"{panel}_x"])
            np.testing.assert_array_equal(trace.y, drawn[f"{panel}_y"])
            assert trace.x.dtype == trace.y.dtype == np.float32
            if trace.marker.symbol != "x":  # without a value
                shape = {"code": "circle", "audio": "diamond"}[drawn["modality"].unique().item()]
                assert trace.marker.symbol == shape


def test_legend_names_each_group_once_and_uses_labels() -> None:
    frame = points()
    figure = draw_map(frame, frame["template"], group_titles={"t00": "First <b>beeps</b>"})
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert len(shown) == len(set(shown)) == 27
    assert shown[0] == "First &lt;b&gt;beeps&lt;/b&gt;"
    # One entry switches all that is drawn of a group.
    assert all(trace.legendgroup == trace.name for trace in figure.data)


def test_rare_groups_and_what_has_no_value_are_grey() -> None:
    frame = points(200)
    texts = pd.Series([f"g{number % 100}" for number in range(200)] * 2)
    texts[5] = texts[205] = ""
    figure = draw_map(frame, texts)
    shown = [trace for trace in figure.data if trace.showlegend]
    assert len(shown) == map.MAX_GROUPS + 2
    grey = {trace.name for trace in shown if trace.marker.color == charts.NEUTRAL_COLOUR}
    assert grey == {map.OTHER_GROUP_LABEL, map.NO_VALUE_LABEL}


@pytest.mark.parametrize("scale", map.COLOUR_SCALES)
def test_shades_rise_with_numbers_and_what_has_none_is_grey(scale: str) -> None:
    frame = points(200)
    values = pd.Series(np.concatenate([[np.nan], np.geomspace(0.1, 1000, 199)] * 2))
    figure = draw_map(frame, values, colour_label="a <b>", scale=scale)
    code, audio, without = drawn_as(figure, "after")
    assert (np.diff(code.marker.color.astype(int)) >= 0).all()
    assert (code.marker.color[0], code.marker.color[-1]) == (0, map.MAX_SHADE)
    assert list(without.customdata) == [0, 200]
    assert without.marker.color == charts.NEUTRAL_COLOUR
    axis = figure.layout.coloraxis
    assert (axis.cmin, axis.cmax) == (0, map.MAX_SHADE)
    assert axis.colorbar.title.text == "a &lt;b&gt;"
    # Ticks say what number their shade stands for.
    at = np.interp(axis.colorbar.tickvals, code.marker.color, values[1:200])
    told = [float(text) for text in axis.colorbar.ticktext]
    np.testing.assert_allclose(at, told, rtol=0.1, atol=3)


def test_a_logarithm_leaves_what_has_none_grey_and_differences_stand_around_grey() -> None:
    frame = points(10)
    values = pd.Series([-1.0, 0.0, *range(1, 9)] * 2)
    assert len(drawn_as(draw_map(frame, values, scale="log"), "before")[2].customdata) == 4
    around = draw_map(frame, values)
    colours = [colour for _, colour in around.layout.coloraxis.colorscale]
    assert colours[2] == charts.NEUTRAL_COLOUR
    zero = drawn_as(around, "before")[0].marker.color[1]
    assert zero == pytest.approx(map.MAX_SHADE / 2, abs=1)


def test_equal_numbers_and_none_at_all_are_drawn() -> None:
    frame = points(5)
    for value in (2.0, np.nan):
        figure = draw_map(frame, pd.Series([value] * 10))
        drawn = sum(len(trace.customdata) for trace in drawn_as(figure, "before"))
        assert drawn == 10


def test_a_name_is_no_markup_in_a_hover() -> None:
    frame = points(4)
    frame["name"] = '<a href="https://example.org">me</a>'
    assert "<a" not in json.dumps(draw_map(frame).to_plotly_json(), cls=PlotlyJSONEncoder)


@pytest.mark.parametrize("colour_by", ["modality", "template", "error", "parameter:amp"])
def test_many_points_are_sent_without_names_and_small(colour_by: str) -> None:
    frame = points(13_500)
    figure = draw_map(frame, map_colours.compute_colour_values(frame, programs(13_500), colour_by))
    assert all(trace.text is None for trace in figure.data)
    assert len(figure.to_json()) < 1_500_000


def test_an_unknown_colouring_or_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="loudness"):
        map_colours.compute_colour_values(points(), programs(), "loudness")
    with pytest.raises(ValueError, match="cubic"):
        draw_map(points(), scale="cubic")


def test_colourings_are_what_programs_have() -> None:
    known = map_colours.list_colourings(points(), programs())
    assert list(known)[:4] == ["modality", "role", "template", "split"]
    # What more programs have comes first.
    assert list(known)[-2:] == ["parameter:amp", "parameter:synth"]
    old = points().drop(columns=["similarity", "overlap_before", "overlap_after"])
    assert "error" not in map_colours.list_colourings(old, programs())
    amp = map_colours.compute_colour_values(points(), programs(), "parameter:amp")
    assert amp[1] == amp[PROGRAMS + 1] == 0.5
    assert np.isnan(amp[0])
    synth = map_colours.compute_colour_values(points(), programs(), "parameter:synth")
    assert (synth[0], synth[1]) == (":s0", "")
    level = map_colours.compute_colour_values(points(), programs(), "level")
    assert np.isnan(level[0])
    assert level[20] == pytest.approx(-20)


def test_labels_stand_where_their_crowd_is_and_larger_ones_come_first() -> None:
    frame = points()
    frame.loc[frame["template"] == "t01", "template"] = "t00"
    labels = place_template_labels(frame, {"t00": "Beeps"})
    assert (labels[0]["text"], labels[0]["size"]) == ("Beeps", 6)
    assert len(labels) == 2 * 26
    for each in labels:
        for panel in ("before", "after"):
            far = np.abs(frame[[f"{panel}_x", f"{panel}_y"]] - each[panel]).max(axis=1)
            assert far.min() < 1e-3


def test_the_picture_after_faces_as_the_one_before_and_keeps_its_distances() -> None:
    frame = points()
    xy = frame[["before_x", "before_y"]].to_numpy(float)
    mirror = np.array([[np.cos(2), np.sin(2)], [np.sin(2), -np.cos(2)]])
    frame[["after_x", "after_y"]] = 3 * xy @ mirror + [5, -2]
    found = rotate_after_to_before(frame)[["after_x", "after_y"]].to_numpy()
    centre = frame[["after_x", "after_y"]].to_numpy().mean(axis=0)
    np.testing.assert_allclose(found, 3 * (xy - xy.mean(axis=0)) + centre, atol=1e-4)
    assert found.dtype == np.float32
    for empty in (frame[:0], frame[:1]):
        pd.testing.assert_frame_equal(rotate_after_to_before(empty), empty)
