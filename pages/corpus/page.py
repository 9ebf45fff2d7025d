"""Corpus: its programs in a table, one of them to see and hear, and what can be done with all."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import streamlit as st

from core import workspace
from core.corpus import Corpus
from core.corpus.filtering import matching
from core.errors import EarshotError
from pages.components import cache, program_card, layout, selection, audio_player, formatting
from pages.corpus import corpus_actions, program_filters

PICKED = "program"  # in the address, as on the page Map


def page() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Corpus", width="stretch")
        buttons = st.container(horizontal=True, width="content")
    corpus_actions.turn()
    with formatting.errors():
        here = selection.chosen(alignment=False)
        if here.corpus is None:
            with buttons:
                corpus_actions.import_button(None)
            selection.no_corpus()
            return
        with buttons:
            corpus_actions.buttons(here.corpus)
        corpus_actions.news(here.corpus)
        rows = cache.programs_of(here.corpus)
        if rows.empty:
            st.info(
                f"Corpus {formatting.plain(here.corpus.name)} holds no programs yet. Import some, or make"
                " variants of a template.",
                icon=":material/library_music:",
            )
            st.page_link(
                "pages/generate/page.py", label="Generate programs", icon=":material/tune:"
            )
            return
        chosen = program_filters.choose(here.corpus)
        left, right = st.columns([7, 6], gap="medium")
        with left:
            table(here.corpus, rows, chosen)
        with right:
            picked = selection.kept(PICKED)
            if picked is None:
                st.info("Choose a row to hear and to see it.", icon=":material/ads_click:")
            else:
                draw_card(here.corpus, picked)


def table(corpus: Corpus, rows: pd.DataFrame, chosen: dict[str, Any]) -> None:
    """Draw the programs that fit the filters."""
    stamp = corpus.change_stamp
    found, drawn = _found(str(workspace.root()), corpus.name, stamp, repr(chosen), corpus, chosen)
    counts = cache.counts(corpus)
    there = {
        state: label.lower() for state, label in program_filters.STATES.items() if counts[state]
    }
    parts = [f"{counts[state]:,} {label}" for state, label in there.items()]
    st.caption(
        f"{len(found):,} of {formatting.count(len(rows), 'program')} ({', '.join(parts)})."
        + (f" Errors: {_listed(corpus.failures())}." if counts["failed"] else "")
    )
    if found.empty:
        st.info("No program fits these filters.", icon=":material/filter_alt_off:")
        st.button(
            "Clear the filters", icon=":material/filter_alt_off:", on_click=program_filters.clear
        )
        return
    # Another key for other rows: a selection is a place in the table, not a program.
    key = f"table-{_digest(corpus.name, chosen, stamp, _turn())}"
    st.dataframe(
        drawn,
        hide_index=True,
        height=min(510, 36 + 33 * len(found)),
        key=key,
        selection_mode="single-row",
        on_select=lambda: pick(key, found),
        placeholder="–",
        alt="The programs that fit the filters, a row each",
        column_config={
            "Level": st.column_config.NumberColumn(
                "Level, dB", format="%.1f", width=76, help="RMS; 0 is full scale."
            ),
            "Line": st.column_config.NumberColumn(format="%d", width=52),
        },
    )


@st.cache_resource(max_entries=8, ttl=600, show_spinner=False)
def _found(
    root: str, name: str, stamp: str, by: str, _corpus: Corpus, _chosen: dict[str, Any]
) -> tuple[pd.DataFrame, pa.Table]:
    """The programs that fit, and their table as the browser gets it."""
    searched = cache.searched(_corpus) if _chosen["text"] else None
    found = matching(cache.programs_of(_corpus), **_chosen, searched=searched)
    return found, pa.Table.from_pandas(shown(found), preserve_index=False)


def shown(found: pd.DataFrame) -> pd.DataFrame:
    """The columns for people; those of errors only when there are any."""
    titles = cache.titles()
    level = 20 * np.log10(found["rms"].where(found["rms"] > 0).astype(np.float32))
    # Categories: the browser gets each title once, and a number a row.
    template = [titles.get(each, each) or "–" for each in found["template"].tolist()]
    columns = {
        "Name": found["name"],
        "Template": pd.Series(template, index=found.index, dtype="category"),
        "Role": found["role"].replace("", "–").astype("category"),
    }
    failed = found["state"] == "failed"
    if found["state"].nunique() > 1:
        columns["State"] = found["state"].map(program_filters.STATES).astype("category")
    if not failed.all():
        columns |= {"Level": level, "Split": found["split"].astype("category")}
    if failed.any():
        columns |= {
            "Error": [
                f"{kind}: {message}" if kind else ""
                for kind, message in zip(found["error_kind"], found["error_message"])
            ],
            "Line": pd.to_numeric(found["error_line"]),
        }
    return pd.DataFrame(columns)


def pick(key: str, found: pd.DataFrame) -> None:
    """Note the chosen row's program and have it play."""
    chosen = st.session_state[key]["selection"]["rows"]
    if chosen and chosen[0] < len(found):
        program = str(found["program"].iloc[chosen[0]])
        selection.keep(PICKED, program)
        audio_player.start(f"corpus-{program}")


def close() -> None:
    selection.keep(PICKED, None)
    # A new table, in which no row is chosen.
    st.session_state["table-turn"] = _turn() + 1


def draw_card(corpus: Corpus, program_id: str) -> None:
    """Draw one program: its sound, or why there is none, its code and its parameters."""
    try:
        program = corpus.program(program_id)
    except EarshotError as error:
        formatting.show_error(error)
        st.button("Close", on_click=close)
        return
    with st.container(border=True, height=597, key="card"):
        with st.container(horizontal=True, vertical_alignment="top"):
            with st.container(gap="small"):
                program_card.head(
                    program["name"], program["template"], program["role"], program["split"]
                )
            st.button(
                "",
                icon=":material/close:",
                type="tertiary",
                on_click=close,
                help="Close",
                key="close",
            )
        if program["state"] == "ok":
            sound(program)
        elif program["state"] == "failed":
            failure(program)
        else:
            st.info("This program is not rendered yet.", icon=":material/hourglass_empty:")
        st.code(program["source"], language="ruby", height=180, line_numbers=True)
        program_card.parameters(program["parameters"])
        for warning in program["warnings"]:
            line = f", line {warning['line']}" if warning.get("line") else ""
            st.caption(f":material/info: {formatting.plain(warning['message'])}{line}")


def sound(program: dict[str, Any]) -> None:
    """Draw a program's clip to hear and to see."""
    key = f"corpus-{program['program']}"
    audio_player.clip_file(program["audio"], program["name"], key)
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
    st.caption(
        f"Waveform and spectrogram: {program['seconds']:.1f} s, peak {program['peak']:.2f}, RMS"
        f" {program['rms']:.3f}. Levels are in dB under a full-scale sine."
    )


def failure(program: dict[str, Any]) -> None:
    """Say why a program has no clip, and show the line."""
    line = program["error_line"]
    where = f"Line {line}: " if line else ""
    st.error(
        f"{where}{formatting.plain(program['error_message'])}\n\n"
        f"Kind of error: {formatting.plain(program['error_kind'])}.",
        icon=":material/error:",
    )
    lines = program["source"].splitlines()
    if line and 0 < line <= len(lines):
        st.code(lines[line - 1].strip(), language="ruby")


def _listed(failures: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {formatting.plain(kind)}" for kind, number in failures.items())


def _turn() -> int:
    return st.session_state.get("table-turn", 0)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr((str(workspace.root()), *parts)).encode()).hexdigest()[:12]


layout.show(page)
