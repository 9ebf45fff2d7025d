"""View of one run of a study: its numbers beside the paper's, figures, tables and clips."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from core.corpus import Corpus
from core.errors import EarshotError
from core.studies.paper_comparison_verdicts import VERDICT_EXPLANATION
from core.studies.report_markdown import (
    drop_empty_columns,
    format_table_cell,
    format_verdict_counts,
)
from core.studies.study_clip_playlists import (
    PlaylistItem,
    build_sequence_playlist,
    build_table_row_playlist,
)
from core.studies.study_clip_rendering import concatenate_clip_beginnings, find_stored_clip
from core.studies.study_result import StudyFigure, StudyResult, StudyTable
from core.studies.study_run_storage import StudyRun
from pages.components import (
    audio_player,
    figure_and_table_download,
    markdown_and_errors,
    page_cache,
    session_keys,
)
from pages.components.table_height import compute_table_height_px

SECONDS_PER_CLIP = 6.0  # How much of each clip a playlist plays.
NUMBER_COLUMNS = ("measured", "low", "high", "paper", "difference")
MAX_FILTER_VALUES = 9  # Columns with more values get no filter.
LONG_TABLE_ROWS = 12  # Longer tables scroll and get filters.


def draw_study_run(corpus: Corpus, run: StudyRun) -> None:
    """Draw the results of a run."""
    result = load_study_result(run)
    st.subheader("Compared with the paper")
    st.caption(f"{format_verdict_counts(result.comparison).capitalize()}. {VERDICT_EXPLANATION}")
    draw_paper_comparison(result.comparison, f"comparison-{run.id}")
    figure_and_table_download.draw_table_download(
        f"{run.id}-compared", result.comparison, f"{run.metadata['title']}: measured and paper."
    )
    if format_playback_instructions(result):
        left, right = st.columns([7, 4], gap="medium")
        with left:
            draw_study_figure(result, run.id)
        with right:
            draw_study_clip_playback(corpus, result, run.id)
    else:
        draw_study_figure(result, run.id)
    st.subheader("Findings")
    for note in result.notes:
        st.markdown(f"- {markdown_and_errors.escape_markdown(note, None)}")
    for table in result.tables:
        row_count = markdown_and_errors.pluralize(len(table.rows), "row")
        with st.expander(f"{markdown_and_errors.escape_markdown(table.title)} ({row_count})"):
            draw_study_table(table, run.id)
    with st.expander("Settings, versions, corpus"):
        st.json(result.settings)


@page_cache.cache_until_inputs_change(12, ttl_s=None)
def load_study_result(run: StudyRun) -> StudyResult:
    """Load the results of a run."""
    return run.load_result()


def draw_paper_comparison(comparison: pd.DataFrame, table_key: str) -> None:
    """Draw measured and published numbers, without empty columns."""
    table = drop_empty_columns(comparison)
    number_columns = [name for name in NUMBER_COLUMNS if name in table]
    st.dataframe(
        format_number_columns(table, number_columns),
        hide_index=True,
        key=table_key,
        placeholder="–",
        height=compute_table_height_px(len(table), LONG_TABLE_ROWS),
        column_config={
            "measure": st.column_config.TextColumn(width="large"),
            **{name: st.column_config.TextColumn(alignment="right") for name in number_columns},
        },
    )


def format_number_columns(table: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Return the table with numbers as the report writes them.

    A number format of Streamlit would show a small p value as 0.000.
    """
    table = table.copy()
    for name in columns:
        table[name] = [format_table_cell(value) or None for value in table[name]]
    return table


# -- figures ----------------------------------------------------------------------------------


def draw_study_figure(result: StudyResult, run_id: str) -> None:
    """Draw one of a run's figures; a click on a point plays its clips."""
    if not result.figures:
        return
    figure = draw_study_figure_picker(result.figures, run_id)
    st.markdown(f"**{markdown_and_errors.escape_markdown(figure.title)}**")
    chart_key = f"figure-{run_id}-{figure.name}"
    st.plotly_chart(
        figure.figure,
        key=chart_key,
        selection_mode="points",
        alt=figure.title,
        on_select=(lambda: _play_clicked_figure_point(chart_key, figure.clip_table, run_id))
        if figure.clip_table
        else "ignore",
        config={"displaylogo": False},
    )
    st.caption(markdown_and_errors.escape_markdown(figure.caption))
    figure_and_table_download.draw_figure_download(
        f"{run_id}-{figure.name}", lambda: figure.figure, figure.title
    )


def draw_study_figure_picker(figures: list[StudyFigure], run_id: str) -> StudyFigure:
    """Draw the choice of a figure, if there are several; return it."""
    if len(figures) == 1:
        return figures[0]
    figure_by_name = {figure.name: figure for figure in figures}
    name = st.pills(
        "Figure",
        list(figure_by_name),
        default=figures[0].name,
        required=True,
        key=session_keys.STUDY_FIGURE.derive_scoped_key(run_id).name,
        format_func=lambda option: _shorten_figure_title(figure_by_name[option]),
        label_visibility="collapsed",
    )
    return figure_by_name[name]


def _shorten_figure_title(figure: StudyFigure) -> str:
    return figure.title.removeprefix("Changes of ").partition(" (")[0].capitalize()


def _play_clicked_figure_point(chart_key: str, table_name: str, run_id: str) -> None:
    points = st.session_state[chart_key]["selection"]["points"]
    if points:  # The callback also runs when a selection ends.
        custom_data = points[0]["customdata"]
        row = custom_data[0] if isinstance(custom_data, (list, tuple)) else custom_data
        _play_clips_of_table_row(run_id, table_name, int(row))


def _play_clips_of_table_row(run_id: str, table_name: str, row_number: int) -> None:
    session_keys.PLAYED_ROW.derive_scoped_key(run_id).set_value(
        session_keys.PlayedRow(table_name, row_number)
    )
    session_keys.STUDY_CLIP.derive_scoped_key(run_id).clear()
    audio_player.request_autoplay(_make_row_player_key(run_id, table_name, row_number))


def _make_row_player_key(run_id: str, table_name: str, row_number: int) -> str:
    return f"study-{run_id}-{table_name}-{row_number}"


# -- playback ---------------------------------------------------------------------------------


def draw_study_clip_playback(corpus: Corpus, result: StudyResult, run_id: str) -> None:
    """Draw the choice of a run's clips, and the clips chosen there, in a figure or a table."""
    st.markdown("**Playback**")
    clip_number = draw_clip_sequence_picker(result, run_id)
    played_row = session_keys.PLAYED_ROW.derive_scoped_key(run_id).get_value()
    if clip_number is not None:
        sequence = result.clips[clip_number]
        player_key = f"study-{run_id}-clip-{clip_number}"
        draw_clip_playlist(build_sequence_playlist(sequence), sequence.note, player_key)
    elif played_row is not None:
        table_name, row_number = played_row
        rows = next(table.rows for table in result.tables if table.name == table_name)
        row = rows.iloc[row_number]
        items = build_table_row_playlist(result, row, page_cache.load_programs(corpus))
        player_key = _make_row_player_key(run_id, table_name, row_number)
        draw_clip_playlist(items, format_numbers_of_row(row), player_key)
    else:
        st.caption(format_playback_instructions(result))


def draw_clip_sequence_picker(result: StudyResult, run_id: str) -> int | None:
    """Draw the choice of a clip sequence, if there are any; return its number."""
    if not result.clips:
        return None
    return st.selectbox(
        "Clip",
        range(len(result.clips)),
        index=None,
        key=session_keys.STUDY_CLIP.derive_scoped_key(run_id).name,
        format_func=lambda number: result.clips[number].label,
        label_visibility="collapsed",
        placeholder=f"Choose among {len(result.clips)}",
    )


def format_playback_instructions(result: StudyResult) -> str:
    """Return how to play a run's clips, in a sentence; "" if there are none."""
    options = ["choose a clip"] if result.clips else []
    if any(figure.clip_table for figure in result.figures):
        options.append("click a point")
    if any("clips" in table.rows for table in result.tables):
        options.append("tick a row of a table below")
    if not options:
        return ""
    *first_options, last_option = options
    text = f"{', '.join(first_options)} or {last_option}" if first_options else last_option
    return f"{text[:1].upper()}{text[1:]}."


def format_numbers_of_row(row: pd.Series) -> str:
    """Return the numbers of a row on one line."""
    return ", ".join(
        f"{str(name).replace('_', ' ')} {value:.3f}"
        for name, value in row.items()
        if isinstance(value, float)
    )


def draw_clip_playlist(items: list[PlaylistItem], note: str, key: str) -> None:
    """Draw a player of clips one after the other, and each clip with its program."""
    try:
        clip = concatenate_clip_beginnings([item.audio_path for item in items], SECONDS_PER_CLIP)
    except EarshotError as error:
        markdown_and_errors.show_error(error)
        return
    if clip is None:
        st.caption(":material/music_off: A clip is missing.")
        return
    names = " → ".join(dict.fromkeys(item.name for item in items))
    st.caption(markdown_and_errors.escape_markdown(names))
    audio_player.draw_clip_player(clip, names, key)
    if note:
        st.caption(markdown_and_errors.escape_markdown(note))
    for number, item in enumerate(items):
        with st.expander(
            markdown_and_errors.escape_markdown(item.name), key=f"{key}-item-{number}"
        ):
            if len(items) > 1:
                path = find_stored_clip(item.audio_path)
                audio_player.draw_audio_file_player(
                    None if path is None else str(path), item.name, f"{key}-{number}"
                )
            if item.source:
                st.code(item.source, language="ruby")


# -- tables -----------------------------------------------------------------------------------


def draw_study_table(table: StudyTable, run_id: str) -> None:
    """Draw a table with filters; a ticked row plays its clips, if it has any."""
    if table.caption:
        st.caption(markdown_and_errors.escape_markdown(table.caption, None))
    table_key = f"table-{run_id}-{table.name}"
    rows = draw_table_filters(table.rows, table_key)
    displayed_rows = rows.drop(columns="clips", errors="ignore")
    figure_and_table_download.draw_table_download(
        f"{run_id}-{table.name}", displayed_rows, f"{table.title}. {table.caption}"
    )
    if "clips" not in rows:
        height = compute_table_height_px(len(displayed_rows))
        st.dataframe(displayed_rows, hide_index=True, key=table_key, height=height)
        return

    def play_clips_of_ticked_row() -> None:
        row = session_keys.read_selected_table_row(table_key, len(rows))
        if row is not None:
            _play_clips_of_table_row(run_id, table.name, int(rows.index[row]))

    st.dataframe(
        displayed_rows,
        hide_index=True,
        key=table_key,
        on_select=play_clips_of_ticked_row,
        selection_mode="single-row",
        height=compute_table_height_px(len(rows)),
    )


def draw_table_filters(rows: pd.DataFrame, table_key: str) -> pd.DataFrame:
    """Draw filters for a long table's columns of few values; return the matching rows.

    Returns
    -------
    DataFrame
        Its index is the rows' number in the whole table.
    """
    rows = rows.reset_index(drop=True)
    if len(rows) < LONG_TABLE_ROWS:
        return rows
    columns = [
        name for name in rows if name != "clips" and 1 < rows[name].nunique() <= MAX_FILTER_VALUES
    ]
    if not columns:
        return rows
    matches = pd.Series(True, index=rows.index)
    with st.container(horizontal=True):
        for name in columns:
            chosen_values = st.multiselect(
                str(name).replace("_", " ").capitalize(),
                sorted(rows[name].dropna().unique().tolist()),
                key=f"{table_key}-only-{name}",
                width=200,
                placeholder="all",
            )
            if chosen_values:
                matches &= rows[name].isin(chosen_values)
    return rows[matches]
