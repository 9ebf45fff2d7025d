"""Parameters of blocks and functions of interpreted programs."""

from __future__ import annotations

import re
from typing import Any

from core.sonicpi.interpreter.control_flow_signals import raise_program_error
from core.sonicpi.interpreter.syntax_tree_types import (
    BlockScope,
    Scope,
    declare_variable,
    may_tree_contain_text,
)
from core.sonicpi.interpreter.values import UnknownValue

NUMBERED_PARAMETER_TEXT = re.compile("'_[^']'")


def bind_arguments_to_parameters(
    evaluator: Any, parameters: list[Any], args: list[Any], scope: Scope
) -> None:
    """Assign arguments to the parameters of a block or function.

    Parameters
    ----------
    evaluator : SyntaxTreeEvaluator
    parameters : list of [name, default]
        A list of names destructures one argument, "*name" takes all remaining arguments,
        ":name" is an option, "**name" takes all other options and "&name" the block.
    args : list
        Arguments; the last one may be a dict of options.
    scope : Scope
        Receives the variables.
    """
    args = list(args)
    if len(parameters) > 1 and len(args) == 1 and isinstance(args[0], list):
        args = list(args[0])
    has_options = any(str(name).startswith((":", "**")) for name, _ in parameters)
    options = args.pop() if has_options and args and isinstance(args[-1], dict) else {}
    is_named = {str(name)[1:] for name, _ in parameters if str(name).startswith(":")}
    for name, default in parameters:
        if isinstance(name, list):
            elements = args.pop(0) if args else []
            elements = elements if isinstance(elements, list) else [elements]
            bind_arguments_to_parameters(
                evaluator, [[inner, None] for inner in name], elements, scope
            )
        elif name.startswith("**"):
            rest = {key: value for key, value in options.items() if key not in is_named}
            declare_variable(scope, name[2:], rest)
        elif name.startswith("*"):
            declare_variable(scope, name[1:], args)
            args = []
        elif name.startswith(":"):
            option = name[1:]
            is_set = option in options
            value = (
                options[option] if is_set else evaluator.evaluate_syntax_tree_node(default, scope)
            )
            declare_variable(scope, option, value)
        elif name.startswith("&"):
            declare_variable(scope, name[1:], scope["&"] if "&" in scope else None)
        else:
            value = args.pop(0) if args else evaluator.evaluate_syntax_tree_node(default, scope)
            declare_variable(scope, name, value)


def check_argument_count(parameters: list[Any], args: list[Any], options: dict[str, Any]) -> None:
    """Check the number of arguments of a function; unlike a block, it takes no other.

    Raises
    ------
    ProgramErrorSignal
        When there are too few or too many.
    """
    names = [name if isinstance(name, str) else "" for name, _ in parameters]
    if any(name.startswith("*") for name in names):
        return
    takes_options = any(name.startswith(":") for name in names)
    defaults = [
        default for (_, default), name in zip(parameters, names) if not name.startswith((":", "&"))
    ]
    count = len(args) + (bool(options) and not takes_options)
    least, most = sum(default is None for default in defaults), len(defaults)
    if least <= count <= most or any(isinstance(arg, UnknownValue) for arg in args[most:]):
        return
    expected = str(most) if least == most else f"{least} to {most}"
    raise_program_error(
        f"a function with {expected} parameters is called with {count} arguments",
        error_class="ArgumentError",
    )


def uses_numbered_parameters(node: Any) -> bool:
    """Return whether code may name `_1`, `_2`, …, which a block without parameters has."""
    if not may_tree_contain_text(node, NUMBERED_PARAMETER_TEXT):
        return False
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, str) and len(item) == 2 and item[0] == "_" and item[1].isdigit():
            return True
    return False


def declare_numbered_parameters(scope: BlockScope, args: list[Any]) -> None:
    """Set `_1`, `_2`, … of a block that names no parameters."""
    values = args[0] if len(args) == 1 and isinstance(args[0], list) else args
    declare_variable(scope, "_1", args[0])
    for index, value in enumerate(values[1:9], 2):
        declare_variable(scope, f"_{index}", value)
