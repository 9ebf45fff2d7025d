"""Positions of changes in a source, as editors mark them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.suggest.code_edit import Replacement


@dataclass(frozen=True)
class SourceRange:
    """Characters of a source, from a first one to before a last one.

    Attributes
    ----------
    start, end : int
        Characters from the beginning of the source, the last one exclusive.
    line, column : int
        Line from 1 and column from 0 of the first character.
    end_line, end_column : int
        The same of the character after the last one.
    """

    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int


def locate_source_range(source: str, start: int, end: int) -> SourceRange:
    r"""Return lines and columns of the characters from `start` to before `end`.

    Examples
    --------
    >>> locate_source_range("sleep 1\nplay 60", 13, 15)
    SourceRange(start=13, end=15, line=2, column=5, end_line=2, end_column=7)
    """
    return SourceRange(
        start, end, *_locate_character(source, start), *_locate_character(source, end)
    )


def _locate_character(source: str, offset: int) -> tuple[int, int]:
    return source.count("\n", 0, offset) + 1, offset - source.rfind("\n", 0, offset) - 1


def locate_replaced_ranges(
    source: str, replacements: Sequence[Replacement]
) -> tuple[SourceRange, ...]:
    """Return what an edit replaces in the source before it; an insertion is empty."""
    return tuple(
        locate_source_range(source, item.start, item.end)
        for item in _sort_replacements_by_position(replacements)
    )


def locate_inserted_ranges(
    changed_source: str, replacements: Sequence[Replacement]
) -> tuple[SourceRange, ...]:
    """Return what an edit inserted, in the source after it; a deletion is empty.

    Examples
    --------
    >>> [item.column for item in locate_inserted_ranges("play :e3", [Replacement(5, 7, ":e3")])]
    [5]
    """
    ranges, growth = [], 0
    for item in _sort_replacements_by_position(replacements):
        start = item.start + growth
        ranges.append(locate_source_range(changed_source, start, start + len(item.text)))
        growth += len(item.text) - (item.end - item.start)
    return tuple(ranges)


def _sort_replacements_by_position(replacements: Sequence[Replacement]) -> list[Replacement]:
    return sorted(replacements, key=lambda item: (item.start, item.end))
