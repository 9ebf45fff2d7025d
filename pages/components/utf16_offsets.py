"""Offsets in a text as JavaScript counts them."""

from __future__ import annotations


def count_utf16_units(text: str, offset: int) -> int:
    """Return the number of UTF-16 code units before a character.

    Examples
    --------
    >>> count_utf16_units("puts '🎵'; play 60", 15)
    16
    """
    return len(text[: max(offset, 0)].encode("utf-16-le", "surrogatepass")) // 2
