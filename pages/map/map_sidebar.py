"""Beside the map: a program's card, what a lasso caught, or a snippet among its neighbours."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from core.corpus import AlignmentRecord, Corpus
from core.errors import EarshotError
from pages.components import (
    cache,
    program_card,
    code_editor,
    selection,
    audio_player,
    formatting,
    snippets,
)
from pages.map import map_data

if TYPE_CHECKING:
    from core.search.map_placement import MapPlacement

# What brings torch is imported where it is needed: the map is to be seen before.
PANEL_LABELS = {"program": "Program", "caught": "Selection", "snippet": "Snippet"}
DIRECTION_LABELS = {
    "audio->audio": "Sounds like it",
    "code->code": "Written like it",
    "code->audio": "Foretold by its code",
    "audio->code": "Code that its sound leads to",
}
PROGRAM_URL_PARAM = "program"  # in the address, and in the session when the page is left
SELECTION_KEY = "caught"  # what a lasso chose: corpus, alignment and program ids
OVERLAY_KEY, PANEL_KEY = "map-over", "map-panel"

_overlay_component = st.components.v2.component(
    "earshot_map", js=(Path(__file__).parent / "map.js").read_text(encoding="utf-8")
)


@st.fragment
def draw_map_sidebar(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw what is chosen on the map; a click there draws this anew, and not the map."""
    points = map_data.load_map_points(corpus, alignment)
    picked, caught = selection.get_url_param(PROGRAM_URL_PARAM), get_lasso_selection(corpus, alignment)
    st.session_state.setdefault(PANEL_KEY, "program")
    panel = st.segmented_control(
        "Beside the map",
        list(PANEL_LABELS),
        required=True,
        key=PANEL_KEY,
        format_func=PANEL_LABELS.get,
        label_visibility="collapsed",
        persist_state="session",
    )
    at: MapPlacement | None = None
    with st.container(border=True, height=566, key="card"):
        if panel == "snippet":
            at = draw_snippet_placement(corpus, alignment, points)
        elif panel == "caught":
            draw_selection_table(corpus, points, caught)
        elif picked is None:
            draw_map_help()
        else:
            draw_program_card(corpus, alignment, picked)
    draw_map_overlay(corpus, alignment, points, picked if panel != "snippet" else None, caught, at)


def draw_map_overlay(
    corpus: Corpus,
    alignment: AlignmentRecord,
    points: pd.DataFrame,
    program_id: str | None,
    selected_ids: list[str],
    placement: MapPlacement | None,
) -> None:
    """Tell what lies over the map what to mark, and listen to what is picked there."""
    programs = points["program"]
    rows = (programs == program_id).to_numpy().nonzero()[0].tolist() if program_id else []
    snippet = None
    if placement is not None:
        near = programs.isin([each.program_id for each in placement.neighbours])
        clips = near & (points["modality"] == "audio")
        snippet = {
            "before": placement.before_position,
            "after": placement.after_position,
            "near": clips.to_numpy().nonzero()[0].tolist(),
        }
    mask = encode_bitmask(programs.isin(selected_ids).to_numpy()) if selected_ids else None
    half = len(points) // 2
    twice = len(points) % 2 == 0 and (programs[:half].array == programs[half:].array).all()
    with st.container(key="marks"):
        _overlay_component(
            key=OVERLAY_KEY,
            data={
                "rows": rows,
                "caught": mask,
                "total": len(points),
                "half": half if twice else 0,
                "labels": map_data.load_cluster_labels(corpus, alignment),
                "snippet": snippet,
            },
            on_pick_change=lambda: open_clicked_program(points),
            on_lasso_change=lambda: store_lasso_selection(corpus, alignment, points),
        )


def encode_bitmask(mask: np.ndarray) -> str:
    """Yes and no of each point, a bit each, as map.js reads them."""
    return base64.b64encode(np.packbits(mask, bitorder="little").tobytes()).decode("ascii")


def decode_bitmask(text: str, bit_count: int) -> np.ndarray:
    """The reverse of `packed`: bool [count]; all False for what isn't that."""
    try:
        found = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    except ValueError:
        return np.zeros(bit_count, bool)
    mask = np.zeros(-(-bit_count // 8), np.uint8)
    mask[: min(len(found), len(mask))] = found[: len(mask)]
    return np.unpackbits(mask, count=bit_count, bitorder="little").astype(bool)


# -- what is chosen ---------------------------------------------------------------------------


def open_clicked_program(points: pd.DataFrame) -> None:
    row = st.session_state[OVERLAY_KEY].get("pick")
    if isinstance(row, (int, float)) and 0 <= row < len(points):
        open_and_play_program(str(points["program"].iloc[int(row)]))


def store_lasso_selection(corpus: Corpus, alignment: AlignmentRecord, points: pd.DataFrame) -> None:
    mask = decode_bitmask(str(st.session_state[OVERLAY_KEY].get("lasso") or ""), len(points))
    if mask.any():
        programs = list(dict.fromkeys(points["program"][mask]))
        st.session_state[SELECTION_KEY] = (corpus.name, alignment.id, programs)
        st.session_state[PANEL_KEY] = "caught"


def get_lasso_selection(corpus: Corpus, alignment: AlignmentRecord) -> list[str]:
    """Ids of what the last lasso on this map chose."""
    name, alignment_id, programs = st.session_state.get(SELECTION_KEY, ("", "", []))
    return programs if (name, alignment_id) == (corpus.name, alignment.id) else []


def open_and_play_program(program_id: str) -> None:
    """Open a program's card and play its clip; for callbacks."""
    selection.set_url_param(PROGRAM_URL_PARAM, program_id)
    st.session_state[PANEL_KEY] = "program"
    audio_player.request_autoplay(f"map-{program_id}")


def clear_lasso_selection() -> None:
    st.session_state.pop(SELECTION_KEY, None)
    st.session_state[PANEL_KEY] = "program"


# -- what is drawn ----------------------------------------------------------------------------


def draw_map_help() -> None:
    """Say what to do and what to look for while nothing is picked."""
    st.info(
        "Click a point to see its code and to hear it. The lasso at the top of the map chooses"
        " many.",
        icon=":material/ads_click:",
    )
    st.markdown(
        "**Before**, code and audio lie in spaces of their own: each encoder puts its modality"
        " where it likes, and nothing relates the two.\n\n"
        "**After**, a program's code lies near its own sound and near sounds like it, if the"
        " alignment has learned something."
    )


def draw_program_card(corpus: Corpus, alignment: AlignmentRecord, program_id: str) -> None:
    try:
        program = corpus.load_program(program_id)
    except EarshotError as error:
        formatting.show_error(error)
        st.button("Close", on_click=selection.set_url_param, args=(PROGRAM_URL_PARAM, None))
        return
    with st.container(horizontal=True, vertical_alignment="top"):
        with st.container(gap="small"):
            program_card.draw_program_header(
                program["name"], program["template"], program["role"], program["split"]
            )
        st.button(
            "",
            icon=":material/close:",
            type="tertiary",
            on_click=selection.set_url_param,
            args=(PROGRAM_URL_PARAM, None),
            help="Close",
            key="close",
        )
    audio_player.draw_file_player(program["audio"], program["name"], f"map-{program_id}")
    st.code(program["source"], language="ruby", height=132)
    direction = st.selectbox(
        "Neighbours",
        list(DIRECTION_LABELS),
        format_func=DIRECTION_LABELS.get,
        key="direction",
        persist_state="session",
        label_visibility="collapsed",
    )
    with formatting.catch_and_show_errors():
        from core.search.aligned_corpus import open_aligned_corpus
        from core.search.query import find_program_neighbours

        aligned_corpus = open_aligned_corpus(corpus, alignment.id)
        found = find_program_neighbours(aligned_corpus, program_id, 5, direction)
        program_card.draw_neighbour_list(found, "near", open_and_play_program)
    audio_player.wait_for_autoplay(f"map-{program_id}")
    draw_spectrogram(program)
    program_card.draw_parameter_values(program["parameters"])


def draw_spectrogram(program: dict[str, Any]) -> None:
    """Draw a program's waveform and spectrogram."""
    if program["audio"] is None:
        return
    try:
        figure = cache.plot_waveform_and_spectrogram(program["audio"])
    except EarshotError:  # the player has said so
        return
    st.plotly_chart(
        figure,
        key=f"sound-{program['program']}",
        config={"displayModeBar": False},
        alt=f"Waveform and spectrogram of the clip: {program['seconds']:.1f} s, peak"
        f" {program['peak']:.2f}, RMS {program['rms']:.3f}",
    )
    st.caption("Waveform and spectrogram; levels are under a full-scale sine.")


def draw_selection_table(corpus: Corpus, points: pd.DataFrame, selected_ids: list[str]) -> None:
    if not selected_ids:
        st.info(
            "Press the lasso at the top of the map and draw around points: they come here, and"
            " all others turn grey.",
            icon=":material/lasso_select:",
        )
        return
    from core.pipeline import map_selection

    rows = map_selection.build_selection_table(points, cache.load_programs(corpus), selected_ids)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{formatting.format_count(len(rows), 'program')}**", width="stretch")
        st.button("Let go", icon=":material/deselect:", type="tertiary", on_click=clear_lasso_selection)
    key = f"caught-{len(rows)}-{hash(tuple(rows['program']))}"
    titles = cache.load_template_titles()
    st.dataframe(
        pd.DataFrame(
            {
                "Name": rows["name"],
                "Template": [titles.get(each, each) for each in rows["template"]],
                "Similarity": rows["similarity"],
                "Shared before": rows["overlap_before"],
                "Shared after": rows["overlap_after"],
            }
        ),
        hide_index=True,
        height=400,
        key=key,
        selection_mode="single-row",
        on_select=lambda: play_selected_row(key, rows),
        alt="The programs that the lasso caught, a row each",
        column_config={
            "Similarity": make_number_column("Cosine of code and audio in the shared space"),
            "Shared before": make_number_column("Neighbours that code and sound share, raw"),
            "Shared after": make_number_column("Neighbours that code and sound share, aligned"),
        },
    )
    draw_selection_downloads(corpus, rows)


def make_number_column(help_text: str) -> Any:
    return st.column_config.NumberColumn(format="%.2f", help=help_text, width=70)


def play_selected_row(table_key: str, rows: pd.DataFrame) -> None:
    chosen = st.session_state[table_key]["selection"]["rows"]
    if chosen and chosen[0] < len(rows):
        open_and_play_program(str(rows["program"].iloc[chosen[0]]))


def draw_selection_downloads(corpus: Corpus, rows: pd.DataFrame) -> None:
    """Draw the ways to take chosen programs along."""
    from core.pipeline import map_selection

    chosen = tuple(rows["program"])
    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            rows.to_csv(index=False),
            f"{corpus.name}-selection.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="caught-csv",
        )
        if len(chosen) > map_selection.MAX_DOWNLOAD_PROGRAMS:
            st.caption(f"With sounds for at most {map_selection.MAX_DOWNLOAD_PROGRAMS} programs at once.")
            return
        for label, kind, media in (
            ("Code and sounds", "zip", "application/zip"),
            ("Parquet", "parquet", "application/vnd.apache.parquet"),
        ):
            st.download_button(
                label,
                lambda kind=kind: map_selection.export_selection(corpus, chosen, kind),
                f"{corpus.name}-selection.{kind}",
                media,
                icon=":material/download:",
                on_click="ignore",
                key=f"caught-{kind}",
            )


def draw_snippet_placement(corpus: Corpus, alignment: AlignmentRecord, points: pd.DataFrame) -> MapPlacement | None:
    """Draw the snippet and the clips around its place; return where that is."""
    code = code_editor.draw_code_editor(next(iter(snippets.EXAMPLE_SNIPPETS.values())), height_px=230)
    if not code.strip():
        st.info("Write some Sonic Pi code.", icon=":material/edit:")
        return None
    with formatting.catch_and_show_errors():
        from core.search.aligned_corpus import open_aligned_corpus
        from core.search.map_placement import place_on_map

        found = place_on_map(open_aligned_corpus(corpus, alignment.id), code, points)
        st.caption(
            "The star: in the left picture amid the programs written most like it, in the right"
            " one amid the clips that it will sound like. Lines lead to those clips."
        )
        program_card.draw_neighbour_list(found.neighbours, "near", open_and_play_program)
        return found
    return None
