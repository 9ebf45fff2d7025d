"""One run of a study on a page: its numbers beside the paper's, figures, and what to hear."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterable

import pandas as pd
import streamlit as st

from core.corpus import Corpus
from core.errors import EarshotError
from core.studies.audio_concat import joined
from core.studies.report_markdown import cell, telling, verdicts
from core.studies.result import Figure, StudyResult, Table
from core.studies.store import StudyRun, clip_file
from pages.components import cache, audio_player, formatting

SECONDS = 6.0  # of each clip, where one is played after the other
NUMBERS = ("measured", "low", "high", "paper", "difference")
FEW = 9  # values of a column up to which a table can be filtered by it
LONG = 12  # rows from which on filtering helps


@dataclass(frozen=True)
class Piece:
    """One of the clips that are heard one after the other."""

    name: str
    path: str
    source: str


def read(corpus: Corpus, run: StudyRun) -> None:
    """Draw what a run found."""
    result = result_of(run)
    standing = verdicts(result.compared).removesuffix(" the paper").replace("level with", "level")
    st.subheader(f"Beside the paper: {standing}")
    beside(result.compared, f"compared-{run.id}")
    if ways(result):
        left, right = st.columns([7, 4], gap="medium")
        with left:
            figure(result, run.id)
        with right:
            hear(corpus, result, run.id)
    else:
        figure(result, run.id)
    st.subheader("What it says")
    for note in result.notes:
        st.markdown(f"- {formatting.plain(note, None)}")
    for table in result.tables:
        with st.expander(
            f"{formatting.plain(table.title)} ({formatting.count(len(table.rows), 'row')})"
        ):
            show_table(table, run.id)
    with st.expander("Settings, versions, corpus"):
        st.json(result.settings)


def result_of(run: StudyRun) -> StudyResult:
    """All that a run found; it never changes, so it is read once."""
    return _result(str(run.path), run.created, run)


@st.cache_resource(max_entries=12, show_spinner=False)
def _result(path: str, created: str, _run: StudyRun) -> StudyResult:
    return _run.result()


def beside(compared: pd.DataFrame, key: str) -> None:
    """Draw measured and published numbers; columns that say nothing are left out."""
    shown = telling(compared)
    numbers = [name for name in NUMBERS if name in shown]
    st.dataframe(
        as_text(shown, numbers),
        hide_index=True,
        key=key,
        placeholder="–",
        height="content" if len(shown) <= LONG else 36 * LONG,
        column_config={
            "measure": st.column_config.TextColumn(width="large"),
            **{name: st.column_config.TextColumn(alignment="right") for name in numbers},
        },
    )


def as_text(table: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """The table with numbers as the report writes them: a column's format has three decimals or
    none, and shows a small p value as 0.000."""
    texts = {name: [cell(value) or None for value in table[name]] for name in columns}
    return table.assign(**texts)


def figure(result: StudyResult, run_id: str) -> None:
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
            format_func=lambda name: _short(names[name]),
            label_visibility="collapsed",
        )
        shown = names[chosen]
    st.markdown(f"**{formatting.plain(shown.title)}**")
    key = f"figure-{run_id}-{shown.name}"
    st.plotly_chart(
        shown.figure,
        key=key,
        selection_mode="points",
        alt=shown.title,
        on_select=(lambda: _picked(key, shown.hears, run_id)) if shown.hears else "ignore",
        config={"displaylogo": False},
    )
    st.caption(formatting.plain(shown.caption))


def _short(shown: Figure) -> str:
    return shown.title.removeprefix("Changes of ").partition(" (")[0].capitalize()


def _picked(key: str, table: str, run_id: str) -> None:
    """Remember the row of a clicked point; a selection that ends is no news."""
    points = st.session_state[key]["selection"]["points"]
    if points:
        number = points[0]["customdata"]
        number = number[0] if isinstance(number, (list, tuple)) else number
        _play(run_id, table, int(number))


def _play(run_id: str, table: str, number: int) -> None:
    st.session_state[f"heard-{run_id}"] = (table, number)
    st.session_state.pop(f"hear-{run_id}", None)
    audio_player.start(f"study-{run_id}-{table}-{number}")


def hear(corpus: Corpus, result: StudyResult, run_id: str) -> None:
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
        pieces = [Piece(*each) for each in zip(names, heard.paths, sources)]
        draw_pieces(pieces, heard.note, f"study-{run_id}-clip-{chosen}")
    elif picked is not None:
        name, number = picked
        rows = next(table.rows for table in result.tables if table.name == name)
        row = rows.iloc[number]
        draw_pieces(pieces_of(corpus, result, row), told(row), f"study-{run_id}-{name}-{number}")
    else:
        st.caption(ways(result))


def ways(result: StudyResult) -> str:
    """How to hear something of a run, in a sentence; "" where there is nothing to hear."""
    found = ["choose here"] if result.clips else []
    if any(each.hears for each in result.figures):
        found.append("click a point")
    if any("clips" in table.rows for table in result.tables):
        found.append("tick a row of a table below")
    *before, last = found or [""]
    said = f"{', '.join(before)} or {last}" if before else last
    return said and f"{said[:1].upper()}{said[1:]}."


def pieces_of(corpus: Corpus, result: StudyResult, row: pd.Series) -> list[Piece]:
    """The clips that a row of a table stands for, with their names and programs."""
    known = {
        path: (heard.label if len(heard.paths) == 1 else name, source)
        for heard in result.clips
        for name, path, source in zip(heard.names, heard.paths, heard.sources)
    }
    programs = cache.programs_of(corpus)
    found = []
    for path in row["clips"].split("|"):
        own = programs[programs["audio"].astype(str).str.endswith(Path(path).name)]
        if len(own):
            found.append(Piece(own.iloc[0]["name"], path, own.iloc[0]["source"]))
        else:
            found.append(Piece(*_other(known.get(path), row, path)))
    return found


def _other(known: tuple[str, str] | None, row: pd.Series, path: str) -> tuple[str, str, str]:
    """A clip that isn't the corpus's: the study's own, known from what it offers to hear or from
    the row itself."""
    if "source" in row.index:
        return f"{row['kind']} {row['strength']:g}", path, row["source"]
    name, source = known or (Path(path).stem, "")
    return name, path, source


def told(row: pd.Series) -> str:
    """A row's own numbers, in a line."""
    numbers = {name: value for name, value in row.items() if isinstance(value, float)}
    return ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in numbers.items())


def draw_pieces(pieces: list[Piece], note: str, key: str) -> None:
    """Draw a player of clips one after the other, and each by itself with its program."""
    names = " → ".join(dict.fromkeys(piece.name for piece in pieces))
    try:
        sound = joined([piece.path for piece in pieces], SECONDS)
    except EarshotError as error:
        formatting.show_error(error)
        return
    if sound is None:
        st.caption(":material/music_off: A clip is not there any more.")
        return
    st.caption(formatting.plain(names))
    audio_player.clip(sound, names, key)
    if note:
        st.caption(formatting.plain(note))
    for number, piece in enumerate(pieces):
        with st.expander(formatting.plain(piece.name), key=f"{key}-piece-{number}"):
            if len(pieces) > 1:
                file = clip_file(piece.path)
                audio_player.clip_file(
                    None if file is None else str(file), piece.name, f"{key}-{number}"
                )
            if piece.source:
                st.code(piece.source, language="ruby")


def show_table(table: Table, run_id: str) -> None:
    """Draw a table, filtered where that helps; a ticked row is heard where it has clips."""
    if table.caption:
        st.caption(formatting.plain(table.caption, None))
    key = f"table-{run_id}-{table.name}"
    rows = filtered(table.rows, key)
    shown = rows.drop(columns="clips", errors="ignore")
    if "clips" not in rows:
        st.dataframe(shown, hide_index=True, key=key)
        return

    def ticked() -> None:
        numbers = st.session_state[key]["selection"]["rows"]
        if numbers:
            _play(run_id, table.name, int(rows.index[numbers[0]]))

    st.dataframe(
        shown,
        hide_index=True,
        key=key,
        on_select=ticked,
        selection_mode="single-row",
        height="auto" if len(shown) <= LONG else 320,
    )


def filtered(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """Draw what a long table can be filtered by, its columns of few values; return what is left.

    The rows keep their numbers in the whole table as their index.
    """
    rows = rows.reset_index(drop=True)
    if len(rows) < LONG:
        return rows
    columns = [name for name in rows if name != "clips" and 1 < rows[name].nunique() <= FEW]
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
