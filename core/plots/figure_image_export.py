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
PNG_SCALE = 2  # twice the pixels, so that text stays sharp in print
MIN_MARGIN_PX = {"l": 50, "r": 25, "t": 45, "b": 50}
TITLE_CHAR_WIDTH_PX, TITLE_MARGIN_PX, MIN_TITLE_CHARS = 9.0, 60, 16
"""Mean width of a character of a title, in plotly's 17 px; what its margins take."""
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
        Size in CSS pixels, 96 per inch. A PNG has twice as many pixels in each direction.

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
    for image_format in formats:
        format_paths = [folder / f"{name}.{image_format}" for name in figures]
        try:
            plotly.io.write_images(
                fig=[_prepare_figure_for_print(figure, width_px) for figure in figures.values()],
                file=format_paths,
                format=image_format,
                width=width_px,
                height=height_px,
                scale=PNG_SCALE if image_format == "png" else 1,
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


def _prepare_figure_for_print(figure: go.Figure, width_px: int) -> go.Figure:
    """Return a copy on white whose titles and labels have the room that they need."""
    printed = go.Figure(figure)
    title = printed.layout.title.text
    if title and "<br>" not in title:  # plotly would cut what is wider than the figure.
        printed.update_layout(title_text=_wrap_title(title, width_px))
    printed.update_layout(
        template="plotly_white", autosize=False, font_color="black", title_automargin=True
    )
    margin = printed.layout.margin
    printed.update_layout(
        margin={side: max(margin[side] or 0, MIN_MARGIN_PX[side]) for side in MIN_MARGIN_PX}
    )
    printed.update_xaxes(automargin=True)
    printed.update_yaxes(automargin=True)
    return printed


def _wrap_title(title: str, width_px: int) -> str:
    line_chars = max(MIN_TITLE_CHARS, int((width_px - TITLE_MARGIN_PX) / TITLE_CHAR_WIDTH_PX))
    return "<br>".join(textwrap.wrap(title, line_chars))
