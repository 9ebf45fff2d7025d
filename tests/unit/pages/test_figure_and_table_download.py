"""The controls that download figures and tables."""

from __future__ import annotations

import re
from pathlib import Path

import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from core.errors import EarshotError
from pages.components import figure_and_table_download


def draw_controls() -> None:
    import pandas as pd
    import plotly.graph_objects as go

    from pages.components import figure_and_table_download

    figure_and_table_download.draw_figure_download("curve", lambda: go.Figure())
    figure_and_table_download.draw_table_download("curve", pd.DataFrame({"a": [1]}))


@pytest.fixture(autouse=True)
def _use_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))


def test_figure_and_table_of_one_name_can_be_downloaded_together() -> None:
    app = AppTest.from_function(draw_controls).run()
    assert not app.exception
    assert [button.label for button in app.get("download_button")] == ["Download", "Download"]
    assert [box.value for box in app.number_input] == [900, 520]


def test_no_browser_is_started_for_visitors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    app = AppTest.from_function(draw_controls).run()
    assert not app.number_input and len(app.get("download_button")) == 1


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise EarshotError("Chromium is missing.", remedy="Install it.")

    monkeypatch.setattr(figure_and_table_download, "require_kaleido_and_browser", refuse)
    app = AppTest.from_function(draw_controls).run()
    assert any("Chromium is missing" in notice.value for notice in app.info)


def test_a_figure_becomes_a_file_of_the_chosen_size() -> None:
    figure = go.Figure(go.Scatter(y=[1, 2])).update_layout(title_text="word " * 40)
    svg = figure_and_table_download._write_figure_image(figure, "svg", 500, 300).decode()
    assert 'width="500" height="300"' in svg
    lines = re.findall(r"<tspan[^>]*>([^<]*)</tspan>", svg)
    assert " ".join(lines).split() == ["word"] * 40  # Whole, and as wide as the figure at most:
    # it is drawn 700 pixels wide and then reduced, and a character of a title takes 8 to 9.
    assert len(lines) >= 3 and max(map(len, lines)) * 9 <= 700 - 60
