"""Tests of what is loaded as the server starts."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

from core.corpus import Corpus
from pages.components.server_start_preload import preload_data_of_home_and_map
from pages.map import cached_map_points_and_figure
from tests.unit.pages import page_steps


def test_the_first_map_is_drawn_from_what_was_loaded(
    full_workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    st.cache_resource.clear()
    preload_data_of_home_and_map()

    def fail(*_args: object, **_options: object) -> None:
        raise AssertionError("the map is plotted again")

    monkeypatch.setattr(cached_map_points_and_figure.map_plot, "build_map_figure", fail)
    monkeypatch.setattr(Corpus, "load_programs", fail)
    app = page_steps.open_alone("map")
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1


@pytest.mark.usefixtures("empty_workspace")
def test_an_empty_or_damaged_workspace_does_not_matter(empty_workspace: Path) -> None:
    preload_data_of_home_and_map()
    folder = empty_workspace / "corpora" / "damaged"
    folder.mkdir(parents=True)
    (folder / "corpus.sqlite").write_bytes(b"no database")
    preload_data_of_home_and_map()
