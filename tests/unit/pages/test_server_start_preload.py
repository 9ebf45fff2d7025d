"""Tests of what is loaded as the server starts."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
import streamlit as st

from core.corpus import Corpus
from pages.components.server_start_preload import (
    FIRST_PAGE_MODULES,
    THREAD_SWITCH_INTERVAL_S,
    preload_data_of_home_and_map,
    preload_when_server_starts,
)
from pages.map import cached_map_points_and_figure
from tests.unit.pages import page_steps


def test_the_first_map_is_drawn_from_what_was_loaded(
    full_workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    st.cache_resource.clear()
    preload_data_of_home_and_map()

    def fail(*_args: object, **_options: object) -> None:
        raise AssertionError("the map is plotted again, or with what it does not show")

    monkeypatch.setattr(cached_map_points_and_figure.map_plot, "build_map_figure", fail)
    monkeypatch.setattr(Corpus, "load_programs", fail)
    monkeypatch.setattr(
        cached_map_points_and_figure.code_named_and_measured_sound_properties,
        "build_sound_property_table",
        fail,
    )
    app = page_steps.open_alone("map")
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1


@pytest.mark.usefixtures("empty_workspace")
def test_the_server_imports_pages_before_it_responds() -> None:
    interval_s = sys.getswitchinterval()

    async def start() -> None:
        async with preload_when_server_starts(None):
            assert set(FIRST_PAGE_MODULES) <= set(sys.modules)
            # Visitors get the interpreter soon while the thread loads.
            assert sys.getswitchinterval() == pytest.approx(THREAD_SWITCH_INTERVAL_S)

    try:
        asyncio.run(start())
    finally:
        sys.setswitchinterval(interval_s)


@pytest.mark.usefixtures("empty_workspace")
def test_an_empty_or_damaged_workspace_does_not_matter(empty_workspace: Path) -> None:
    preload_data_of_home_and_map()
    folder = empty_workspace / "corpora" / "damaged"
    folder.mkdir(parents=True)
    (folder / "corpus.sqlite").write_bytes(b"no database")
    preload_data_of_home_and_map()
