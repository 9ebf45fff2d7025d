"""Sidebar of the map: a program's card, the lasso's selection, or a snippet's neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.errors import EarshotError
from pages.components import (
    audio_player,
    code_editor,
    markdown_and_errors,
    program_actions_menu,
    program_header_and_diff,
    session_keys,
)
from pages.components.corpus_and_alignment_picker import Selection
from pages.components.program_actions_menu import ProgramToUse
from pages.map import (
    cached_map_points_and_figure,
    fill_gap_panel,
    lasso_selection_panel,
    map_marks_and_clicks,
    map_view_export,
    variant_path_panel,
)
from pages.map.map_marks_and_clicks import MapMarks

if TYPE_CHECKING:
    from core.search.map_placement import MapPlacement
    from core.search.nearest_neighbour_queries import Neighbour

PANEL_LABELS = {
    "program": "Program",
    "selection": "Selection",
    "snippet": "Snippet",
    "path": "Path",
    "gap": "Gap",
}
DIRECTION_LABELS = {
    "audio->audio": "Similar sound",
    "code->code": "Similar code",
    "code->audio": "Predicted from its code",
    "audio->code": "Code found by its sound",
}
NEIGHBOUR_COUNT = 5


@st.fragment
def draw_map_sidebar(selected: Selection) -> None:
    """Draw the sidebar; a click on the map draws only this again, and not the map."""
    if session_keys.IS_MAP_LAYOUT_CHANGED.get_value():
        session_keys.IS_MAP_LAYOUT_CHANGED.clear()
        st.rerun()  # The map is drawn outside this fragment.
    points = cached_map_points_and_figure.load_points_of_existing_map(
        selected.corpus, selected.alignment
    )
    program_id, selected_ids = session_keys.PROGRAM.get_value(), get_lassoed_program_ids(selected)
    if not session_keys.MAP_PANEL.is_set():
        session_keys.MAP_PANEL.set_value(session_keys.MAP_PANEL.default)
    panel = st.segmented_control(
        "Beside the map",
        list(PANEL_LABELS),
        required=True,
        key=session_keys.MAP_PANEL.name,
        format_func=lambda option: PANEL_LABELS[option],
        label_visibility="collapsed",
        persist_state="session",
    )
    placement: MapPlacement | None = None
    path = gap = None
    with st.container(border=True, height=566, key="card"):
        if panel == "snippet":
            placement = draw_snippet_placement(selected, points)
        elif panel == "selection":
            lasso_selection_panel.draw_selection_panel(
                selected.corpus, points, selected_ids, open_and_play_program, clear_lasso_selection
            )
        elif panel == "path":
            path = variant_path_panel.draw_path_panel(selected, points)
        elif panel == "gap":
            gap = fill_gap_panel.draw_map_gap_panel(selected, points)
        elif program_id is None:
            draw_map_help()
        else:
            draw_program_card(selected, program_id, bool((points["program"] == program_id).any()))
    marks = MapMarks(
        program_id if panel in ("program", "selection") else None,
        selected_ids,
        placement,
        cached_map_points_and_figure.load_map_cluster_labels(selected.corpus, selected.alignment),
        path,
        gap,
        is_choosing_place=panel == "gap",
        is_choosing_path=panel == "path",
    )
    map_view_export.get_shown_map().marks = marks
    map_marks_and_clicks.draw_map_overlay(
        points,
        marks,
        lambda program_id: open_program_or_choose_path_end(selected, program_id),
        lambda program_ids: store_lasso_selection(selected, program_ids),
        lambda place: fill_gap_panel.store_clicked_map_place(selected, place),
        map_view_export.store_reported_view,
    )


# -- what is selected -------------------------------------------------------------------------


def get_lassoed_program_ids(selected: Selection) -> tuple[str, ...]:
    """Return the programs that a lasso selected on this map."""
    map_selection = session_keys.MAP_SELECTION.get_value()
    if map_selection is None:
        return ()
    corpus_name, alignment_id, program_ids = map_selection
    is_of_this_map = (corpus_name, alignment_id) == (selected.corpus.name, selected.alignment.id)
    return tuple(program_ids) if is_of_this_map else ()


def store_lasso_selection(selected: Selection, program_ids: tuple[str, ...]) -> None:
    """Store a lasso's selection and show it; for callbacks."""
    session_keys.MAP_SELECTION.set_value(
        session_keys.MapSelection(selected.corpus.name, selected.alignment.id, program_ids)
    )
    session_keys.MAP_PANEL.set_value("selection")


def clear_lasso_selection() -> None:
    """Clear the selection; for callbacks."""
    session_keys.MAP_SELECTION.clear()
    session_keys.MAP_PANEL.set_value("program")


def open_and_play_program(program_id: str) -> None:
    """Open a program's card and play its clip; for callbacks."""
    session_keys.PROGRAM.set_value(program_id)
    session_keys.MAP_PANEL.set_value("program")
    audio_player.request_autoplay(_format_program_player_key(program_id))


def open_program_or_choose_path_end(selected: Selection, program_id: str) -> None:
    """Open a clicked program, or make it an end of the path; for callbacks."""
    if session_keys.MAP_PANEL.get_value() == "path":
        variant_path_panel.choose_path_end(selected.corpus, program_id)
    else:
        open_and_play_program(program_id)


def close_program_card() -> None:
    """Close the card; for callbacks."""
    session_keys.PROGRAM.set_value(None)


# -- panels -----------------------------------------------------------------------------------


def draw_map_help() -> None:
    """Draw how to use and read the map."""
    st.info(
        "Click a point to see its code and play it. Use the lasso at the top of the map to select"
        " several.",
        icon=":material/ads_click:",
    )
    st.markdown(
        "**Before** alignment, code and audio are in separate spaces: nothing relates the"
        " embeddings of one encoder to those of the other.\n\n"
        "**After** alignment, a program's code is near its own sound and near similar sounds, if"
        " the training succeeded."
    )


def draw_program_card(selected: Selection, program_id: str, is_on_map: bool) -> None:
    """Draw a program's clip, code, neighbours and spectrogram."""
    try:
        program = selected.corpus.load_program(program_id)
    except EarshotError as error:
        markdown_and_errors.show_error(error)
        st.button("Close", on_click=close_program_card)
        return
    player_key = _format_program_player_key(program_id)
    program_header_and_diff.draw_closable_program_header(program, close_program_card)
    if not is_on_map:
        st.caption(
            ":material/location_off: Not on this map: the program has no clip, or was added after"
            " this alignment."
        )
    if program["audio"]:
        audio_player.draw_audio_file_player(program["audio"], program["name"], player_key)
    st.code(program["source"], language="ruby", height=132)
    program_actions_menu.draw_program_actions_popover(
        ProgramToUse(
            selected.corpus.name, program_id, program["name"], program["source"], program["audio"]
        ),
        "map",
    )
    direction = st.selectbox(
        "Neighbours",
        list(DIRECTION_LABELS),
        format_func=lambda option: DIRECTION_LABELS[option],
        key=session_keys.NEIGHBOUR_DIRECTION.name,
        persist_state="session",
        label_visibility="collapsed",
    )
    with markdown_and_errors.catch_and_show_errors():
        # Imports torch: the map and the card are drawn before.
        from core.search.aligned_corpus import open_aligned_corpus
        from core.search.nearest_neighbour_queries import find_program_neighbours

        aligned_corpus = open_aligned_corpus(selected.corpus, selected.alignment.id)
        neighbours = find_program_neighbours(aligned_corpus, program_id, NEIGHBOUR_COUNT, direction)
        draw_neighbour_list(neighbours, open_and_play_program)
    audio_player.wait_for_autoplay(player_key)
    program_header_and_diff.draw_program_spectrogram(program)
    program_header_and_diff.draw_parameter_values(program["parameters"])


def draw_snippet_placement(selected: Selection, points: pd.DataFrame) -> MapPlacement | None:
    """Draw the snippet and the clips predicted for it; return its position."""
    with st.container(key="map-snippet-editor"):
        snippet = code_editor.draw_code_editor(height_px=230)
    if not snippet.strip():
        st.info("Write some Sonic Pi code.", icon=":material/edit:")
        return None
    with markdown_and_errors.catch_and_show_errors():
        # Imports torch: the map and the editor are drawn before.
        from core.search.aligned_corpus import open_aligned_corpus
        from core.search.map_placement import place_snippet_on_map
        from core.search.silent_snippet_check import SilentSnippetError, interpret_audible_snippet

        aligned_corpus = open_aligned_corpus(selected.corpus, selected.alignment.id)
        try:
            placement = place_snippet_on_map(aligned_corpus, snippet, points, NEIGHBOUR_COUNT)
        except SilentSnippetError as error:
            markdown_and_errors.show_why_snippet_is_silent(error.message)
            return None
        markdown_and_errors.show_partial_reading_notice(interpret_audible_snippet(snippet).message)
        st.caption(
            "The star marks the snippet: in the left picture among programs with similar code, in"
            " the right one among its predicted clips. Lines lead to those clips."
        )
        draw_neighbour_list(placement.neighbours, open_and_play_program)
        return placement
    return None


def draw_neighbour_list(neighbours: Sequence[Neighbour], on_select: Callable[[str], None]) -> None:
    """Draw one line per neighbour: a button that plays it and one that opens it.

    Parameters
    ----------
    neighbours : sequence of Neighbour
    on_select : callable
        Takes the id of the program to open.
    """
    with st.container(gap=None, key="neighbour-list"):
        for neighbour in neighbours:
            title = program_header_and_diff.look_up_program_title(
                neighbour.name, neighbour.template
            )
            key = f"neighbour-line-{neighbour.rank}"
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                audio_player.draw_clip_play_button(neighbour.audio_path, neighbour.name, key)
                st.button(
                    f"{neighbour.rank}. {markdown_and_errors.escape_markdown(title)} ·"
                    f" {neighbour.similarity:.2f}",
                    key=key,
                    type="tertiary",
                    help=markdown_and_errors.escape_markdown(neighbour.name),
                    on_click=on_select,
                    args=(neighbour.program_id,),
                    width="stretch",
                )


def _format_program_player_key(program_id: str) -> str:
    return f"map-{program_id}"
