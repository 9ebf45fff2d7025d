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
    from core.search.map_placement import Placed

# What brings torch is imported where it is needed: the map is to be seen before.
PANELS = {"program": "Program", "caught": "Selection", "snippet": "Snippet"}
DIRECTIONS = {
    "audio->audio": "Sounds like it",
    "code->code": "Written like it",
    "code->audio": "Foretold by its code",
    "audio->code": "Code that its sound leads to",
}
PICKED = "program"  # in the address, and in the session when the page is left
CAUGHT = "caught"  # what a lasso chose: corpus, alignment and program ids
OVER, PANEL = "map-over", "map-panel"

_over = st.components.v2.component(
    "earshot_map", js=(Path(__file__).parent / "map.js").read_text(encoding="utf-8")
)


@st.fragment
def beside(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw what is chosen on the map; a click there draws this anew, and not the map."""
    points = map_data.points(corpus, alignment)
    picked, caught = selection.kept(PICKED), caught_programs(corpus, alignment)
    st.session_state.setdefault(PANEL, "program")
    panel = st.segmented_control(
        "Beside the map",
        list(PANELS),
        required=True,
        key=PANEL,
        format_func=PANELS.get,
        label_visibility="collapsed",
        persist_state="session",
    )
    at: Placed | None = None
    with st.container(border=True, height=566, key="card"):
        if panel == "snippet":
            at = draw_snippet(corpus, alignment, points)
        elif panel == "caught":
            draw_caught(corpus, points, caught)
        elif picked is None:
            explain()
        else:
            draw_program(corpus, alignment, picked)
    over(corpus, alignment, points, picked if panel != "snippet" else None, caught, at)


def over(
    corpus: Corpus,
    alignment: AlignmentRecord,
    points: pd.DataFrame,
    picked: str | None,
    caught: list[str],
    at: Placed | None,
) -> None:
    """Tell what lies over the map what to mark, and listen to what is picked there."""
    programs = points["program"]
    rows = (programs == picked).to_numpy().nonzero()[0].tolist() if picked else []
    snippet = None
    if at is not None:
        near = programs.isin([each.program for each in at.near])
        clips = near & (points["modality"] == "audio")
        snippet = {
            "before": at.before,
            "after": at.after,
            "near": clips.to_numpy().nonzero()[0].tolist(),
        }
    mask = packed(programs.isin(caught).to_numpy()) if caught else None
    half = len(points) // 2
    twice = len(points) % 2 == 0 and (programs[:half].array == programs[half:].array).all()
    with st.container(key="marks"):
        _over(
            key=OVER,
            data={
                "rows": rows,
                "caught": mask,
                "total": len(points),
                "half": half if twice else 0,
                "labels": map_data.labels(corpus, alignment),
                "snippet": snippet,
            },
            on_pick_change=lambda: take_pick(points),
            on_lasso_change=lambda: take_caught(corpus, alignment, points),
        )


def packed(mask: np.ndarray) -> str:
    """Yes and no of each point, a bit each, as map.js reads them."""
    return base64.b64encode(np.packbits(mask, bitorder="little").tobytes()).decode("ascii")


def unpacked(text: str, count: int) -> np.ndarray:
    """The reverse of `packed`: bool [count]; all False for what isn't that."""
    try:
        found = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    except ValueError:
        return np.zeros(count, bool)
    mask = np.zeros(-(-count // 8), np.uint8)
    mask[: min(len(found), len(mask))] = found[: len(mask)]
    return np.unpackbits(mask, count=count, bitorder="little").astype(bool)


# -- what is chosen ---------------------------------------------------------------------------


def take_pick(points: pd.DataFrame) -> None:
    row = st.session_state[OVER].get("pick")
    if isinstance(row, (int, float)) and 0 <= row < len(points):
        hear(str(points["program"].iloc[int(row)]))


def take_caught(corpus: Corpus, alignment: AlignmentRecord, points: pd.DataFrame) -> None:
    mask = unpacked(str(st.session_state[OVER].get("lasso") or ""), len(points))
    if mask.any():
        programs = list(dict.fromkeys(points["program"][mask]))
        st.session_state[CAUGHT] = (corpus.name, alignment.id, programs)
        st.session_state[PANEL] = "caught"


def caught_programs(corpus: Corpus, alignment: AlignmentRecord) -> list[str]:
    """Ids of what the last lasso on this map chose."""
    name, alignment_id, programs = st.session_state.get(CAUGHT, ("", "", []))
    return programs if (name, alignment_id) == (corpus.name, alignment.id) else []


def hear(program_id: str) -> None:
    """Open a program's card and play its clip; for callbacks."""
    selection.keep(PICKED, program_id)
    st.session_state[PANEL] = "program"
    audio_player.start(f"map-{program_id}")


def let_go() -> None:
    st.session_state.pop(CAUGHT, None)
    st.session_state[PANEL] = "program"


# -- what is drawn ----------------------------------------------------------------------------


def explain() -> None:
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


def draw_program(corpus: Corpus, alignment: AlignmentRecord, program_id: str) -> None:
    try:
        program = corpus.program(program_id)
    except EarshotError as error:
        formatting.show_error(error)
        st.button("Close", on_click=selection.keep, args=(PICKED, None))
        return
    with st.container(horizontal=True, vertical_alignment="top"):
        with st.container(gap="small"):
            program_card.head(
                program["name"], program["template"], program["role"], program["split"]
            )
        st.button(
            "",
            icon=":material/close:",
            type="tertiary",
            on_click=selection.keep,
            args=(PICKED, None),
            help="Close",
            key="close",
        )
    audio_player.clip_file(program["audio"], program["name"], f"map-{program_id}")
    st.code(program["source"], language="ruby", height=132)
    direction = st.selectbox(
        "Neighbours",
        list(DIRECTIONS),
        format_func=DIRECTIONS.get,
        key="direction",
        persist_state="session",
        label_visibility="collapsed",
    )
    with formatting.errors():
        from core.search.query import neighbours_of

        found = neighbours_of(corpus.name, program_id, 5, alignment.id, direction)
        program_card.pick_list(found, "near", hear)
    audio_player.let_begin(f"map-{program_id}")
    draw_sound(program)
    program_card.parameters(program["parameters"])


def draw_sound(program: dict[str, Any]) -> None:
    """Draw a program's waveform and spectrogram."""
    if program["audio"] is None:
        return
    try:
        figure = cache.sound_figure(program["audio"])
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


def draw_caught(corpus: Corpus, points: pd.DataFrame, caught: list[str]) -> None:
    if not caught:
        st.info(
            "Press the lasso at the top of the map and draw around points: they come here, and"
            " all others turn grey.",
            icon=":material/lasso_select:",
        )
        return
    from core.pipeline import map_selection

    rows = map_selection.chosen_table(points, cache.programs_of(corpus), caught)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{formatting.count(len(rows), 'program')}**", width="stretch")
        st.button("Let go", icon=":material/deselect:", type="tertiary", on_click=let_go)
    key = f"caught-{len(rows)}-{hash(tuple(rows['program']))}"
    titles = cache.titles()
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
        on_select=lambda: hear_row(key, rows),
        alt="The programs that the lasso caught, a row each",
        column_config={
            "Similarity": number("Cosine of code and audio in the shared space"),
            "Shared before": number("Neighbours that code and sound share, raw"),
            "Shared after": number("Neighbours that code and sound share, aligned"),
        },
    )
    downloads(corpus, rows)


def number(meaning: str) -> Any:
    return st.column_config.NumberColumn(format="%.2f", help=meaning, width=70)


def hear_row(key: str, rows: pd.DataFrame) -> None:
    chosen = st.session_state[key]["selection"]["rows"]
    if chosen and chosen[0] < len(rows):
        hear(str(rows["program"].iloc[chosen[0]]))


def downloads(corpus: Corpus, rows: pd.DataFrame) -> None:
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
        if len(chosen) > map_selection.MOST:
            st.caption(f"With sounds for at most {map_selection.MOST} programs at once.")
            return
        for label, kind, media in (
            ("Code and sounds", "zip", "application/zip"),
            ("Parquet", "parquet", "application/vnd.apache.parquet"),
        ):
            st.download_button(
                label,
                lambda kind=kind: map_selection.chosen_file(corpus, chosen, kind),
                f"{corpus.name}-selection.{kind}",
                media,
                icon=":material/download:",
                on_click="ignore",
                key=f"caught-{kind}",
            )


def draw_snippet(corpus: Corpus, alignment: AlignmentRecord, points: pd.DataFrame) -> Placed | None:
    """Draw the snippet and the clips around its place; return where that is."""
    code = code_editor.code(next(iter(snippets.SNIPPETS.values())), height=230)
    if not code.strip():
        st.info("Write some Sonic Pi code.", icon=":material/edit:")
        return None
    with formatting.errors():
        from core.search.map_placement import placed

        found = placed(corpus.name, code, points, alignment_id=alignment.id)
        st.caption(
            "The star: in the left picture amid the programs written most like it, in the right"
            " one amid the clips that it will sound like. Lines lead to those clips."
        )
        program_card.pick_list(found.near, "near", hear)
        return found
    return None
