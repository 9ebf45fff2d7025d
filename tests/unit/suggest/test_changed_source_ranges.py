"""Positions of changes."""

from __future__ import annotations

from core.suggest.changed_source_ranges import (
    locate_inserted_ranges,
    locate_replaced_ranges,
    locate_source_range,
)
from core.suggest.code_edit import Replacement, apply_source_replacements

SOURCE = "# é\nplay 60\nplay 62\n"


def test_a_range_over_lines_has_both_lines() -> None:
    start, end = SOURCE.index("60"), SOURCE.rindex("play")
    item = locate_source_range(SOURCE, start, end)
    assert (item.line, item.column, item.end_line, item.end_column) == (2, 5, 3, 0)
    assert SOURCE[item.start : item.end] == "60\n"


def test_ranges_of_several_replacements_are_those_of_both_sources() -> None:
    replacements = [
        Replacement(SOURCE.index("62"), SOURCE.index("62") + 2, "64"),
        Replacement(SOURCE.index("60"), SOURCE.index("60") + 2, "100"),
        Replacement(len(SOURCE), len(SOURCE), "sleep 1\n"),
    ]
    changed = apply_source_replacements(SOURCE, replacements)
    before = locate_replaced_ranges(SOURCE, replacements)
    after = locate_inserted_ranges(changed, replacements)
    assert [SOURCE[item.start : item.end] for item in before] == ["60", "62", ""]
    assert [changed[item.start : item.end] for item in after] == ["100", "64", "sleep 1\n"]
    assert [(item.line, item.column) for item in after] == [(2, 5), (3, 5), (4, 0)]
