"""Tree of statements and blocks, which `CodeStyle` formats as code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, Union

CodeNode: TypeAlias = Union[str, "Block", "Conditional"]


@dataclass
class Block:
    """A statement with a block: `live_loop :a do … end`.

    Parameters
    ----------
    head : str
        Code before the block.
    body : list of CodeNode
        Statements of the block.
    block_parameters : str
        Names between the bars: "n, i".
    allows_braces : bool
        Whether Ruby accepts a body in braces after the head.
    """

    head: str
    body: list[CodeNode] = field(default_factory=list)
    block_parameters: str = ""
    allows_braces: bool = False


@dataclass
class Conditional:
    """A conditional statement: `if condition … else … end`.

    Parameters
    ----------
    condition : str
        Ruby expression.
    body, else_body : list of CodeNode
        Statements of the two branches; the second may be empty.
    keyword : {"if", "unless"}
        Keyword of the statement.
    """

    condition: str
    body: list[CodeNode]
    else_body: list[CodeNode] = field(default_factory=list)
    keyword: str = "if"


def count_statements(nodes: list[CodeNode]) -> int:
    """Return the number of statements, including those inside blocks."""
    count = 0
    for node in nodes:
        count += 1
        if isinstance(node, Block):
            count += count_statements(node.body)
        elif isinstance(node, Conditional):
            count += count_statements(node.body) + count_statements(node.else_body)
    return count
