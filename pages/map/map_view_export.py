"""Image of the map as it is shown: the view that the browser reports, and the overlay's marks."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.plots.map_view_figure import MapLabel, MapView, build_map_view_figure
from pages.components import session_keys
from pages.map.map_marks_and_clicks import MapMarks

PANELS = ("before", "after")
MAX_LABELS = 500  # The script never reports so many.
MAX_LABEL_CHARS = 200


class ShownMap:
    """What a session's map shows: the overlay's marks, and the view that the browser reported last.

    An image is made outside of the session's script, where the session state cannot be read. So
    the session keeps one such object for as long as it lasts.
    """

    def __init__(self) -> None:
        self.marks = MapMarks()
        self.reported_view: dict[str, Any] = {}

    def build_figure(self, figure: go.Figure, points: pd.DataFrame) -> go.Figure:
        """Return the map's figure as the browser shows it."""
        view = build_map_view(self.reported_view, self.marks, points)
        return build_map_view_figure(figure, points, view)


def get_shown_map() -> ShownMap:
    """Return the session's object."""
    shown_map = session_keys.SHOWN_MAP.get_value()
    if shown_map is None:
        shown_map = ShownMap()
        session_keys.SHOWN_MAP.set_value(shown_map)
    return shown_map


def store_reported_view(view: Any) -> None:
    """Store what the browser reported of its view; for callbacks."""
    if isinstance(view, dict):
        get_shown_map().reported_view = view


def build_map_view(reported: dict[str, Any], marks: MapMarks, points: pd.DataFrame) -> MapView:
    """Return the view of a map.

    Parameters
    ----------
    reported : dict
        As `readView` in map_overlay_events.js returns it; whatever has another form is ignored.
    marks : MapMarks
    points : DataFrame
    """
    programs = points["program"]
    snippet: dict[str, tuple[float, float]] = {}
    neighbour_rows: tuple[int, ...] = ()
    if marks.placement is not None:
        for panel in PANELS:
            x, y = getattr(marks.placement, f"{panel}_position")
            snippet[panel] = (float(x), float(y))
        ids = [neighbour.program_id for neighbour in marks.placement.neighbours]
        neighbour_rows = _find_rows(programs.isin(ids) & (points["modality"] == "audio"))
    gap = marks.gap or {}
    return MapView(
        ranges=_read_ranges(reported.get("ranges")),
        hidden_groups=frozenset(
            name for name in _get_list(reported.get("hidden")) if isinstance(name, str)
        ),
        labels=_read_labels(reported.get("labels")),
        marked_rows=_find_rows(programs == marks.program_id) if marks.program_id else (),
        selected_rows=_find_rows(programs.isin(marks.selected_ids)),
        snippet=snippet,
        snippet_neighbour_rows=neighbour_rows,
        path=marks.path or {},
        gap_programs={panel: gap[panel] for panel in PANELS if panel in gap},
        gap=(gap["panel"], tuple(gap["place"])) if gap else None,
        morph_share=_read_share(reported.get("morphShare")),
    )


def _find_rows(is_row: pd.Series) -> tuple[int, ...]:
    return tuple(np.flatnonzero(is_row.to_numpy()).tolist())


def _read_ranges(
    reported: Any,
) -> dict[str, tuple[tuple[float, float], tuple[float, float]]]:
    ranges = {}
    for panel in PANELS:
        axes = [_get_list(axis) for axis in _get_list(_get_dict(reported).get(panel))]
        if len(axes) == 2 and all(len(axis) == 2 and all(map(_is_number, axis)) for axis in axes):
            (x_low, x_high), (y_low, y_high) = axes
            ranges[panel] = ((x_low, x_high), (y_low, y_high))
    return ranges


def _read_labels(reported: Any) -> tuple[MapLabel, ...]:
    labels = []
    for label in map(_get_dict, _get_list(reported)[:MAX_LABELS]):
        panel, text = label.get("panel"), label.get("text")
        x, y = label.get("x"), label.get("y")
        if panel in PANELS and isinstance(text, str) and _is_number(x) and _is_number(y):
            labels.append(MapLabel(panel, text[:MAX_LABEL_CHARS], (x, y)))
    return tuple(labels)


def _read_share(reported: Any) -> float | None:
    return float(reported) if _is_number(reported) and 0 <= reported <= 1 else None


def _get_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _get_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and math.isfinite(value)
