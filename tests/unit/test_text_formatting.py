"""Formats of tables, durations, sizes, counts and JSON values."""

from __future__ import annotations

import numpy as np
import pytest

from core import text_formatting


def test_numbers_are_aligned_right_and_text_left() -> None:
    text = text_formatting.format_table(("name", "n"), [("a", 1), ("long name", 100), ("b", None)])
    assert text.splitlines() == ["name         n", "a            1", "long name  100", "b"]


def test_a_table_without_rows_has_only_headers() -> None:
    assert text_formatting.format_table(("a", "b"), []) == "a  b"


def test_wide_and_combining_characters_keep_columns_aligned() -> None:
    rows = [("音楽", "|"), ("e\u0301tude", "|"), ("abcdef", "|")]
    lines = text_formatting.format_table(("name", "x"), rows).splitlines()
    assert lines[1:] == ["音楽    |", "e\u0301tude   |", "abcdef  |"]


def test_a_cell_cannot_move_the_cursor() -> None:
    assert "\x1b" not in text_formatting.format_table(("name",), [("\x1b[2Jgone\r\nnew line",)])


def test_a_markdown_cell_cannot_end_its_column() -> None:
    table = text_formatting.format_markdown_table(("a", "b"), [("x|y", 1)])
    assert table.splitlines() == ["| a | b |", "| --- | --- |", "| x\\|y | 1 |"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (750, "12:30"), (3723, "1:02:03")],
)
def test_clock_times(seconds: float | None, text: str) -> None:
    assert text_formatting.format_duration_as_clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (9.9, "a few seconds"),
        (42, "about 40 s"),
        (100, "about 2 min"),
        (5400, "about 1.5 h"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert text_formatting.format_duration(seconds) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0, 5, "a few seconds"),
        (3, 24, "up to 20 s"),
        (24, 81, "20 to 80 s"),
        (50, 122, "50 s to 2 min"),
        (130, 310, "2 to 5 min"),
        (61, 64, "about 60 s"),
        (3000, 9000, "50 min to 2.5 h"),
    ],
)
def test_ranges_of_durations(low: float, high: float, text: str) -> None:
    assert text_formatting.format_duration_range(low, high) == text


def test_json_values_have_no_nan_and_no_numpy_scalars() -> None:
    value = {"a": np.float32(0.5), 1: (np.int64(3), float("inf")), "n": [float("nan"), True, None]}
    assert text_formatting.to_json_value(value) == {
        "a": 0.5,
        "1": [3, None],
        "n": [None, True, None],
    }
