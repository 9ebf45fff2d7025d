"""Controls that download a figure as SVG, PDF or PNG, or a table as CSV, LaTeX or Markdown."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core import workspace
from core.errors import EarshotError
from core.plots.figure_image_export import (
    DEFAULT_HEIGHT_PX,
    DEFAULT_WIDTH_PX,
    IMAGE_FORMATS,
    MAX_SIZE_PX,
    MIN_SIZE_PX,
    export_figure_images,
    require_kaleido_and_browser,
)
from core.table_file_formats import TABLE_SUFFIXES, format_table_file
from pages.components import markdown_and_errors

SIZE_STEP_PX = 20


def draw_figure_download(
    name: str, build_figure: Callable[[], go.Figure], title: str | None = None
) -> None:
    """Draw the choice of format and size of a figure, and the button that downloads it.

    Drawn nowhere in read-only mode, because each file starts a browser on the server.

    Parameters
    ----------
    name : str
        Name of the file without suffix; also the key of the controls.
    build_figure : callable
        Returns the figure; called when the button is pressed.
    title : str, optional
        Title of the printed figure. Default: its own.
    """
    if workspace.is_workspace_read_only():
        return
    with st.popover("Export figure", icon=":material/image:", key=f"export-figure-{name}"):
        image_format = st.segmented_control(
            "Format",
            IMAGE_FORMATS,
            default=IMAGE_FORMATS[0],
            required=True,
            key=f"export-figure-format-{name}",
            format_func=str.upper,
        )
        width_px = _draw_size_input("Width", DEFAULT_WIDTH_PX, name)
        height_px = _draw_size_input("Height", DEFAULT_HEIGHT_PX, name)

        def write_image() -> bytes:
            figure = go.Figure(build_figure())
            if title is not None:
                figure.update_layout(title_text=title)
            return _write_figure_image(figure, image_format, width_px, height_px)

        try:
            require_kaleido_and_browser()
        except EarshotError as error:
            st.info(markdown_and_errors.escape_markdown(f"{error.message} {error.remedy or ''}"))
            return
        st.download_button(
            "Download",
            write_image,
            f"{name}.{image_format}",
            key=f"export-figure-download-{name}",
            icon=":material/download:",
            on_click="ignore",
        )


def draw_table_download(name: str, table: pd.DataFrame, caption: str = "") -> None:
    """Draw the choice of format of a table, and the button that downloads it.

    Parameters
    ----------
    name : str
        Name of the file without suffix; also the key of the controls.
    table : DataFrame
    caption : str
        For LaTeX and Markdown.
    """
    with st.popover("Export table", icon=":material/table:", key=f"export-table-{name}"):
        table_format = st.segmented_control(
            "Format",
            list(TABLE_SUFFIXES),
            default="csv",
            required=True,
            key=f"export-table-format-{name}",
            format_func=lambda option: {"csv": "CSV", "latex": "LaTeX"}.get(option, "Markdown"),
        )
        st.download_button(
            "Download",
            lambda: format_table_file(table, table_format, caption).encode(),
            f"{name}{TABLE_SUFFIXES[table_format]}",
            key=f"export-table-download-{name}",
            icon=":material/download:",
            on_click="ignore",
        )


def _draw_size_input(label: str, default_px: int, name: str) -> int:
    return st.number_input(
        f"{label} (pixels)",
        MIN_SIZE_PX,
        MAX_SIZE_PX,
        default_px,
        SIZE_STEP_PX,
        key=f"export-figure-{label.lower()}-{name}",
    )


def _write_figure_image(
    figure: go.Figure, image_format: str, width_px: int, height_px: int
) -> bytes:
    with tempfile.TemporaryDirectory(prefix="earshot-") as folder:
        (path,) = export_figure_images(
            {"figure": figure},
            Path(folder),
            (image_format,),
            width_px=width_px,
            height_px=height_px,
        )
        return path.read_bytes()
