"""One run of a study on a page: its numbers beside the paper's, figures, and what to hear."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterable

import pandas as pd
import streamlit as st

from core.corpus import Corpus
from core.errors import EarshotError
from core.studies.clips import concatenate_clips, resolve_clip_path
from core.studies.report_markdown import format_cell, drop_empty_columns, format_verdict_counts
from core.studies.result import StudyFigure, StudyResult, StudyTable
from core.studies.store import StudyRun
from pages.components import cache, audio_player, formatting

SECONDS_PER_CLIP = 6.0  # of each clip, where one is played after the other
NUMBER_COLUMNS = ("measured", "low", "high", "paper", "difference")
MAX_FILTER_VALUES = 9  # values of a column up to which a table can be filtered by it
LONG_TABLE_ROWS = 12  # rows from which on filtering helps


@dataclass(frozen=True)
class PlaylistItem:
    """One of the clips that are heard one after the other."""

    name: str
    audio_path: str
    source: str


def draw_study_run(corpus: Corpus, run: StudyRun) -> None:
    """Draw what a run found."""
    result = load_study_result(run)
    standing = format_verdict_counts(result.comparison).removesuffix(" the paper").replace("level with", "level")
    st.subheader(f"Beside the paper: {standing}")
    draw_paper_comparison(result.comparison, f"compared-{run.id}")
    if describe_playback_options(result):
        left, right = st.columns([7, 4], gap="medium")
        with left:
            draw_study_figure(result, run.id)
        with right:
            draw_clip_chooser(corpus, result, run.id)
    else:
        draw_study_figure(result, run.id)
    st.subheader("What it says")
    for note in result.notes:
        st.markdown(f"- {formatting.escape_markdown(note, None)}")
    for table in result.tables:
        with st.expander(
            f"{formatting.escape_markdown(table.title)} ({formatting.format_count(len(table.rows), 'row')})"
        ):
            draw_study_table(table, run.id)
    with st.expander("Settings, versions, corpus"):
        st.json(result.settings)


def load_study_result(run: StudyRun) -> StudyResult:
    """All that a run found; it never changes, so it is read once."""
    return _load_study_result(str(run.path), run.created, run)


@st.cache_resource(max_entries=12, show_spinner=False)
def _load_study_result(run_path: str, created: str, _run: StudyRun) -> StudyResult:
    return _run.load_result()


def draw_paper_comparison(comparison: pd.DataFrame, table_key: str) -> None:
    """Draw measured and published numbers; columns that say nothing are left out."""
    shown = drop_empty_columns(comparison)
    numbers = [name for name in NUMBER_COLUMNS if name in shown]
    st.dataframe(
        format_number_columns(shown, numbers),
        hide_index=True,
        key=table_key,
        placeholder="–",
        height="content" if len(shown) <= LONG_TABLE_ROWS else 36 * LONG_TABLE_ROWS,
        column_config={
            "measure": st.column_config.TextColumn(width="large"),
            **{name: st.column_config.TextColumn(alignment="right") for name in numbers},
        },
    )


def format_number_columns(table: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """The table with numbers as the report writes them: a column's format has three decimals or
    none, and shows a small p value as 0.000."""
    texts = {name: [format_cell(value) or None for value in table[name]] for name in columns}
    return table.assign(**texts)


def draw_study_figure(result: StudyResult, run_id: str) -> None:
    """Draw a figure, chosen among several; a click on a point plays what it stands for."""
    if not result.figures:
        return
    shown = result.figures[0]
    if len(result.figures) > 1:
        names = {each.name: each for each in result.figures}
        chosen = st.pills(
            "Figure",
            list(names),
            default=shown.name,
            required=True,
            key=f"pick-{run_id}",
            format_func=lambda name: _shorten_figure_title(names[name]),
            label_visibility="collapsed",
        )
        shown = names[chosen]
    st.markdown(f"**{formatting.escape_markdown(shown.title)}**")
    key = f"figure-{run_id}-{shown.name}"
    st.plotly_chart(
        shown.figure,
        key=key,
        selection_mode="points",
        alt=shown.title,
        on_select=(lambda: _play_clicked_point(key, shown.clip_table, run_id)) if shown.clip_table else "ignore",
        config={"displaylogo": False},
    )
    st.caption(formatting.escape_markdown(shown.caption))


def _shorten_figure_title(figure: StudyFigure) -> str:
    return figure.title.removeprefix("Changes of ").partition(" (")[0].capitalize()


def _play_clicked_point(chart_key: str, table_name: str, run_id: str) -> None:
    """Remember the row of a clicked point; a selection that ends is no news."""
    points = st.session_state[chart_key]["selection"]["points"]
    if points:
        number = points[0]["customdata"]
        number = number[0] if isinstance(number, (list, tuple)) else number
        _play_table_row(run_id, table_name, int(number))


def _play_table_row(run_id: str, table_name: str, row_number: int) -> None:
    st.session_state[f"heard-{run_id}"] = (table_name, row_number)
    st.session_state.pop(f"hear-{run_id}", None)
    audio_player.request_autoplay(f"study-{run_id}-{table_name}-{row_number}")


def draw_clip_chooser(corpus: Corpus, result: StudyResult, run_id: str) -> None:
    """Draw a choice of what there is to hear, and what was chosen there, in a figure or in a
    table."""
    st.markdown("**Hear**")
    chosen = None
    if result.clips:
        chosen = st.selectbox(
            "Hear",
            range(len(result.clips)),
            index=None,
            key=f"hear-{run_id}",
            format_func=[each.label for each in result.clips].__getitem__,
            label_visibility="collapsed",
            placeholder=f"Choose among {len(result.clips)}",
        )
    picked = st.session_state.get(f"heard-{run_id}")
    if chosen is not None:
        heard = result.clips[chosen]
        sources = heard.sources or ("",) * len(heard.paths)
        names = heard.names or (heard.label,) * len(heard.paths)
        pieces = [PlaylistItem(*each) for each in zip(names, heard.paths, sources)]
        draw_playlist(pieces, heard.note, f"study-{run_id}-clip-{chosen}")
    elif picked is not None:
        name, number = picked
        rows = next(table.rows for table in result.tables if table.name == name)
        row = rows.iloc[number]
        draw_playlist(build_playlist(corpus, result, row), format_row_numbers(row), f"study-{run_id}-{name}-{number}")
    else:
        st.caption(describe_playback_options(result))


def describe_playback_options(result: StudyResult) -> str:
    """How to hear something of a run, in a sentence; "" where there is nothing to hear."""
    found = ["choose here"] if result.clips else []
    if any(each.clip_table for each in result.figures):
        found.append("click a point")
    if any("clips" in table.rows for table in result.tables):
        found.append("tick a row of a table below")
    *before, last = found or [""]
    said = f"{', '.join(before)} or {last}" if before else last
    return said and f"{said[:1].upper()}{said[1:]}."


def build_playlist(corpus: Corpus, result: StudyResult, row: pd.Series) -> list[PlaylistItem]:
    """The clips that a row of a table stands for, with their names and programs."""
    known = {
        path: (heard.label if len(heard.paths) == 1 else name, source)
        for heard in result.clips
        for name, path, source in zip(heard.names, heard.paths, heard.sources)
    }
    programs = cache.load_programs(corpus)
    found = []
    for path in row["clips"].split("|"):
        own = programs[programs["audio"].astype(str).str.endswith(Path(path).name)]
        if len(own):
            found.append(PlaylistItem(own.iloc[0]["name"], path, own.iloc[0]["source"]))
        else:
            found.append(PlaylistItem(*_describe_study_clip(known.get(path), row, path)))
    return found


def _describe_study_clip(label_and_source: tuple[str, str] | None, row: pd.Series, audio_path: str) -> tuple[str, str, str]:
    """A clip that isn't the corpus's: the study's own, known from what it offers to hear or from
    the row itself."""
    if "source" in row.index:
        return f"{row['kind']} {row['strength']:g}", audio_path, row["source"]
    name, source = label_and_source or (Path(audio_path).stem, "")
    return name, audio_path, source


def format_row_numbers(row: pd.Series) -> str:
    """A row's own numbers, in a line."""
    numbers = {name: value for name, value in row.items() if isinstance(value, float)}
    return ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in numbers.items())


def draw_playlist(items: list[PlaylistItem], note: str, key: str) -> None:
    """Draw a player of clips one after the other, and each by itself with its program."""
    names = " → ".join(dict.fromkeys(piece.name for piece in items))
    try:
        sound = concatenate_clips([piece.audio_path for piece in items], SECONDS_PER_CLIP)
    except EarshotError as error:
        formatting.show_error(error)
        return
    if sound is None:
        st.caption(":material/music_off: A clip is not there any more.")
        return
    st.caption(formatting.escape_markdown(names))
    audio_player.draw_clip_player(sound, names, key)
    if note:
        st.caption(formatting.escape_markdown(note))
    for number, piece in enumerate(items):
        with st.expander(formatting.escape_markdown(piece.name), key=f"{key}-piece-{number}"):
            if len(items) > 1:
                file = resolve_clip_path(piece.audio_path)
                audio_player.draw_file_player(
                    None if file is None else str(file), piece.name, f"{key}-{number}"
                )
            if piece.source:
                st.code(piece.source, language="ruby")


def draw_study_table(table: StudyTable, run_id: str) -> None:
    """Draw a table, filtered where that helps; a ticked row is heard where it has clips."""
    if table.caption:
        st.caption(formatting.escape_markdown(table.caption, None))
    key = f"table-{run_id}-{table.name}"
    rows = filter_table_rows(table.rows, key)
    shown = rows.drop(columns="clips", errors="ignore")
    if "clips" not in rows:
        st.dataframe(shown, hide_index=True, key=key)
        return

    def play_ticked_row() -> None:
        numbers = st.session_state[key]["selection"]["rows"]
        if numbers:
            _play_table_row(run_id, table.name, int(rows.index[numbers[0]]))

    st.dataframe(
        shown,
        hide_index=True,
        key=key,
        on_select=play_ticked_row,
        selection_mode="single-row",
        height="auto" if len(shown) <= LONG_TABLE_ROWS else 320,
    )


def filter_table_rows(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """Draw what a long table can be filtered by, its columns of few values; return what is left.

    The rows keep their numbers in the whole table as their index.
    """
    rows = rows.reset_index(drop=True)
    if len(rows) < LONG_TABLE_ROWS:
        return rows
    columns = [name for name in rows if name != "clips" and 1 < rows[name].nunique() <= MAX_FILTER_VALUES]
    if not columns:
        return rows
    kept = pd.Series(True, index=rows.index)
    with st.container(horizontal=True):
        for name in columns:
            values = sorted(rows[name].dropna().unique().tolist())
            chosen = st.multiselect(
                name.replace("_", " ").capitalize(),
                values,
                key=f"{key}-only-{name}",
                width=200,
                placeholder="all",
            )
            if chosen:
                kept &= rows[name].isin(chosen)
    return rows[kept]
