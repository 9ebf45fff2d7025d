"""Edits of a program: replacements of parts of its source, with the change in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.suggest.program_literals_calls_and_blocks import Literal, ProgramOutline
from core.suggest.syntax_tree_with_source_positions import SourceNode

EDIT_KINDS = (
    "note",
    "rhythm",
    "synth",
    "sample",
    "fx",
    "envelope",
    "option",
    "tempo",
    "random",
    "layer",
)
"""What an edit can change, as ``--only`` names it."""


@dataclass(frozen=True)
class Replacement:
    """New code for the characters from `start` to `end` of a source."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class CodeEdit:
    """One change of a program.

    Attributes
    ----------
    kind : str
        One of `EDIT_KINDS`.
    words : str
        What changes: "cutoff 100 → 70 in live_loop :bass".
    replacements : tuple of Replacement
        In order, without overlap.
    site : str
        What is changed, whatever the new value: edits of one site compete for a place among the
        candidates.
    first_line, last_line : int
        Lines whose sound changes, from 1.
    """

    kind: str
    words: str
    replacements: tuple[Replacement, ...]
    site: str
    first_line: int
    last_line: int


def apply_source_replacements(source: str, replacements: Iterable[Replacement]) -> str:
    """Return a source with parts replaced; everything else stays byte for byte.

    Examples
    --------
    >>> apply_source_replacements("play 60 # hi", [Replacement(5, 7, "64")])
    'play 64 # hi'
    """
    parts, position = [], 0
    for replacement in sorted(replacements, key=lambda item: (item.start, item.end)):
        parts += [source[position : replacement.start], replacement.text]
        position = replacement.end
    return "".join([*parts, source[position:]])


def do_edits_overlap(first: Iterable[Replacement], second: Sequence[Replacement]) -> bool:
    """Return whether two edits touch the same characters, or insert at the same place."""
    return any(a.start <= b.end and b.start <= a.end for a in first for b in second)


def replace_literal_value(kind: str, literal: Literal, new_text: str, noun: str = "") -> CodeEdit:
    """Return the edit that gives a literal a new value.

    Parameters
    ----------
    kind : str
        One of `EDIT_KINDS`.
    literal : Literal
    new_text : str
        Ruby code.
    noun : str
        What the literal is; by default the option or the role.
    """
    noun = noun or literal.option or literal.role
    return CodeEdit(
        kind,
        describe_value_change(noun, literal.text, new_text, literal.layer),
        (Replacement(literal.start, literal.end, new_text),),
        f"literal {literal.start}",
        literal.line,
        literal.line,
    )


def describe_value_change(noun: str, before: str, after: str, layer: str) -> str:
    """Return a change in words.

    Examples
    --------
    >>> describe_value_change("cutoff", "100", "70", "live_loop :bass")
    'cutoff 100 → 70 in live_loop :bass'
    """
    return f"{noun} {before} → {after}{format_in_layer_suffix(layer)}"


def format_in_layer_suffix(layer: str) -> str:
    """Return where a change is: " in live_loop :bass", or "" at the top of a program."""
    return f" in {layer}" if layer else ""


def get_indentation_before_offset(source: str, offset: int) -> str | None:
    """Return the white space before a character; None when code stands before it on its line."""
    margin = source[source.rfind("\n", 0, offset) + 1 : offset]
    return margin if not margin.strip() else None


def is_node_alone_on_line(outline: ProgramOutline, node: SourceNode) -> bool:
    """Return whether a node is one whole line, apart from a comment after it."""
    source = outline.source
    end = source.find("\n", node.end)
    rest = source[node.end : end if end >= 0 else len(source)].strip()
    has_line_start = get_indentation_before_offset(source, node.start) is not None
    return (
        has_line_start
        and "\n" not in outline.get_source_of_node(node)
        and (not rest or rest[0] == "#")
    )


def format_number_like_literal(value: float, literal_text: str) -> str:
    """Return a number as Ruby code: whole where the number that it replaces is whole and large.

    Examples
    --------
    >>> examples = ((70.2, "100"), (0.25, "1"), (2.0, "1.0"))
    >>> [format_number_like_literal(value, text) for value, text in examples]
    ['70', '0.25', '2.0']
    """
    if "." not in literal_text and abs(value) >= 10:
        return str(round(value))
    rounded = round(value, 3)
    if rounded == int(rounded):
        return f"{int(rounded)}.0" if "." in literal_text else str(int(rounded))
    return f"{rounded:g}"
