"""Code as a tree of statements, before anybody's habits lay it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

Node = Union[str, "Block", "If"]


@dataclass
class Block:
    """A statement with a block: `live_loop :a do … end`.

    Parameters
    ----------
    head : str
        All before the block.
    body : list of Node
    params : str
        Names between the bars: "n, i".
    braces : bool
        Whether the head's parentheses allow a one-line body in braces.
    """

    head: str
    body: list[Node] = field(default_factory=list)
    params: str = ""
    braces: bool = False


@dataclass
class If:
    """`if condition … else … end`, or `unless` where the word says so."""

    condition: str
    body: list[Node]
    other: list[Node] = field(default_factory=list)
    word: str = "if"


def statements(nodes: list[Node]) -> int:
    """Return how many statements there are, those inside blocks included."""
    count = 0
    for node in nodes:
        count += 1
        if isinstance(node, Block):
            count += statements(node.body)
        elif isinstance(node, If):
            count += statements(node.body) + statements(node.other)
    return count
