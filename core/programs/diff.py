"""What two programs have in common and what only one of them has."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

# A string or comment is passed over whole, so that nothing in it counts.
_TRAIT_PATTERN = re.compile(
    r"""(?P<skip>\#.*|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)"""
    r"|(?:use_synth|with_synth|synth)[ (]+:(?P<synth>\w+)"
    r"|sample[ (]+:(?P<sample>\w+)"
    r"|with_fx[ (]+:(?P<fx>\w+)"
    r"|use_bpm[ (]+(?P<bpm>[\d.]+)"
    r"|(?P<option>[a-z]\w*):\s+(?P<value>-?[\d.]+\b|:\w+|[A-Za-z_]\w*\([^()\n]*\)|[A-Za-z_][\w.]*)"
)
TRAIT_KINDS = ("synth", "sample", "fx", "bpm")


def diff_sources(source: str, other_source: str, context_lines: int = 2) -> str:
    """The lines that lead from one program to another, as a unified diff without its header."""
    lines = difflib.unified_diff(source.splitlines(), other_source.splitlines(), lineterm="", n=context_lines)
    return "\n".join(list(lines)[2:])


def extract_code_traits(source: str) -> dict[str, str]:
    """Synths, samples, FX, tempo and option values that a program's text names.

    Returns
    -------
    dict of str to str
        "synth", "sample", "fx", "bpm" and each option's name, with the values in
        order of appearance and commas between.
    """
    found: dict[str, list[str]] = {}
    for match in _TRAIT_PATTERN.finditer(source):
        for kind in TRAIT_KINDS:
            if match[kind]:
                found.setdefault(kind, []).append(match[kind])
        if match["option"]:
            found.setdefault(match["option"], []).append(match["value"].lstrip(":"))
    return {name: ", ".join(dict.fromkeys(values)) for name, values in found.items()}


def diff_values(
    values: Mapping[str, Any], other_values: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """(name, mine, the other's) of what differs; "" where one has no such value."""
    names = dict.fromkeys([*values, *other_values])
    pairs = ((name, str(values.get(name, "")), str(other_values.get(name, ""))) for name in names)
    return [(name, a, b) for name, a, b in pairs if a != b]
