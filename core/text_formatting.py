"""Formats of numbers, durations, sizes, tables and JSON values, for the terminal and the pages."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def to_json_value(value: Any) -> Any:
    """Convert a value to the types of JSON.

    Parameters
    ----------
    value : object
        Mappings and sequences are converted recursively.

    Returns
    -------
    object
        Without NumPy and torch scalars. NaN and infinities are None, because JSON has no such
        numbers.

    Examples
    --------
    >>> to_json_value({"loss": float("nan"), "shape": (2, 3)})
    {'loss': None, 'shape': [2, 3]}
    """
    if isinstance(value, Mapping):
        return {str(key): to_json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json_value(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def format_duration_as_clock(seconds: float | None) -> str:
    """Return a duration as a clock shows it; "" if it is unknown.

    Examples
    --------
    >>> format_duration_as_clock(7), format_duration_as_clock(750), format_duration_as_clock(3723)
    ('0:07', '12:30', '1:02:03')
    """
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_duration(seconds: float | None) -> str:
    """Return an approximate duration in words; "" if it is unknown.

    Examples
    --------
    >>> format_duration(4), format_duration(23), format_duration(170), format_duration(9000)
    ('a few seconds', 'about 20 s', 'about 3 min', 'about 2.5 h')
    """
    if seconds is None:
        return ""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds / 10) * 10:.0f} s"
    if seconds < 5400:
        return f"about {round(seconds / 60):.0f} min"
    return f"about {seconds / 3600:.1f} h"


def format_duration_range(low_seconds: float, high_seconds: float) -> str:
    """Return a range of durations in words; one duration where both ends read the same.

    Examples
    --------
    >>> format_duration_range(50, 122), format_duration_range(4, 23), format_duration_range(61, 64)
    ('50 s to 2 min', 'up to 20 s', 'about 60 s')
    """
    low, high = format_duration(low_seconds), format_duration(high_seconds)
    if low == high:
        return high
    if low_seconds < 10:
        return f"up to {high.removeprefix('about ')}"
    low, high = low.removeprefix("about "), high.removeprefix("about ")
    unit = high.split()[-1]
    return f"{low.removesuffix(f' {unit}')} to {high}"


def format_bytes(byte_count: float) -> str:
    """Return a number of bytes in MB or GB.

    Examples
    --------
    >>> format_bytes(140e6), format_bytes(1.2e9), format_bytes(10)
    ('140 MB', '1.2 GB', '1 MB')
    """
    if byte_count >= 1e9:
        return f"{byte_count / 1e9:.1f} GB"
    return f"{max(1, round(byte_count / 1e6))} MB"


def pluralize(count: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> pluralize(1, "program"), pluralize(2160, "program")
    ('1 program', '2,160 programs')
    """
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def format_named_counts(counts: Mapping[str, int]) -> str:
    """Return numbers with their names, as "3 timeout, 2 runtime".

    Examples
    --------
    >>> format_named_counts({"timeout": 3, "runtime": 2})
    '3 timeout, 2 runtime'
    """
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def format_table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table with aligned columns for a terminal.

    Parameters
    ----------
    headers : sequence of str
    rows : iterable of sequence
        One value per column. Columns of numbers are aligned right; None and NaN are left empty.

    Examples
    --------
    >>> print(format_table(("name", "n"), [("a", 1), ("long name", 100)]))
    name         n
    a            1
    long name  100
    """
    rows = [list(row) for row in rows]
    cells = [list(headers), *([format_table_cell(value) for value in row] for row in rows)]
    widths = [max(map(_measure_display_width, column)) for column in zip(*cells)]
    is_numeric = [_is_numeric_column(column) for column in zip(*rows)] or [False] * len(headers)
    lines = []
    for row in cells:
        padded = []
        for cell, width, align_right in zip(row, widths, is_numeric):
            space = " " * (width - _measure_display_width(cell))
            padded.append(space + cell if align_right else cell + space)
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def format_markdown_table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    r"""Return a table in Markdown.

    Parameters
    ----------
    headers : sequence of str
    rows : iterable of sequence
        One value per column.

    Examples
    --------
    >>> print(format_markdown_table(("name", "n"), [("a|b", 1)]))
    | name | n |
    | --- | --- |
    | a\|b | 1 |
    """
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def format_table_cell(value: Any) -> str:
    r"""Return a value as one line of printable text, without control characters.

    Examples
    --------
    >>> format_table_cell(0.12345), format_table_cell(None), format_table_cell("two\nlines")
    ('0.123', '', 'two lines')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}"
    # A program's name or an error message must not move the cursor of the terminal.
    return "".join(char if char.isprintable() else " " for char in str(value))


def _is_numeric_column(column: Sequence[Any]) -> bool:
    values = [value for value in column if value is not None]
    return bool(values) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in values
    )


def _measure_display_width(text: str) -> int:
    """Return the number of terminal columns: East Asian characters take two, accents none."""
    wide_count = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    combining_count = sum(unicodedata.combining(char) > 0 for char in text)
    return len(text) + wide_count - combining_count


def format_p_value(p: float | None) -> str:
    """Return a permutation p for a table cell; "" where there is none.

    Examples
    --------
    >>> format_p_value(1 / 201)
    'p=0.005'
    """
    return "" if p is None or p != p else f"p={p:.3f}"
