"""Syntax tree of a program with exact source positions, the basis of every edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from core.sonicpi.interpreter.ruby_parser_process import parse_source_positions

CALL_KINDS = ("FCALL", "VCALL", "CALL", "QCALL", "OPCALL")
LITERAL_KINDS = ("INTEGER", "FLOAT", "SYMBOL", "STR")


@dataclass(frozen=True, eq=False)
class SourceNode:
    """A node of the syntax tree.

    Attributes
    ----------
    kind : str
        As Ruby names it: "FCALL" is a call without a receiver, "CALL" one with, "OPCALL" an
        operator, "ITER" a call with its block. Literals are "INTEGER", "FLOAT", "SYMBOL", "STR".
    start, end : int
        Characters of the source: ``source[start:end]`` is the code of the node.
    children : tuple
        Nodes, names as str, the value of a literal, and None.
    """

    kind: str
    start: int
    end: int
    children: tuple[Any, ...]

    @property
    def child_nodes(self) -> list[SourceNode]:
        """Children that are nodes."""
        return [child for child in self.children if isinstance(child, SourceNode)]

    def iterate_descendants(self) -> Iterator[SourceNode]:
        """Yield the node and all nodes below it, in the order of the source."""
        yield self
        for child in self.child_nodes:
            yield from child.iterate_descendants()


@dataclass(frozen=True, eq=False)
class CallParts:
    """A call taken apart.

    Attributes
    ----------
    name : str
        Of the function, the method or the operator.
    receiver : SourceNode or None
    arguments : tuple of SourceNode
        Positional arguments.
    options : dict of str to SourceNode
        Values of the options with a literal name, by name.
    """

    name: str
    receiver: SourceNode | None
    arguments: tuple[SourceNode, ...]
    options: dict[str, SourceNode]


def parse_source_tree(source: str) -> SourceNode | None:
    """Parse a program; None when it is empty or does not parse.

    Raises
    ------
    EarshotError
        As `core.sonicpi.interpreter.parse_program`.

    Examples
    --------
    >>> tree = parse_source_tree("play 60, amp: 0.5")
    >>> [node.children for node in tree.iterate_descendants() if node.kind == "FLOAT"]
    [(0.5,)]
    """
    tree = parse_source_positions(source)
    if tree is None:
        return None
    to_character = _make_byte_to_character_offset_converter(source)
    return _build_source_node(tree, source, to_character)


def _make_byte_to_character_offset_converter(source: str) -> Callable[[int], int]:
    """Return the function from a byte of the UTF-8 source to its character."""
    if source.isascii():
        return lambda offset: offset
    source_bytes = source.encode("utf-8", "replace")
    return lambda offset: len(source_bytes[:offset].decode("utf-8", "ignore"))


def _build_source_node(
    node: list[Any], source: str, to_character: Callable[[int], int]
) -> SourceNode:
    kind, start, end = node[0], to_character(node[1]), to_character(node[2])
    if kind in ("INTEGER", "FLOAT"):
        start = _find_number_start_with_sign(source, start, node[3])
    children = tuple(
        _build_source_node(child, source, to_character) if isinstance(child, list) else child
        for child in node[3:]
    )
    return SourceNode(kind, start, end, children)


def _find_number_start_with_sign(source: str, start: int, value: float) -> int:
    """Return where a number starts: Ruby leaves the sign of a negative literal out."""
    if value >= 0 or source[start : start + 1] == "-":
        return start
    sign = source.rfind("-", 0, start)
    return sign if sign >= 0 and not source[sign + 1 : start].strip() else start


def split_call_into_parts(node: SourceNode) -> CallParts | None:
    """Return the parts of a call; None for a node that is not a call."""
    if node.kind == "ITER" and node.child_nodes:
        return split_call_into_parts(node.child_nodes[0])
    if node.kind not in CALL_KINDS:
        return None
    if node.kind in ("FCALL", "VCALL"):
        receiver, name, rest = None, node.children[0], node.children[1:]
    else:
        receiver, name, rest = node.children[0], node.children[1], node.children[2:]
    lists = [child for child in rest if isinstance(child, SourceNode) and child.kind == "LIST"]
    arguments = lists[0].child_nodes if lists else []
    options: dict[str, SourceNode] = {}
    if arguments and arguments[-1].kind == "HASH":
        options = map_hash_literal_values(arguments.pop())
    return CallParts(str(name), receiver, tuple(arguments), options)


def map_hash_literal_values(node: SourceNode) -> dict[str, SourceNode]:
    """Return the values of a hash literal by the names that are literals."""
    members = node.child_nodes[0].children if node.child_nodes else ()
    return {
        str(key.children[0]): value
        for key, value in zip(members[::2], members[1::2])
        if isinstance(key, SourceNode) and key.kind in ("SYMBOL", "STR") and value is not None
    }


def get_block_body(node: SourceNode) -> SourceNode | None:
    """Return the body of a call's block, or None for an empty body or another node."""
    if node.kind != "ITER" or len(node.child_nodes) < 2:
        return None
    scope = node.child_nodes[-1]
    bodies = [child for child in scope.child_nodes if child.kind != "ARGS"]
    return bodies[-1] if bodies and bodies[-1].kind != "BEGIN" else None


def has_block_parameters(node: SourceNode) -> bool:
    """Return whether a call's block takes parameters."""
    scope = node.child_nodes[-1]
    return any(child.kind == "ARGS" for child in scope.child_nodes)


def list_statement_nodes(body: SourceNode | None) -> list[SourceNode]:
    """Return the statements of a program or of a block's body."""
    if body is None:
        return []
    if body.kind == "SCOPE":
        bodies = [child for child in body.child_nodes if child.kind != "ARGS"]
        return list_statement_nodes(bodies[-1] if bodies else None)
    if body.kind == "BLOCK":
        return [child for child in body.child_nodes if child.kind != "BEGIN" or child.child_nodes]
    return [] if body.kind == "BEGIN" and not body.child_nodes else [body]
