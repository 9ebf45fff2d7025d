"""Code as a tree of statements, before anybody's habits lay it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

CodeNode = Union[str, "Block", "Conditional"]


@dataclass
class Block:
    """A statement with a block: `live_loop :a do … end`.

    Parameters
    ----------
    head : str
        All before the block.
    body : list of Node
    block_parameters : str
        Names between the bars: "n, i".
    allows_braces : bool
        Whether the head's parentheses allow a one-line body in braces.
    """

    head: str
    body: list[CodeNode] = field(default_factory=list)
    block_parameters: str = ""
    allows_braces: bool = False


@dataclass
class Conditional:
    """`if condition … else … end`, or `unless` where the word says so."""

    condition: str
    body: list[CodeNode]
    else_body: list[CodeNode] = field(default_factory=list)
    keyword: str = "if"


def count_statements(nodes: list[CodeNode]) -> int:
    """Return how many statements there are, those inside blocks included."""
    count = 0
    for node in nodes:
        count += 1
        if isinstance(node, Block):
            count += count_statements(node.body)
        elif isinstance(node, Conditional):
            count += count_statements(node.body) + count_statements(node.else_body)
    return count
