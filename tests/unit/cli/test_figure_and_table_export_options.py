"""Tests of the selection of the figures or tables that a command writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli.figure_and_table_export_options import print_exported_paths, select_items_to_export
from core.errors import EarshotError

TABLES = {"metrics": 1, "sweep": 2}


def test_all_items_are_selected_without_names() -> None:
    assert select_items_to_export(TABLES, None, "table", "beats") == TABLES


def test_named_items_are_selected_in_the_order_of_the_names() -> None:
    selected = select_items_to_export(TABLES, ["sweep", "metrics"], "table", "beats")
    assert list(selected.items()) == [("sweep", 2), ("metrics", 1)]


def test_an_unknown_name_is_an_error_that_lists_the_known_names() -> None:
    with pytest.raises(EarshotError, match="no table 'maps'") as error_info:
        select_items_to_export(TABLES, ["maps", "sweep"], "table", "beats")
    assert error_info.value.remedy == "It has: metrics, sweep."


def test_a_corpus_without_items_is_an_error_that_names_the_next_command() -> None:
    with pytest.raises(EarshotError, match="no figures yet") as error_info:
        select_items_to_export({}, None, "figure", "beats")
    assert error_info.value.remedy == "Train an alignment: ./run train beats"


def test_paths_are_printed_as_text_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("out/map.svg")
    print_exported_paths([path], "figure", as_json=False)
    print_exported_paths([path], "figure", as_json=True)
    text, line = capsys.readouterr().out.splitlines()
    assert text == "out/map.svg"
    assert json.loads(line) == {"figure": "map", "path": "out/map.svg"}
