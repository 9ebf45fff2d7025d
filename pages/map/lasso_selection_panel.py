"""Panel of the map's sidebar that lists what a lasso selected, with downloads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core.corpus import Corpus
from core.pipeline import code_named_and_measured_sound_properties, map_selection_export
from pages.components import markdown_and_errors, page_cache, session_keys
from pages.map import cached_map_points_and_figure

DOWNLOADS = (
    ("Code and clips", "zip", "application/zip"),
    ("Parquet", "parquet", "application/vnd.apache.parquet"),
)


def draw_selection_panel(
    corpus: Corpus,
    points: pd.DataFrame,
    selected_ids: tuple[str, ...],
    on_open: Callable[[str], None],
    on_clear: Callable[[], None],
) -> None:
    """Draw a table of the selected programs.

    Parameters
    ----------
    corpus : Corpus
    points : DataFrame
        The map's points.
    selected_ids : tuple of str
    on_open : callable
        Takes the id of the program of a selected row.
    on_clear : callable
        Clears the selection.
    """
    if not selected_ids:
        st.info(
            "Press the lasso at the top of the map and draw around points. The selection appears"
            " here.",
            icon=":material/lasso_select:",
        )
        return
    programs = map_selection_export.build_selection_table(
        points, page_cache.load_programs(corpus), selected_ids
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{markdown_and_errors.pluralize(len(programs), 'program')}**",
            width="stretch",
        )
        st.button("Clear selection", icon=":material/deselect:", type="tertiary", on_click=on_clear)
    draw_selection_contrast(corpus, selected_ids)
    # Another selection needs another key: a selected row is only a number.
    digest = hashlib.sha256(" ".join(programs["program"]).encode()).hexdigest()[:12]
    table_key = f"selection-table-{digest}"
    titles = page_cache.load_template_titles()
    st.dataframe(
        pd.DataFrame(
            {
                "Name": programs["name"],
                "Template": [titles.get(name, name) for name in programs["template"]],
                "Similarity": programs["similarity"],
                "Overlap before": programs["overlap_before"],
                "Overlap after": programs["overlap_after"],
            }
        ),
        hide_index=True,
        height=260,
        key=table_key,
        selection_mode="single-row",
        on_select=lambda: _open_selected_table_program(table_key, programs, on_open),
        alt="The programs that the lasso selected, one per row",
        column_config={
            "Similarity": _build_number_column_config(
                "Cosine of code and audio in the shared space"
            ),
            "Overlap before": _build_number_column_config(
                "Share of common neighbours of code and audio"
            ),
            "Overlap after": _build_number_column_config("The same in the shared space"),
        },
    )
    draw_selection_downloads(corpus, programs)


def draw_selection_contrast(corpus: Corpus, selected_ids: tuple[str, ...]) -> None:
    """Draw what the selected programs have in common and the other programs have not."""
    contrasts = code_named_and_measured_sound_properties.contrast_selection_with_others(
        cached_map_points_and_figure.load_programs_with_sound_properties(corpus), selected_ids
    )
    if not contrasts:
        st.caption("Nothing sets these programs apart from the others.")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "In common": [contrast.label for contrast in contrasts],
                "Selected": [_format_share_or_number(c.selected, c.is_share) for c in contrasts],
                "Others": [_format_share_or_number(c.others, c.is_share) for c in contrasts],
            }
        ),
        hide_index=True,
        height="content",
        key="selection-contrast",
        alt="What the selected programs have in common, beside the other programs",
    )
    st.caption(
        "Share of the programs whose code names a sound; medians of tempo and of measurements."
    )


def _format_share_or_number(value: float, is_share: bool) -> str:
    return f"{value:.0%}" if is_share else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _build_number_column_config(help_text: str) -> Any:
    return st.column_config.NumberColumn(format="%.2f", help=help_text, width=70)


def _open_selected_table_program(
    table_key: str, programs: pd.DataFrame, on_open: Callable[[str], None]
) -> None:
    row = session_keys.read_selected_table_row(table_key, len(programs))
    if row is not None:
        on_open(str(programs["program"].iloc[row]))


def draw_selection_downloads(corpus: Corpus, programs: pd.DataFrame) -> None:
    """Draw the buttons that download the selected programs."""
    program_ids = tuple(programs["program"])
    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            programs.to_csv(index=False),
            f"{corpus.name}-selection.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="selection-csv",
        )
        if len(program_ids) > map_selection_export.MAX_DOWNLOAD_PROGRAMS:
            st.caption(
                f"Archives with clips are limited to {map_selection_export.MAX_DOWNLOAD_PROGRAMS}"
                " programs."
            )
            return
        for label, export_format, mime_type in DOWNLOADS:
            st.download_button(
                label,
                partial(map_selection_export.export_selection, corpus, program_ids, export_format),
                f"{corpus.name}-selection.{export_format}",
                mime_type,
                icon=":material/download:",
                on_click="ignore",
                key=f"selection-{export_format}",
            )
