"""Map: code and audio before and after alignment; a click opens a program's card."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core import jobs, plots
from core.corpus import AlignmentRecord, Corpus
from core.errors import EarshotError
from core.stages.neighbours import neighbours_of
from pages.parts import cached, card, frame, job, place, player, say

DIRECTIONS = {
    "audio->audio": "Sounds like it",
    "code->audio": "Foretold by its code",
    "code->code": "Written like it",
}
COLOURS = {"modality": "Code and audio", "role": "Role", "template": "Template", "split": "Split"}
PICKED = "program"  # in the address, and in the session when the page is left

_marks = st.components.v2.component(
    "earshot_marks", js=(Path(__file__).parent / "parts/marks.js").read_text(encoding="utf-8")
)


def page() -> None:
    st.title("Map")
    with say.errors():
        here = place.chosen()
        if here.corpus is None:
            place.no_corpus()
        elif here.alignment is None:
            place.no_alignment(here.corpus)
        else:
            explore(here.corpus, here.alignment)


def explore(corpus: Corpus, alignment: AlignmentRecord) -> None:
    points = cached.points(corpus, alignment.id)
    if points is None:
        offer_map(corpus, alignment)
        return
    left, right = st.columns([9, 5], gap="medium")
    with left:
        draw_map(corpus, alignment, points)
    with right:
        picked = picked_program()
        if picked is None:
            st.info("Click a point to see its code and to hear it.", icon=":material/ads_click:")
            legend()
        else:
            draw_card(corpus, alignment, picked)
        mark(points, picked)


def offer_map(corpus: Corpus, alignment: AlignmentRecord) -> None:
    argv = ["map", corpus.name, "--alignment", alignment.id]
    running = job.latest(*argv)
    if running is not None and running.state != "done":
        job.panel(running)
    if running is None or not running.active:
        st.info("This alignment has no map yet.", icon=":material/scatter_plot:")
        if st.button("Lay out the map", type="primary", icon=":material/scatter_plot:"):
            jobs.start(argv, f"Lay out the map of {corpus.name}")
            st.rerun()


def draw_map(corpus: Corpus, alignment: AlignmentRecord, points: pd.DataFrame) -> None:
    colour_by = st.segmented_control(
        "Colour", plots.COLOUR_BY, default="modality", required=True, key="colour",
        bind="query-params", format_func=COLOURS.get, label_visibility="collapsed",
    )  # fmt: skip
    figure = cached.map_figure(corpus, alignment.id, colour_by)
    # One key a figure: a chart whose figure changed would forget its selection, and say so.
    key = f"map-{alignment.id}-{colour_by}"
    st.plotly_chart(
        figure, key=key, on_select=lambda: pick(key, points), selection_mode="points",
        config={"scrollZoom": True, "displaylogo": False,
                "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"]},
        alt="Code and audio of all programs in the plane, before and after alignment",
    )  # fmt: skip
    total = corpus.counts()["ok"]
    missing = total - len(points) // 2
    st.caption(
        "Circles are code, diamonds are audio; a program has one of each in both pictures. Near"
        " means alike; directions, distances across the picture and the axes mean nothing (UMAP)."
        + (
            f" {say.count(missing, 'program')} came after this alignment: train again to see them."
            if missing > 0
            else ""
        )
    )


def pick(key: str, points: pd.DataFrame) -> None:
    """Note the clicked program. An empty selection is no news: a redrawn chart reports one."""
    chosen = st.session_state[key]["selection"]["points"]
    if chosen:
        row = chosen[0]["customdata"]
        row = row[0] if isinstance(row, (list, tuple)) else row
        hear(str(points["program"].iloc[int(row)]))


def picked_program() -> str | None:
    """The picked program's id; another page's address doesn't hold it, the session does."""
    if PICKED not in st.query_params and PICKED in st.session_state:
        st.query_params[PICKED] = st.session_state[PICKED]
    return st.query_params.get(PICKED)


def hear(program_id: str) -> None:
    """Open a program's card and play its clip."""
    st.query_params[PICKED] = st.session_state[PICKED] = program_id
    player.start(f"map-{program_id}")


def close() -> None:
    st.query_params.pop(PICKED, None)
    st.session_state.pop(PICKED, None)


def mark(points: pd.DataFrame, program_id: str | None) -> None:
    """Mark the picked program's code and sound in both pictures."""
    rows = (points["program"] == program_id).to_numpy().nonzero()[0]
    with st.container(key="marks"):
        _marks(key="map-marks", data={"rows": rows.tolist()})


def legend() -> None:
    """Say what to look for while nothing is picked."""
    st.markdown(
        "**Before**, code and audio lie in spaces of their own: each encoder puts its modality"
        " where it likes, and nothing relates the two.\n\n"
        "**After**, a program's code lies near its own sound and near sounds like it, if the"
        " alignment has learned something."
    )


def draw_card(corpus: Corpus, alignment: AlignmentRecord, program_id: str) -> None:
    try:
        program = corpus.program(program_id)
    except EarshotError as error:
        say.show_error(error)
        st.button("Close", on_click=close)
        return
    with st.container(border=True, height=620, key="card"):
        with st.container(horizontal=True, vertical_alignment="top"):
            with st.container(gap="small"):
                card.head(program["name"], program["template"], program["role"], program["split"])
            st.button(
                "",
                icon=":material/close:",
                type="tertiary",
                on_click=close,
                help="Close",
                key="close",
            )
        player.clip_file(program["audio"], program["name"], f"map-{program_id}")
        st.code(program["source"], language="ruby", height=150)
        card.parameters(program["parameters"])
        direction = st.selectbox(
            "Neighbours", list(DIRECTIONS), format_func=DIRECTIONS.get, key="direction",
            persist_state="session", label_visibility="collapsed",
        )  # fmt: skip
        with say.errors():
            found = neighbours_of(corpus.name, program_id, 5, alignment.id, direction)
            card.pick_list(found, "near", hear)


frame.show(page)
