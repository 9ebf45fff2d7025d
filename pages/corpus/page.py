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
from core.corpus.filtering import filter_programs
from core.errors import EarshotError
from pages.components import cache, program_card, layout, selection, audio_player, formatting
from pages.corpus import corpus_actions, program_filters

PROGRAM_URL_PARAM = "program"  # in the address, as on the page Map


def draw_page() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Corpus", width="stretch")
        buttons = st.container(horizontal=True, width="content")
    corpus_actions.apply_corpus_switch()
    with formatting.catch_and_show_errors():
        here = selection.choose_corpus_and_alignment(needs_alignment=False)
        if here.corpus is None:
            with buttons:
                corpus_actions.draw_import_button(None)
            selection.draw_no_corpus_notice()
            return
        with buttons:
            corpus_actions.draw_corpus_buttons(here.corpus)
        corpus_actions.draw_corpus_jobs(here.corpus)
        rows = cache.load_programs(here.corpus)
        if rows.empty:
            st.info(
                f"Corpus {formatting.escape_markdown(here.corpus.name)} holds no programs yet. Import some, or make"
                " variants of a template.",
                icon=":material/library_music:",
            )
            st.page_link(
                "pages/generate/page.py", label="Generate programs", icon=":material/tune:"
            )
            return
        chosen = program_filters.choose_program_filters(here.corpus)
        left, right = st.columns([7, 6], gap="medium")
        with left:
            draw_program_table(here.corpus, rows, chosen)
        with right:
            picked = selection.get_url_param(PROGRAM_URL_PARAM)
            if picked is None:
                st.info("Choose a row to hear and to see it.", icon=":material/ads_click:")
            else:
                draw_program_card(here.corpus, picked)


def draw_program_table(corpus: Corpus, programs: pd.DataFrame, filter_values: dict[str, Any]) -> None:
    """Draw the programs that fit the filters."""
    stamp = corpus.change_stamp
    found, drawn = _filter_programs(str(workspace.get_workspace_root()), corpus.name, stamp, repr(filter_values), corpus, filter_values)
    counts = cache.count_programs_by_state(corpus)
    there = {
        state: label.lower() for state, label in program_filters.STATE_LABELS.items() if counts[state]
    }
    parts = [f"{counts[state]:,} {label}" for state, label in there.items()]
    st.caption(
        f"{len(found):,} of {formatting.format_count(len(programs), 'program')} ({', '.join(parts)})."
        + (f" Errors: {_format_failure_counts(corpus.count_failures_by_kind())}." if counts["failed"] else "")
    )
    if found.empty:
        st.info("No program fits these filters.", icon=":material/filter_alt_off:")
        st.button(
            "Clear the filters", icon=":material/filter_alt_off:", on_click=program_filters.clear_filters
        )
        return
    # Another key for other rows: a selection is a place in the table, not a program.
    key = f"table-{_hash_parts(corpus.name, filter_values, stamp, _get_table_version())}"
    st.dataframe(
        drawn,
        hide_index=True,
        height=min(510, 36 + 33 * len(found)),
        key=key,
        selection_mode="single-row",
        on_select=lambda: open_selected_program(key, found),
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
def _filter_programs(
    workspace_root: str, corpus_name: str, change_stamp: str, filter_key: str, _corpus: Corpus, _filter_values: dict[str, Any]
) -> tuple[pd.DataFrame, pa.Table]:
    """The programs that fit, and their table as the browser gets it."""
    searched = cache.load_search_texts(_corpus) if _filter_values["text"] else None
    found = filter_programs(cache.load_programs(_corpus), **_filter_values, search_texts=searched)
    return found, pa.Table.from_pandas(build_display_table(found), preserve_index=False)


def build_display_table(programs: pd.DataFrame) -> pd.DataFrame:
    """The columns for people; those of errors only when there are any."""
    titles = cache.load_template_titles()
    level = 20 * np.log10(programs["rms"].where(programs["rms"] > 0).astype(np.float32))
    # Categories: the browser gets each title once, and a number a row.
    template = [titles.get(each, each) or "–" for each in programs["template"].tolist()]
    columns = {
        "Name": programs["name"],
        "Template": pd.Series(template, index=programs.index, dtype="category"),
        "Role": programs["role"].replace("", "–").astype("category"),
    }
    failed = programs["state"] == "failed"
    if programs["state"].nunique() > 1:
        columns["State"] = programs["state"].map(program_filters.STATE_LABELS).astype("category")
    if not failed.all():
        columns |= {"Level": level, "Split": programs["split"].astype("category")}
    if failed.any():
        columns |= {
            "Error": [
                f"{kind}: {message}" if kind else ""
                for kind, message in zip(programs["error_kind"], programs["error_message"])
            ],
            "Line": pd.to_numeric(programs["error_line"]),
        }
    return pd.DataFrame(columns)


def open_selected_program(table_key: str, programs: pd.DataFrame) -> None:
    """Note the chosen row's program and have it play."""
    chosen = st.session_state[table_key]["selection"]["rows"]
    if chosen and chosen[0] < len(programs):
        program = str(programs["program"].iloc[chosen[0]])
        selection.set_url_param(PROGRAM_URL_PARAM, program)
        audio_player.request_autoplay(f"corpus-{program}")


def close_program_card() -> None:
    selection.set_url_param(PROGRAM_URL_PARAM, None)
    # A new table, in which no row is chosen.
    st.session_state["table-turn"] = _get_table_version() + 1


def draw_program_card(corpus: Corpus, program_id: str) -> None:
    """Draw one program: its sound, or why there is none, its code and its parameters."""
    try:
        program = corpus.load_program(program_id)
    except EarshotError as error:
        formatting.show_error(error)
        st.button("Close", on_click=close_program_card)
        return
    with st.container(border=True, height=597, key="card"):
        with st.container(horizontal=True, vertical_alignment="top"):
            with st.container(gap="small"):
                program_card.draw_program_header(
                    program["name"], program["template"], program["role"], program["split"]
                )
            st.button(
                "",
                icon=":material/close:",
                type="tertiary",
                on_click=close_program_card,
                help="Close",
                key="close",
            )
        if program["state"] == "ok":
            draw_program_clip(program)
        elif program["state"] == "failed":
            draw_render_failure(program)
        else:
            st.info("This program is not rendered yet.", icon=":material/hourglass_empty:")
        st.code(program["source"], language="ruby", height=180, line_numbers=True)
        program_card.draw_parameter_values(program["parameters"])
        for warning in program["warnings"]:
            line = f", line {warning['line']}" if warning.get("line") else ""
            st.caption(f":material/info: {formatting.escape_markdown(warning['message'])}{line}")


def draw_program_clip(program: dict[str, Any]) -> None:
    """Draw a program's clip to hear and to see."""
    key = f"corpus-{program['program']}"
    audio_player.draw_file_player(program["audio"], program["name"], key)
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
    st.caption(
        f"Waveform and spectrogram: {program['seconds']:.1f} s, peak {program['peak']:.2f}, RMS"
        f" {program['rms']:.3f}. Levels are in dB under a full-scale sine."
    )


def draw_render_failure(program: dict[str, Any]) -> None:
    """Say why a program has no clip, and show the line."""
    line = program["error_line"]
    where = f"Line {line}: " if line else ""
    st.error(
        f"{where}{formatting.escape_markdown(program['error_message'])}\n\n"
        f"Kind of error: {formatting.escape_markdown(program['error_kind'])}.",
        icon=":material/error:",
    )
    lines = program["source"].splitlines()
    if line and 0 < line <= len(lines):
        st.code(lines[line - 1].strip(), language="ruby")


def _format_failure_counts(failure_counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {formatting.escape_markdown(kind)}" for kind, number in failure_counts.items())


def _get_table_version() -> int:
    return st.session_state.get("table-turn", 0)


def _hash_parts(*parts: Any) -> str:
    return hashlib.sha256(repr((str(workspace.get_workspace_root()), *parts)).encode()).hexdigest()[:12]


layout.run_page(draw_page)
