"""Figures as image files, drawn by the real browser."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import plotly.graph_objects as go
import pytest
from PIL import Image
from plotly.subplots import make_subplots

from core.errors import EarshotError
from core.plots import figure_image_export
from core.plots.figure_image_export import export_figure_images

TITLE = "A long title of a figure that has to stay whole in every file"
LABEL = "a category with a long name that needs room at the left"


def build_figure() -> go.Figure:
    figure = go.Figure(go.Bar(x=[1, 2], y=[LABEL, "b"], orientation="h"))
    return figure.update_layout(title_text=TITLE, margin_l=0)


def test_figures_are_written_in_each_format_and_size(tmp_path: Path) -> None:
    figures = {"first": build_figure(), "second": go.Figure(go.Scatter(y=[1, 2]))}
    paths = export_figure_images(
        figures, tmp_path / "new", ("svg", "pdf", "png"), width_px=640, height_px=400
    )
    assert [path.name for path in paths[:3]] == ["first.svg", "first.pdf", "first.png"]
    assert all(path.is_file() for path in paths) and len(paths) == 6
    root = ElementTree.parse(paths[0]).getroot()
    assert (root.get("width"), root.get("height")) == ("640", "400")
    texts = [element.text for element in root.iter() if element.text]
    assert TITLE in texts and LABEL in texts
    assert paths[1].read_bytes().startswith(b"%PDF-")
    with Image.open(paths[2]) as image:
        assert image.size == (1280, 800)
        assert image.convert("RGB").getpixel((2, 2)) == (255, 255, 255)


def test_a_long_label_is_inside_the_picture(tmp_path: Path) -> None:
    (path,) = export_figure_images({"bars": build_figure()}, tmp_path, ("png",))
    with Image.open(path) as image:
        left_edge = image.convert("L").crop((0, 0, 6, image.height))
        assert left_edge.getextrema()[0] == 255  # no text touches the edge


def test_the_figure_itself_stays_as_it_was(tmp_path: Path) -> None:
    figure = build_figure()
    before = figure.to_json()
    export_figure_images({"bars": figure}, tmp_path)
    assert figure.to_json() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"formats": ("gif",)}, "cannot be written as 'gif'"),
        ({"width_px": 10}, "10 x 520 pixels is not supported"),
        ({"height_px": 100_000}, "900 x 100000 pixels"),
    ],
)
def test_unsupported_options_are_named(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(EarshotError, match=message):
        export_figure_images({"a": build_figure()}, tmp_path / "none", **options)
    assert not (tmp_path / "none").exists()


def test_a_missing_package_or_browser_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(figure_image_export.BROWSER_VARIABLE, raising=False)
    monkeypatch.setattr(figure_image_export, "BROWSER_NAMES", ("no-such-browser",))
    with pytest.raises(EarshotError, match="needs Chromium"):
        export_figure_images({"a": build_figure()}, tmp_path)
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(EarshotError, match="package kaleido") as error:
        export_figure_images({"a": build_figure()}, tmp_path)
    assert "figures.lock" in str(error.value.remedy)


def list_svg_text(path: Path) -> list[tuple[str, float]]:
    """Return each line of text in an SVG file with the height of its baseline."""
    found = []
    for element in ElementTree.parse(path).getroot().iter():
        if element.text and element.tag.endswith(("text", "tspan")):
            shift = float(element.get("dy", "0em").removesuffix("em"))
            found.append((element.text, float(element.get("y", "0")) + 17 * shift))
    return found


def test_titles_and_panel_titles_are_whole_in_a_small_figure(tmp_path: Path) -> None:
    panel_titles = ["aligned code against aligned audio", "aligned code against raw audio", "raw"]
    figure = make_subplots(1, 3, subplot_titles=panel_titles)
    for column in (1, 2, 3):
        figure.add_trace(go.Scatter(y=[1, 2], name="a measure with a long name"), 1, column)
    figure.update_layout(title_text=f"{TITLE}, of a corpus with a long name", margin_t=40)
    (path,) = export_figure_images({"panels": figure}, tmp_path, width_px=330, height_px=250)
    root = ElementTree.parse(path).getroot()
    assert [round(float(root.get(side, "0")), 6) for side in ("width", "height")] == [330, 250]
    texts = list_svg_text(path)
    words = " ".join(text for text, _ in texts)
    assert all(word in words for title in [TITLE, *panel_titles] for word in title.split())
    assert max(len(text) for text, _ in texts if text in " ".join(panel_titles)) <= 24
    title_baselines = [height for text, height in texts if text in f"{TITLE}, of a corpus"]
    assert title_baselines and min(title_baselines) >= 17
