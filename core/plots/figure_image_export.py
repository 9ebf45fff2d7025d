"""Write plotly figures as image files for papers and slides: SVG, PDF and PNG.

`kaleido` draws them in a Chromium that is installed on this machine, without a network. It is the
extra ``figures`` and is imported when a figure is written.
"""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import plotly.graph_objects as go
import plotly.io

from core.errors import EarshotError

IMAGE_FORMATS = ("svg", "pdf", "png")
DEFAULT_WIDTH_PX, DEFAULT_HEIGHT_PX = 900, 520
MIN_SIZE_PX, MAX_SIZE_PX = 200, 4000
MIN_LAYOUT_WIDTH_PX, MIN_LAYOUT_HEIGHT_PX = 700, 420
PNG_SCALE = 2  # twice the pixels, so that text stays sharp in print
MIN_MARGIN_PX = {"l": 50, "r": 25, "t": 45, "b": 50}
TITLE_CHAR_WIDTH_PX, TITLE_MARGIN_PX, MIN_TITLE_CHARS = 9.0, 60, 16
"""Mean width of a character of a title, in plotly's 17 px; what its margins take."""
TITLE_PAD_PX, TITLE_LINE_HEIGHT_PX, TITLE_ASCENT_PX = 10, 23, 13
PANEL_TITLE_SIZE_PX, PANEL_CHAR_WIDTH_PX = 13, 7.2
LEGEND_SYMBOL_WIDTH_PX = 50
LABEL_CHAR_WIDTH_PX, AXIS_TITLE_CHAR_WIDTH_PX = 6.8, 7.8
AXIS_TITLE_HEIGHT_PX = 60  # with the labels of the ticks
MIN_PLOT_HEIGHT_FRACTION = 0.55
"""Of the figure's height; margins, title and legend take the rest."""
BROWSER_NAMES = ("chromium", "google-chrome", "chrome")
BROWSER_VARIABLE = "BROWSER_PATH"  # read by kaleido
INSTALL_COMMAND = ".venv/bin/python -m pip install -r requirements/figures.lock"


def export_figure_images(
    figures: Mapping[str, go.Figure],
    folder: Path,
    formats: Sequence[str] = ("svg",),
    *,
    width_px: int = DEFAULT_WIDTH_PX,
    height_px: int = DEFAULT_HEIGHT_PX,
) -> list[Path]:
    """Write figures as image files; existing files of the same names are replaced.

    Parameters
    ----------
    figures : mapping of str to Figure
        Figures by file name without extension.
    folder : Path
        Created if necessary.
    formats : sequence of {"svg", "pdf", "png"}
    width_px, height_px : int
        Size in CSS pixels, 96 per inch. A PNG has twice as many pixels in each direction. Below
        700 x 420 the whole figure is reduced with its text.

    Returns
    -------
    list of Path
        The written files, in the order of the figures.

    Raises
    ------
    EarshotError
        If a format or size is not supported, or kaleido or Chromium is missing.

    Examples
    --------
    >>> import tempfile
    >>> figure = go.Figure(go.Scatter(y=[1, 3, 2]))
    >>> folder = Path(tempfile.mkdtemp())
    >>> [path.name for path in export_figure_images({"line": figure}, folder)]
    ['line.svg']
    """
    _validate_image_options(formats, width_px, height_px)
    require_kaleido_and_browser()
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    # Labels keep their room in a small figure: all of it is laid out larger, then reduced.
    reduction = max(MIN_LAYOUT_WIDTH_PX / width_px, MIN_LAYOUT_HEIGHT_PX / height_px, 1.0)
    layout_size = width_px * reduction, height_px * reduction
    for image_format in formats:
        format_paths = [folder / f"{name}.{image_format}" for name in figures]
        try:
            plotly.io.write_images(
                fig=[
                    _prepare_figure_for_print(figure, *layout_size) for figure in figures.values()
                ],
                file=format_paths,
                format=image_format,
                width=layout_size[0],
                height=layout_size[1],
                scale=(PNG_SCALE if image_format == "png" else 1) / reduction,
            )
        except Exception as error:  # kaleido, its browser driver and plotly each raise their own
            raise EarshotError(
                f"Chromium could not draw the figures ({type(error).__name__}: {error}).",
                where=str(folder),
                remedy="Look whether it starts: chromium --headless --version",
            ) from error
        paths += format_paths
    return [folder / f"{name}.{image_format}" for name in figures for image_format in formats]


def _validate_image_options(formats: Sequence[str], width_px: int, height_px: int) -> None:
    unknown_formats = [name for name in formats if name not in IMAGE_FORMATS]
    if unknown_formats or not formats:
        raise EarshotError(
            f"Figures cannot be written as '{', '.join(unknown_formats)}'.",
            remedy=f"Choose among {', '.join(IMAGE_FORMATS)}.",
        )
    if not all(MIN_SIZE_PX <= size <= MAX_SIZE_PX for size in (width_px, height_px)):
        raise EarshotError(
            f"A figure of {width_px} x {height_px} pixels is not supported.",
            remedy=f"Each side may have {MIN_SIZE_PX} to {MAX_SIZE_PX} pixels.",
        )


def require_kaleido_and_browser() -> None:
    """Raise an error unless figures can be written as images here.

    Raises
    ------
    EarshotError
        If kaleido or Chromium is missing; the remedy is the command that installs it.
    """
    try:
        import kaleido  # noqa: F401  # only looked for here; plotly imports it
    except ImportError as error:
        raise EarshotError(
            "Writing figures as images needs the package kaleido, which is not installed.",
            remedy=f"Install it: {INSTALL_COMMAND}",
        ) from error
    if os.environ.get(BROWSER_VARIABLE):
        return
    browser = next(filter(None, map(shutil.which, BROWSER_NAMES)), None)
    if browser is None:
        raise EarshotError(
            "Writing figures as images needs Chromium, which is not installed.",
            remedy="Install it: sudo apt-get install chromium",
        )
    os.environ[BROWSER_VARIABLE] = browser


def _prepare_figure_for_print(figure: go.Figure, width_px: float, height_px: float) -> go.Figure:
    """Return a copy on white whose titles and labels have the room that they need."""
    printed = go.Figure(figure)
    title = printed.layout.title.text
    if title and "<br>" not in title:  # plotly would cut what is wider than the figure.
        printed.update_layout(title_text=_wrap_title(title, width_px))
    margin = printed.layout.margin
    margins = {side: max(margin[side] or 0, MIN_MARGIN_PX[side]) for side in MIN_MARGIN_PX}
    title_break_count = (printed.layout.title.text or "").count("<br>")
    # plotly aligns the baseline of several lines where it aligns the top of one.
    title_pad = TITLE_PAD_PX + (TITLE_ASCENT_PX if title_break_count else 0)
    if title:
        margins["t"] += title_pad + TITLE_LINE_HEIGHT_PX * (1 + title_break_count)
    printed.update_layout(
        template="plotly_white",
        autosize=False,
        font_color="black",
        margin=margins,
        # At the top edge: by default a title is centred in the margin, into the panels' titles.
        title={"automargin": False, "x": 0.02, "y": 1, "yanchor": "top", "pad_t": title_pad},
    )
    printed.update_xaxes(automargin=True)
    printed.update_yaxes(automargin=True)
    _move_legend_below_axis_title(printed, height_px)
    _wrap_panel_titles(printed, width_px)
    _wrap_title_below_category_axis(printed, width_px)
    return printed


def _move_legend_below_axis_title(figure: go.Figure, height_px: float) -> None:
    """Move a horizontal legend below the plot so far down that the axis title has room."""
    legend = figure.layout.legend
    is_below = legend.orientation == "h" and (legend.y is None or legend.y < 0)
    if is_below and any(axis.title.text for axis in figure.select_xaxes()):
        plot_height = height_px * MIN_PLOT_HEIGHT_FRACTION
        figure.update_layout(legend={"y": -AXIS_TITLE_HEIGHT_PX / plot_height, "yanchor": "top"})


def _wrap_panel_titles(figure: go.Figure, width_px: float) -> None:
    """Wrap the title of each panel to the width of the panel, in a smaller font."""
    fraction_by_centre = {
        round(sum(axis.domain) / 2, 3): axis.domain[1] - axis.domain[0]
        for axis in figure.select_xaxes()
        if axis.domain
    }
    if len(fraction_by_centre) < 2:
        return
    margin = figure.layout.margin
    plot_width = width_px - margin.l - margin.r - _estimate_legend_width(figure)
    for annotation in figure.layout.annotations:
        if annotation.xanchor != "center" or annotation.xref != "paper" or not annotation.text:
            continue
        fraction = fraction_by_centre.get(round(annotation.x, 3))
        if fraction is not None and "<br>" not in annotation.text:
            line_chars = max(MIN_TITLE_CHARS, int(fraction * plot_width / PANEL_CHAR_WIDTH_PX))
            annotation.text = "<br>".join(textwrap.wrap(annotation.text, line_chars))
            annotation.font.size = PANEL_TITLE_SIZE_PX


def _wrap_title_below_category_axis(figure: go.Figure, width_px: float) -> None:
    """Wrap the title of the x axis where long categories at the left leave a narrow plot."""
    title = figure.layout.xaxis.title.text
    values = [
        value for trace in figure.select_traces(selector={"type": "scatter"}) for value in trace.y
    ]
    categories = [value for value in values if isinstance(value, str)]
    if title and categories and "<br>" not in title:
        label_width = LABEL_CHAR_WIDTH_PX * max(map(len, categories))
        plot_width = width_px - label_width - figure.layout.margin.r
        line_chars = max(MIN_TITLE_CHARS, int(plot_width / AXIS_TITLE_CHAR_WIDTH_PX))
        figure.layout.xaxis.title.text = "<br>".join(textwrap.wrap(title, line_chars))


def _estimate_legend_width(figure: go.Figure) -> float:
    """Return the width of a legend beside the plot in pixels; 0 for one above or below it."""
    if figure.layout.legend.orientation == "h" or figure.layout.showlegend is False:
        return 0.0
    names = [trace.name or "" for trace in figure.data if trace.showlegend is not False]
    if len(names) < 2 or figure.layout.legend.x is not None:
        return 0.0
    return LEGEND_SYMBOL_WIDTH_PX + PANEL_CHAR_WIDTH_PX * max(map(len, names))


def _wrap_title(title: str, width_px: float) -> str:
    line_chars = max(MIN_TITLE_CHARS, int((width_px - TITLE_MARGIN_PX) / TITLE_CHAR_WIDTH_PX))
    return "<br>".join(textwrap.wrap(title, line_chars))
