"""Overlay of the map: what it marks, and the clicks and lassos that it reports."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from pages.components import session_keys

if TYPE_CHECKING:
    from core.search.map_placement import MapPlacement

# One script for the browser: a component cannot import a second file.
_SCRIPT_FILES = (
    "map_chart_points.js",
    "map_overlay_drawing.js",
    "map_morph_animation.js",
    "map_path_and_gap_drawing.js",
    "map_overlay_events.js",
)
_overlay_component = st.components.v2.component(
    "earshot_map",
    js="\n".join(
        (Path(__file__).parent / name).read_text(encoding="utf-8") for name in _SCRIPT_FILES
    ),
)


@dataclass(frozen=True)
class MapMarks:
    """What the overlay marks on the map.

    Attributes
    ----------
    program_id : str or None
        The program whose card is open.
    selected_ids : tuple of str
        Programs that a lasso selected.
    placement : MapPlacement or None
        Position and neighbours of a snippet.
    labels : list of dict
        Labels of clusters, as `load_map_cluster_labels` returns them.
    path : dict or None
        Positions of a path's programs by panel.
    gap : dict or None
        "panel" and "place" of a gap, and positions by panel of programs for it.
    is_choosing_place : bool
        Whether a click reports its place instead of the nearest program.
    is_choosing_path : bool
        Whether a click chooses an end of a path, and opens and marks no program.
    """

    program_id: str | None = None
    selected_ids: tuple[str, ...] = ()
    placement: MapPlacement | None = None
    labels: list[dict[str, Any]] = field(default_factory=list)
    path: dict[str, Any] | None = None
    gap: dict[str, Any] | None = None
    is_choosing_place: bool = False
    is_choosing_path: bool = False


def draw_map_overlay(
    points: pd.DataFrame,
    marks: MapMarks,
    on_click: Callable[[str], None],
    on_lasso: Callable[[tuple[str, ...]], None],
    on_place: Callable[[dict[str, Any]], None],
    on_view: Callable[[Any], None],
) -> None:
    """Draw the overlay with its marks.

    Parameters
    ----------
    points : DataFrame
        The map's points.
    marks : MapMarks
    on_click : callable
        Takes the id of the program of a clicked point.
    on_lasso : callable
        Takes the ids of the programs inside a lasso.
    on_place : callable
        Takes the "panel", "x" and "y" of a click while a place is chosen.
    on_view : callable
        Takes what the chart shows when an image of it is asked for.
    """
    with st.container(key="map-marks"):
        _overlay_component(
            key=session_keys.MAP_OVERLAY.name,
            data=build_map_overlay_data(points, marks),
            on_pick_change=lambda: _report_clicked_program(points, on_click),
            on_lasso_change=lambda: _report_lasso_selection(points, on_lasso),
            on_place_change=lambda: _report_clicked_place(on_place),
            on_view_change=lambda: on_view(session_keys.MAP_OVERLAY.get_value().get("view")),
            on_stacked_change=_store_map_panel_arrangement,
        )


def build_map_overlay_data(points: pd.DataFrame, marks: MapMarks) -> dict[str, Any]:
    """Return the marks as `map_overlay_drawing.js` reads them: rows of points, not program ids."""
    programs = points["program"]
    rows = np.flatnonzero(programs == marks.program_id).tolist() if marks.program_id else []
    mask = None
    if marks.selected_ids:
        mask = encode_bitmask(programs.isin(marks.selected_ids).to_numpy())
    snippet = None
    if marks.placement is not None:
        ids = [neighbour.program_id for neighbour in marks.placement.neighbours]
        is_neighbour_clip = programs.isin(ids) & (points["modality"] == "audio")
        snippet = {
            "before": marks.placement.before_position,
            "after": marks.placement.after_position,
            "neighbours": np.flatnonzero(is_neighbour_clip).tolist(),
        }
    # Points come as all code, then all audio, in the same order. The script can then find a
    # program's other point without asking.
    half = len(points) // 2
    first, second = programs[:half].array, programs[half:].array
    has_matching_halves = len(points) % 2 == 0 and bool((first == second).all())
    return {
        "rows": rows,
        "selection": mask,
        "total": len(points),
        "half": half if has_matching_halves else 0,
        "labels": marks.labels,
        "snippet": snippet,
        "path": marks.path,
        "gap": marks.gap,
        "isChoosingPlace": marks.is_choosing_place,
        "isChoosingPath": marks.is_choosing_path,
    }


def encode_bitmask(mask: np.ndarray) -> str:
    """Encode one bit per point as base64, as `map_chart_points.js` reads it.

    Parameters
    ----------
    mask : array, bool [n]
    """
    return base64.b64encode(np.packbits(mask, bitorder="little").tobytes()).decode("ascii")


def decode_bitmask(text: str, bit_count: int) -> np.ndarray:
    """Decode what `encode_bitmask` returns; all False for anything else.

    Returns
    -------
    array, bool [bit_count]
    """
    try:
        encoded = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    except ValueError:
        return np.zeros(bit_count, bool)
    packed = np.zeros(-(-bit_count // 8), np.uint8)
    packed[: min(len(encoded), len(packed))] = encoded[: len(packed)]
    return np.unpackbits(packed, count=bit_count, bitorder="little").astype(bool)


def _report_clicked_program(points: pd.DataFrame, on_click: Callable[[str], None]) -> None:
    row = session_keys.MAP_OVERLAY.get_value().get("pick")
    if isinstance(row, (int, float)) and 0 <= row < len(points):
        on_click(str(points["program"].iloc[int(row)]))


def _report_clicked_place(on_place: Callable[[dict[str, Any]], None]) -> None:
    place = session_keys.MAP_OVERLAY.get_value().get("place")
    if isinstance(place, dict) and all(
        isinstance(place.get(axis), (int, float)) and np.isfinite(place[axis]) for axis in "xy"
    ):
        on_place(place)


def _store_map_panel_arrangement() -> None:
    value = session_keys.MAP_OVERLAY.get_value().get("stacked")
    session_keys.IS_MAP_STACKED.set_value(value == "yes")
    session_keys.IS_MAP_LAYOUT_CHANGED.set_value(True)


def _report_lasso_selection(
    points: pd.DataFrame, on_lasso: Callable[[tuple[str, ...]], None]
) -> None:
    mask = decode_bitmask(str(session_keys.MAP_OVERLAY.get_value().get("lasso") or ""), len(points))
    if mask.any():
        on_lasso(tuple(dict.fromkeys(points["program"][mask])))
