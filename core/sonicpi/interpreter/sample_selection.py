"""Selection of a sample by the arguments of `sample`: names, filters and indices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from core.sonicpi.interpreter.string_methods import Pattern
from core.sonicpi.interpreter.values import Ring, Symbol, UnknownValue
from core.sonicpi.newer_sonic_pi_sounds import load_newer_sample_seconds
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory

UNKNOWN_SAMPLE = "unknown"
SAMPLE_FILE_EXTENSIONS = (".wav", ".wave", ".aif", ".aiff", ".flac", ".ogg", ".oga")


def select_sample(args: Sequence[Any], call_value: Callable[[Any, list[Any]], Any]) -> str | None:
    """Return the name of the sample that `sample` plays.

    Parameters
    ----------
    args : sequence
        Positional arguments: symbols are names, strings are parts of names, numbers are indices,
        patterns and lambdas select among the names that the arguments before them leave.
    call_value : callable
        Calls a lambda of the program with a list of arguments.

    Returns
    -------
    str or None
        Name of a sample of Sonic Pi, or path of a file of the program's author; "unknown" where
        an argument is unknown. None when no sample matches, so that nothing sounds.
    """
    if len(args) == 1 and type(args[0]) is Symbol and args[0] in _list_sample_names():
        return str(args[0])  # By far the most frequent case.
    filters = _flatten_sample_arguments(args)
    if not filters:
        return None
    if any(isinstance(value, UnknownValue) for value in filters):
        return UNKNOWN_SAMPLE
    if own_file := next((value for value in filters if is_path_of_user_sample(value)), None):
        return str(own_file)
    names: list[Any] = list(_list_sample_names())
    for value in filters:
        names = _filter_sample_names(names, value, call_value)
    if names and isinstance(names[0], UnknownValue):
        return UNKNOWN_SAMPLE
    if names:
        return str(names[0])
    # Later samples do not take part in filters: their names are given in full.
    return next((str(value) for value in filters if value in load_newer_sample_seconds()), None)


def is_path_of_user_sample(value: Any) -> bool:
    """Return whether a value is the path of a file or folder of the program's author."""
    if not isinstance(value, str) or isinstance(value, (Symbol, Pattern)):
        return False
    return "/" in value or "\\" in value or value.lower().endswith(SAMPLE_FILE_EXTENSIONS)


@cache
def _list_sample_names() -> dict[str, None]:
    """Return the names in the order of the inventory, as keys."""
    return dict.fromkeys(load_sonic_pi_inventory()["samples"])


def _flatten_sample_arguments(args: Sequence[Any]) -> list[Any]:
    filters: list[Any] = []
    for arg in args:
        filters += _flatten_sample_arguments(arg) if isinstance(arg, list) else [arg]
    return [value for value in filters if value is not None]


def _filter_sample_names(
    names: list[Any], value: Any, call_value: Callable[[Any, list[Any]], Any]
) -> list[Any]:
    if isinstance(value, Pattern):
        pattern = value.compile_ruby_regexp()
        return [UnknownValue()] if pattern is None else [n for n in names if pattern.search(n)]
    if isinstance(value, Symbol):
        return [name for name in names if name == value]
    if isinstance(value, str):
        return [name for name in names if value.lower() in name]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [names[int(value) % len(names)]] if names else []
    if isinstance(value, tuple):
        selected = call_value(value, [Ring(names)])
        return selected if isinstance(selected, list) else [selected]
    return names
