"""What two programs have in common and what only one of them has."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

# A string or comment is passed over whole, so that nothing in it counts.
_WORDS = re.compile(
    r"""(?P<skip>\#.*|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)"""
    r"|(?:use_synth|with_synth|synth)[ (]+:(?P<synth>\w+)"
    r"|sample[ (]+:(?P<sample>\w+)"
    r"|with_fx[ (]+:(?P<fx>\w+)"
    r"|use_bpm[ (]+(?P<bpm>[\d.]+)"
    r"|(?P<option>[a-z]\w*):\s+(?P<value>-?[\d.]+\b|:\w+|[A-Za-z_]\w*\([^()\n]*\)|[A-Za-z_][\w.]*)"
)
KINDS = ("synth", "sample", "fx", "bpm")


def code_difference(mine: str, other: str, context: int = 2) -> str:
    """The lines that lead from one program to another, as a unified diff without its header."""
    lines = difflib.unified_diff(mine.splitlines(), other.splitlines(), lineterm="", n=context)
    return "\n".join(list(lines)[2:])


def traits(source: str) -> dict[str, str]:
    """Synths, samples, FX, tempo and option values that a program's text names.

    Returns
    -------
    dict of str to str
        "synth", "sample", "fx", "bpm" and each option's name, with the values in
        order of appearance and commas between.
    """
    found: dict[str, list[str]] = {}
    for match in _WORDS.finditer(source):
        for kind in KINDS:
            if match[kind]:
                found.setdefault(kind, []).append(match[kind])
        if match["option"]:
            found.setdefault(match["option"], []).append(match["value"].lstrip(":"))
    return {name: ", ".join(dict.fromkeys(values)) for name, values in found.items()}


def value_differences(
    mine: Mapping[str, Any], other: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """(name, mine, the other's) of what differs; "" where one has no such value."""
    names = dict.fromkeys([*mine, *other])
    pairs = ((name, str(mine.get(name, "")), str(other.get(name, ""))) for name in names)
    return [(name, a, b) for name, a, b in pairs if a != b]
