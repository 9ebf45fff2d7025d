"""What the page Map takes from the view that a browser reports."""

from __future__ import annotations

import pandas as pd

from core.plots.map_view_figure import MapLabel
from pages.map.map_marks_and_clicks import MapMarks
from pages.map.map_view_export import build_map_view

POINTS = pd.DataFrame({"program": ["a", "b", "a", "b"], "modality": ["code"] * 2 + ["audio"] * 2})


def test_the_view_holds_what_was_reported_and_marked() -> None:
    reported = {
        "ranges": {"before": [[0, 1], [2, 3]], "after": [[4, 5], [6, 7]]},
        "hidden": ["House"],
        "labels": [{"panel": "after", "text": "Dub", "x": 1.5, "y": 2.5}],
        "morphShare": 0.4,
    }
    marks = MapMarks(
        "b",
        ("a",),
        path={"before": [[0, 0]], "after": [[1, 1]]},
        gap={"panel": "after", "place": [1, 2], "before": [[3, 3]], "after": [[4, 4]]},
    )
    view = build_map_view(reported, marks, POINTS)
    assert view.ranges == {"before": ((0, 1), (2, 3)), "after": ((4, 5), (6, 7))}
    assert view.hidden_groups == {"House"}
    assert view.labels == (MapLabel("after", "Dub", (1.5, 2.5)),)
    assert (view.marked_rows, view.selected_rows) == ((1, 3), (0, 2))
    assert view.path == {"before": [[0, 0]], "after": [[1, 1]]}
    assert view.gap == ("after", (1, 2))
    assert view.gap_programs == {"before": [[3, 3]], "after": [[4, 4]]}
    assert view.morph_share == 0.4


def test_a_report_of_another_form_is_ignored() -> None:
    for reported in (
        {"ranges": {"before": [[0, "1"], [2, 3]], "after": [[4, float("nan")], [6, 7]]}},
        {"ranges": [1], "hidden": {"a": 1}, "labels": [{"panel": "up", "text": "x"}, 3]},
        {"labels": [{"panel": "after", "text": "x", "x": None, "y": 1}], "hidden": [1]},
        {"morphShare": 2},
        {"morphShare": None},
    ):
        view = build_map_view(reported, MapMarks(), POINTS)
        assert not view.ranges and not view.labels and not view.hidden_groups
        assert view.morph_share is None
