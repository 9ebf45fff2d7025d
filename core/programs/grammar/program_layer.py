"""Layers of grammar programs: the body of a loop, and the loop with its sounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from core.programs.grammar.statement_tree_nodes import CodeNode


class LoopBody(NamedTuple):
    """The statements of one iteration of a loop, and their shortest duration in beats."""

    nodes: list[CodeNode]
    min_beats: float


@dataclass
class ProgramLayer:
    """One musical layer of a program.

    Parameters
    ----------
    kind : str
        A key of `styles.LAYER_ROLES`.
    loop_name : str
        Name for the loop of the layer.
    body : list of CodeNode
        Statements of one iteration.
    min_beats : float
        Shortest duration of one iteration, in beats.
    sound_names : list of str
        Synths and samples of the layer, the leading one first.
    """

    kind: str
    loop_name: str
    body: list[CodeNode]
    min_beats: float
    sound_names: list[str]
