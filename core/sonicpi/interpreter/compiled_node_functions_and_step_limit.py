"""What syntax trees are compiled to: one function per node, and the count of evaluated nodes.

A node is compiled once and evaluated many times, because programs loop. The compiled function
decides nothing that the tree decides already, such as the kind of a node or of an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from core.sonicpi.interpreter.control_flow_signals import ThreadEndSignal
from core.sonicpi.interpreter.syntax_tree_types import Node, Scope

# A compiled node: returns its value. The first parameter is the SyntaxTreeEvaluator. Its type is
# Any here, because the evaluator's module imports this one.
NodeEvaluation = Callable[[Any, Scope], Any]

# Compiled arguments of a call: return positional arguments, options by name, and the value that is
# passed as block.
ArgumentsEvaluation = Callable[[Any, Scope], tuple[list[Any], dict[str, Any], Any]]


class NodeCompiler(Protocol):
    """What the functions that compile one kind of node need of `SyntaxTreeCompiler`."""

    def compile_node(self, node: Node) -> NodeEvaluation:
        """Return the function of a node, which is not stored."""

    def get_evaluation_of_node(self, node: Node) -> NodeEvaluation:
        """Return the function of a node, which is compiled once."""

    def compile_call_arguments(self, nodes: list[Any]) -> ArgumentsEvaluation:
        """Return the function of the arguments of a call."""


def end_thread_at_step_limit(evaluator: Any, step_count: int) -> NoReturn:
    """End the running thread: the last steps that were subtracted were too many.

    Only those steps count that were left, or one where none was left.

    Raises
    ------
    ThreadEndSignal
    """
    steps_left_before = evaluator.steps_left + step_count
    evaluator.steps_left = 0 if steps_left_before > 0 else steps_left_before - 1
    raise ThreadEndSignal


def evaluate_empty_node(_evaluator: Any, _scope: Scope) -> None:
    """Return nil, the value of an empty node, which is no step."""


def make_constant_evaluation(value: Any) -> NodeEvaluation:
    """Return the function of a node whose value the tree holds."""

    def evaluate_constant(evaluator: Any, _scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        return value

    return evaluate_constant
