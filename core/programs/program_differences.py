"""Differences between two programs: source lines, code traits and parameter values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

# Strings and comments match as a whole, so that nothing inside them counts as a trait.
_TRAIT_PATTERN = re.compile(
    r"""(?P<skip>\#.*|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)"""
    r"|(?:use_synth|with_synth|synth)[ (]+:(?P<synth>\w+)"
    r"|sample[ (]+:(?P<sample>\w+)"
    r"|with_fx[ (]+:(?P<fx>\w+)"
    r"|use_bpm[ (]+(?P<bpm>[\d.]+)"
    r"|(?P<option>[a-z]\w*):\s+(?P<value>-?[\d.]+\b|:\w+|[A-Za-z_]\w*\([^()\n]*\)|[A-Za-z_][\w.]*)"
)
TRAIT_KINDS = ("synth", "sample", "fx", "bpm")


def diff_program_sources(source: str, other_source: str, context_lines: int = 2) -> str:
    """Return the unified diff from one source to another, without its file header.

    Parameters
    ----------
    source, other_source : str
        The old and the new source.
    context_lines : int
        Number of unchanged lines around each change.

    Returns
    -------
    str
        Lines that start with "@@", " ", "-" or "+"; empty if the sources are equal.
    """
    lines = difflib.unified_diff(
        source.splitlines(), other_source.splitlines(), lineterm="", n=context_lines
    )
    return "\n".join(list(lines)[2:])


def extract_code_traits(source: str) -> dict[str, str]:
    """Return the synths, samples, FX, tempo and option values that a source names.

    Parameters
    ----------
    source : str
        Sonic Pi code, complete or not.

    Returns
    -------
    dict of str to str
        Distinct values in order of appearance, joined by ", ", by "synth", "sample", "fx", "bpm"
        and the name of each option.
    """
    values_by_trait: dict[str, list[str]] = {}
    for match in _TRAIT_PATTERN.finditer(source):
        for kind in TRAIT_KINDS:
            if match[kind]:
                values_by_trait.setdefault(kind, []).append(match[kind])
        if match["option"]:
            values_by_trait.setdefault(match["option"], []).append(match["value"].lstrip(":"))
    return {name: ", ".join(dict.fromkeys(values)) for name, values in values_by_trait.items()}


def diff_parameter_values(
    values: Mapping[str, Any], other_values: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """Return the values that differ between two mappings.

    Parameters
    ----------
    values, other_values : mapping of str to object
        For example the parameters of two programs.

    Returns
    -------
    list of (str, str, str)
        Name, first value and second value as text; "" if a mapping lacks the name.
    """
    names = dict.fromkeys([*values, *other_values])
    rows = ((name, str(values.get(name, "")), str(other_values.get(name, ""))) for name in names)
    return [(name, first, second) for name, first, second in rows if first != second]
