"""Page Corpus: a table of its programs, one program's card, and actions on the whole corpus."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import streamlit as st

from core import workspace
from core.corpus import Corpus
from core.corpus.program_filtering import (
    filter_programs,
    filter_programs_by_warnings,
)
from core.errors import EarshotError
from core.sonicpi import RenderProblem
from pages.components import (
    audio_player,
    corpus_and_alignment_picker,
    markdown_and_errors,
    page_cache,
    page_header_and_sidebar,
    program_actions_menu,
    program_filter_warnings,
    program_header_and_diff,
    session_keys,
)
from pages.components.program_actions_menu import ProgramToUse
from pages.corpus import corpus_actions, program_filters
from pages.corpus.program_filters import STATE_LABELS, ProgramFilters

# Column, label, unit and a value to filter by.
FORECAST_COLUMNS = {
    "forecast_loudness": ("Loudness", "LUFS", "-20"),
    "forecast_onset_rate": ("Onsets", "1/s", "4"),
    "forecast_register": ("Register", "MIDI", "60"),
    "forecast_brightness": ("Brightness", "Hz", "1000"),
}


def draw_page() -> None:
    """Draw the page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Corpus", width="stretch")
        buttons = st.container(horizontal=True, width="content", key="corpus-actions")
    corpus_actions.select_corpus_requested_by_dialog()
    with markdown_and_errors.catch_and_show_errors():
        corpus = corpus_and_alignment_picker.draw_corpus_picker_in_sidebar()
        if corpus is None:
            with buttons:
                corpus_actions.draw_import_button(None)
            corpus_and_alignment_picker.draw_no_corpus_notice()
            return
        with buttons:
            corpus_actions.draw_corpus_action_buttons(corpus)
        corpus_actions.draw_corpus_jobs(corpus)
        programs = page_cache.load_programs(corpus)
        if programs.empty:
            draw_empty_corpus_notice(corpus)
            return
        filters = program_filters.draw_program_filters(corpus)
        left, right = st.columns([7, 6], gap="medium")
        with left:
            draw_program_table(corpus, programs, filters)
        with right:
            program_id = session_keys.PROGRAM.get_value()
            if program_id is None:
                st.info("Select a row to play and inspect it.", icon=":material/ads_click:")
            else:
                draw_program_card(corpus, program_id)


def draw_empty_corpus_notice(corpus: Corpus) -> None:
    """Draw that a corpus has no programs, and a link to the page that generates some."""
    text = f"Corpus {markdown_and_errors.escape_markdown(corpus.name)} has no programs."
    if workspace.is_workspace_read_only():
        st.info(text, icon=":material/library_music:")
        return
    st.info(
        f"{text} Import some, or generate variants of a template.", icon=":material/library_music:"
    )
    st.page_link("pages/generate/page.py", label="Generate programs", icon=":material/tune:")


# -- the table --------------------------------------------------------------------------------


def draw_program_table(corpus: Corpus, programs: pd.DataFrame, filters: ProgramFilters) -> None:
    """Draw the programs that match the filters."""
    matching_programs, display_table = _filter_programs(corpus, asdict(filters))
    st.caption(
        describe_matching_program_counts_and_errors(corpus, len(matching_programs), len(programs))
    )
    program_filter_warnings.draw_filter_query_problems(corpus, filters.query)
    if matching_programs.empty:
        st.info("No program matches these filters.", icon=":material/filter_alt_off:")
        st.button(
            "Clear the filters",
            icon=":material/filter_alt_off:",
            on_click=program_filters.clear_program_filters,
        )
        return
    # A selection is a row number, so other rows need another key.
    table_key = f"table-{_make_program_table_key(corpus, filters)}"
    st.dataframe(
        display_table,
        hide_index=True,
        height=min(510, 36 + 33 * len(matching_programs)),
        key=table_key,
        selection_mode=session_keys.TABLE_SELECTION_MODES,
        on_select=lambda: _open_selected_program(table_key, matching_programs),
        placeholder="–",
        alt="The programs that match the filters, one per row",
        column_config={
            "Level": st.column_config.NumberColumn(
                "Level, dB", format="%.1f", width=76, help="RMS; 0 is full scale."
            ),
            "Line": st.column_config.NumberColumn(format="%d", width=52),
            **{
                label: st.column_config.NumberColumn(
                    format="%.0f" if unit == "Hz" else "%.1f",
                    help=f"{label} in {unit}, forecast from the code. The field Words filters by"
                    f" it: `{column}>{example}`.",
                )
                for column, (label, unit, example) in FORECAST_COLUMNS.items()
            },
        },
    )


def describe_matching_program_counts_and_errors(
    corpus: Corpus, matching_count: int, program_count: int
) -> str:
    """Return how many programs match the filters, and how many are in each state."""
    counts = page_cache.count_programs_by_state(corpus)
    states = ", ".join(
        f"{counts[name]:,} {label.lower()}" for name, label in STATE_LABELS.items() if counts[name]
    )
    text = (
        f"{matching_count:,} of {markdown_and_errors.pluralize(program_count, 'program')}"
        f" ({states})."
    )
    if counts["failed"]:
        errors = ", ".join(
            f"{number:,} {markdown_and_errors.escape_markdown(kind)}"
            for kind, number in corpus.count_failures_by_kind().items()
        )
        text += f" Errors: {errors}."
    return text


@page_cache.cache_until_inputs_change(8, ttl_s=page_cache.TABLE_TTL_S)
def _filter_programs(corpus: Corpus, filters: dict[str, Any]) -> tuple[pd.DataFrame, pa.Table]:
    """Return the matching programs, and their table as the browser gets it."""
    search_texts = page_cache.load_program_search_texts(corpus) if filters["query"] else None
    programs = filter_programs_by_warnings(
        page_cache.load_programs_with_forecast(corpus), filters["warning_kinds"]
    )
    other_filters = {name: value for name, value in filters.items() if name != "warning_kinds"}
    programs = filter_programs(programs, **other_filters, search_texts=search_texts)
    return programs, pa.Table.from_pandas(
        build_program_display_table(programs), preserve_index=False
    )


def build_program_display_table(programs: pd.DataFrame) -> pd.DataFrame:
    """Return the columns to display; columns of errors only if there are errors."""
    titles = page_cache.load_template_titles()
    rms = programs["rms"].where(programs["rms"] > 0).astype(np.float32)
    level = pd.Series(20 * np.log10(rms), index=programs.index)
    template_titles = [titles.get(name, name) or "–" for name in programs["template"].tolist()]
    # Categories: the browser gets each text once, and one number per row.
    columns = {
        "Name": programs["name"],
        "Template": pd.Series(template_titles, index=programs.index, dtype="category"),
        "Role": programs["role"].replace("", "–").astype("category"),
    }
    is_failed = programs["state"] == "failed"
    if programs["state"].nunique() > 1:
        columns["State"] = programs["state"].map(STATE_LABELS).astype("category")
    if not is_failed.all():
        columns |= {"Level": level, "Split": programs["split"].astype("category")}
    for column, (label, _, _) in FORECAST_COLUMNS.items():
        if column in programs and programs[column].notna().any():
            columns[label] = programs[column].astype(np.float32)
    errors = [
        _find_error_to_display(*row)
        for row in zip(
            programs["error_kind"],
            programs["error_message"],
            programs["error_line"],
            programs["warnings"],
        )
    ]
    if any(text for text, _ in errors):
        columns |= {
            "Error": pd.Series([text for text, _ in errors], index=programs.index),
            "Line": pd.to_numeric(pd.Series([line for _, line in errors], index=programs.index)),
        }
    return pd.DataFrame(columns)


def _find_error_to_display(
    kind: str | None, message: str | None, line: int | None, warnings: list[dict[str, Any]]
) -> tuple[str, int | None]:
    """Return text and line of a program's error, or of the first error that ended a thread."""
    if kind:
        return f"{kind}: {message}", line
    for warning in warnings:
        if warning.get("seconds") is not None:
            return f"{warning['kind']}: {warning['message']}", warning["line"]
    return "", None


def _make_program_table_key(corpus: Corpus, filters: ProgramFilters) -> str:
    content = (
        str(corpus.path),
        corpus.change_stamp,
        filters,
        session_keys.TABLE_VERSION.get_value(),
    )
    return hashlib.sha256(repr(content).encode()).hexdigest()[:12]


def _open_selected_program(table_key: str, programs: pd.DataFrame) -> None:
    open_rows = np.flatnonzero(programs["program"] == session_keys.PROGRAM.get_value())
    open_row = int(open_rows[0]) if len(open_rows) else None
    row = session_keys.read_selected_table_row(table_key, len(programs), open_row)
    if row is not None and row != open_row:
        program_id = str(programs["program"].iloc[row])
        session_keys.PROGRAM.set_value(program_id)
        audio_player.request_autoplay(_format_program_player_key(program_id))


# -- the card ---------------------------------------------------------------------------------


def draw_program_card(corpus: Corpus, program_id: str) -> None:
    """Draw one program: its clip or error, its code and its parameters."""
    try:
        program = corpus.load_program(program_id)
    except EarshotError as error:
        markdown_and_errors.show_error(error)
        st.button("Close", on_click=close_program_card)
        return
    with st.container(border=True, height=597, key="card"):
        program_header_and_diff.draw_closable_program_header(program, close_program_card)
        program_actions_menu.draw_program_actions_popover(
            ProgramToUse(
                corpus.name, program_id, program["name"], program["source"], program["audio"]
            ),
            "corpus",
        )
        if program["state"] == "ok":
            player_key = _format_program_player_key(program_id)
            audio_player.draw_audio_file_player(program["audio"], program["name"], player_key)
            program_header_and_diff.draw_program_spectrogram(program)
        elif program["state"] == "failed":
            draw_render_failure(program)
        else:
            st.info("This program is not rendered yet.", icon=":material/hourglass_empty:")
        st.code(program["source"], language="ruby", height=180, line_numbers=True)
        program_header_and_diff.draw_parameter_values(program["parameters"])
        program_header_and_diff.draw_render_warnings(
            [RenderProblem(**row) for row in program["warnings"]]
        )


def close_program_card() -> None:
    """Close the card and clear the table's selection; for callbacks."""
    session_keys.PROGRAM.set_value(None)
    session_keys.TABLE_VERSION.set_value(session_keys.TABLE_VERSION.get_value() + 1)


def draw_render_failure(program: dict[str, Any]) -> None:
    """Draw why a program has no clip, and the line that failed."""
    line = program["error_line"]
    where = f"Line {line}: " if line else ""
    st.error(
        f"{where}{markdown_and_errors.escape_markdown(program['error_message'])}\n\n"
        f"Kind of error: {markdown_and_errors.escape_markdown(program['error_kind'])}.",
        icon=":material/error:",
    )
    program_header_and_diff.draw_failed_source_line(program["source"], line)


def _format_program_player_key(program_id: str) -> str:
    return f"corpus-{program_id}"


page_header_and_sidebar.run_page(draw_page)
