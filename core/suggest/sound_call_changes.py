"""Changes of one call of `play`, `synth` or `sample` whose arguments are plain literals.

Such a change moves no time and draws no random number, so that the thread around it need not be
followed again: only the sounds of the call are made again, with the settings and at the times at
which the thread called it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from core.sonicpi.interpreter.builtins_registry import BuiltinCall
from core.sonicpi.interpreter.compiled_node_functions_and_step_limit import NodeEvaluation
from core.sonicpi.interpreter.literal_compilation import get_plain_literal, is_plain_literal
from core.sonicpi.interpreter.program_thread import ThreadSettings
from core.sonicpi.interpreter.syntax_tree_compiler import SyntaxTreeCompiler
from core.sonicpi.interpreter.syntax_tree_types import Node, Scope
from core.sonicpi.score_events import ScoreEvent
from core.sonicpi.sound_options_and_control_changes import SoundOptions

SOUND_FUNCTIONS = ("play", "play_chord", "synth", "sample")
PLAIN_CALL_LENGTH = 4  # of its node: without a block
STEPS_PER_OPTION = 2


class SoundCallExecution(NamedTuple):
    """One execution of a call in a thread.

    Attributes
    ----------
    first, last : int
        Its events in the thread: from `first` to before `last`.
    settings : ThreadSettings
    current_seconds, now_seconds : float
        Of the thread.
    """

    first: int
    last: int
    settings: ThreadSettings
    current_seconds: float
    now_seconds: float

    def has_unchanged_sounds(self, events: Sequence[ScoreEvent]) -> bool:
        """Return whether the program changed none of its sounds after they began."""
        return not any(
            isinstance(event.options, SoundOptions)
            and (event.options.changes or event.options.end_seconds < float("inf"))
            for event in events[self.first : self.last]
        )


# Executions by the identity of the call's node; None for one that raised an error.
SoundCallExecutions = dict[int, list[SoundCallExecution | None]]


class CountedLoadingTimes(dict[str, float]):
    """Loading times of samples, and how many calls asked for each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.request_counts: dict[str, int] = {}

    def get(self, name: str, default: Any = None) -> Any:
        """Return the loading time of a sample, and count the call that asks for it."""
        self.request_counts[name] = self.request_counts.get(name, 0) + 1
        return super().get(name, default)


class SoundCallRecordingCompiler(SyntaxTreeCompiler):
    """Compiler of programs whose interpreter records the executions of plain sound calls.

    They are added to `sound_call_executions` of the interpreter, unless that is None.
    """

    def compile_node(self, node: Node) -> NodeEvaluation:
        """Return the function of a node."""
        evaluate = super().compile_node(node)
        return _record_executions(node, evaluate) if is_plain_sound_call(node) else evaluate


def _record_executions(node: Any, evaluate: NodeEvaluation) -> NodeEvaluation:
    node_id = id(node)

    def evaluate_and_record(evaluator: Any, scope: Scope) -> Any:
        if evaluator.sound_call_executions is None:
            return evaluate(evaluator, scope)
        thread, first = evaluator.current_thread, len(evaluator.events)
        settings, seconds, now = thread.settings, thread.current_seconds, thread.now_seconds
        executions = evaluator.sound_call_executions.setdefault(node_id, [])
        executions.append(None)
        value = evaluate(evaluator, scope)
        executions[-1] = SoundCallExecution(first, len(evaluator.events), settings, seconds, now)
        return value

    return evaluate_and_record


def is_plain_sound_call(node: Any) -> bool:
    """Return whether a node is a call of a sound whose arguments are all plain literals."""
    if not isinstance(node, list) or len(node) != PLAIN_CALL_LENGTH or node[0] != "call":
        return False
    _, receiver, name, arguments = node
    if receiver is not None or name not in SOUND_FUNCTIONS or not arguments:
        return False
    positional, options = _split_arguments(arguments)
    return all(map(is_plain_literal, positional)) and all(
        is_plain_literal(key) and key[0] != "num" and is_plain_literal(value)
        for key, value in options
    )


def _split_arguments(arguments: list[Any]) -> tuple[list[Any], list[Any]]:
    if arguments[-1] and arguments[-1][0] == "hash":
        return arguments[:-1], arguments[-1][1:]
    return arguments, []


@dataclass(frozen=True, eq=False)
class SoundCallChange:
    """The one call in which a variant differs from its program.

    Attributes
    ----------
    old_call, new_call : list
        Nodes of the call in the program and in the variant.
    nodes_around_call : dict of int to tuple
        By the identity of each node of the variant that contains the call: that node, and the
        node of the program in its place.
    """

    old_call: list[Any]
    new_call: list[Any]
    nodes_around_call: dict[int, tuple[list[Any], list[Any]]]

    @property
    def function_name(self) -> str:
        """Name of the function that is called."""
        return str(self.new_call[2])

    @property
    def additional_steps(self) -> int:
        """Further steps of each execution, as the interpreter counts them."""
        return _count_argument_steps(self.new_call) - _count_argument_steps(self.old_call)

    @property
    def may_name_another_sample(self) -> bool:
        """Whether the call may play another sample."""
        old, new = make_builtin_call(self.old_call), make_builtin_call(self.new_call)
        return self.function_name == "sample" and (
            repr((old.args, old.options.get("path"))) != repr((new.args, new.options.get("path")))
        )


def _count_argument_steps(call: list[Any]) -> int:
    positional, options = _split_arguments(call[3])
    return len(positional) + STEPS_PER_OPTION * len(options)


def make_builtin_call(node: list[Any]) -> BuiltinCall:
    """Return the arguments of a plain sound call."""
    positional, options = _split_arguments(node[3])
    return BuiltinCall(
        list(map(get_plain_literal, positional)),
        {get_plain_literal(key): get_plain_literal(value) for key, value in options},
        None,
        {},
    )


def find_sound_call_change(old: Node, new: Node) -> SoundCallChange | None:
    """Return the one plain sound call in which two syntax trees differ.

    Parameters
    ----------
    old, new : Node
        Statements.

    Returns
    -------
    SoundCallChange or None
        None when they differ in anything else, or when the call is of another function.

    Examples
    --------
    >>> change = find_sound_call_change(
    ...     ["seq", ["call", None, "play", [["num", 60]]]],
    ...     ["seq", ["call", None, "play", [["num", 62]]]],
    ... )
    >>> change.old_call[3], change.new_call[3]
    ([['num', 60]], [['num', 62]])
    """
    try:
        return _find_change_of_one_call(old, new)
    except RecursionError:  # Their nodes are nested too deeply to be compared.
        return None


def _find_change_of_one_call(old: Any, new: Any) -> SoundCallChange | None:
    old_root, new_root = old, new
    nodes_around_call = {}
    while not (is_plain_sound_call(old) and is_plain_sound_call(new)):
        if not isinstance(old, list) or not isinstance(new, list) or len(old) != len(new):
            return None
        nodes_around_call[id(new)] = new, old
        different = [pair for pair in zip(old, new) if pair[0] != pair[1]]
        if len(different) != 1:
            return None
        ((old, new),) = different
    if old[2] != new[2] or not _do_trees_differ_in_call_alone(old_root, new_root, old, new):
        return None
    return SoundCallChange(old, new, nodes_around_call)


def _do_trees_differ_in_call_alone(
    old_root: list[Any], new_root: list[Any], old_call: list[Any], new_call: list[Any]
) -> bool:
    """Return whether trees are equal but for a call, where 1 and 1.0 are different, too."""
    old_text, new_text = repr(old_root), repr(new_root)
    old_part, new_part = repr(old_call), repr(new_call)
    position = old_text.find(old_part)
    while position >= 0:
        end = position + len(old_part)
        if f"{old_text[:position]}{new_part}{old_text[end:]}" == new_text:
            return True
        position = old_text.find(old_part, position + 1)
    return False
