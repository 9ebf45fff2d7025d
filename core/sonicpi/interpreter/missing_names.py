"""Names that a program uses and that neither it, nor Ruby, nor any Sonic Pi defines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from core.sonicpi.interpreter.control_flow_signals import raise_program_error
from core.sonicpi.interpreter.program_classes_and_objects import ProgramClass
from core.sonicpi.interpreter.values import Symbol, UnknownValue
from core.sonicpi.newer_sonic_pi_sounds import load_newer_sample_seconds, load_newer_synth_options
from core.sonicpi.sonic_pi_inventory import INTERNAL_SYNTH_WORDS, load_sonic_pi_inventory

METHOD_NAMES_PATH = Path(__file__).with_name("ruby_method_names.json")
OUTSIDE_CODE = "code outside the program"
"""Kind of unfollowed code that may define functions and methods."""
MAX_SUGGESTIONS = 2
ANY_ARGUMENT_COUNT = (0, inf)
LATER_ARGUMENT_COUNTS: dict[str, tuple[int, float]] = {"use_bpm": (1, 3), "with_bpm": (1, 3)}
"""Where later versions take more than 3.2.2: a clock, its port, and options."""
MAX_VALUE_CHARS = 40
MIN_SUGGESTION_SIMILARITY = 0.7
REPLACEMENT_FX_PREFIX = "replace_"
# Classes of Ruby that a program can extend by methods of its own.
EXTENSIBLE_CLASSES = frozenset(
    f"::{name}"
    for name in "Object Kernel BasicObject Comparable Enumerable Integer Float Numeric String"
    " Symbol Array Range Hash NilClass TrueClass FalseClass".split()
)


@cache
def load_method_names() -> dict[str, frozenset[str]]:
    """Return the names of methods by kind of value, and the "functions" of any program.

    The file is the output of ``ruby ruby_method_names.rb FOLDER``, where the folder is the library
    of Sonic Pi 3.2.2.
    """
    names = {kind: frozenset(text.split()) for kind, text in _load_stored_names()["names"].items()}
    common = names.pop("any")
    return {kind: kind_names | common for kind, kind_names in names.items()}


@cache
def _load_stored_names() -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(METHOD_NAMES_PATH.read_text(encoding="utf-8"))
    return stored


@cache
def load_argument_counts() -> dict[str, tuple[int, float]]:
    """Return the least and the largest number of arguments by function of Sonic Pi."""
    counts = _load_stored_names()["argument_counts"]
    bounds = {
        name: (least, inf if most is None else most) for name, (least, most) in counts.items()
    }
    return {**bounds, **LATER_ARGUMENT_COUNTS}


def describe_suggestions(name: str, names: Iterable[str], prefix: str = "") -> str:
    """Return " (did you mean X or Y?)" for names that are similar; "" without any."""
    similar = get_close_matches(name, list(names), MAX_SUGGESTIONS, MIN_SUGGESTION_SIMILARITY)
    if not similar:
        return ""
    return f" (did you mean {' or '.join(prefix + suggestion for suggestion in similar)}?)"


def may_have_outside_definitions(evaluator: Any) -> bool:
    """Return whether code that is not in the program may define functions and methods."""
    return OUTSIDE_CODE in evaluator.unfollowed_code


# -- methods and functions ------------------------------------------------------------------------


def _get_kind_of_value(value: Any) -> str:
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "hash" if isinstance(value, dict) else ""


def is_method_defined(evaluator: Any, receiver: Any, name: str) -> bool:
    """Return whether a value may have a method; True where that is not certain."""
    kind = "" if isinstance(receiver, UnknownValue) else _get_kind_of_value(receiver)
    if not kind or name in load_method_names()[kind] or may_have_outside_definitions(evaluator):
        return True
    return any(
        isinstance(value, ProgramClass) and class_name in EXTENSIBLE_CLASSES
        for class_name, value in evaluator.constants.items()
    )


def is_constant_defined(name: str) -> bool:
    """Return whether Ruby or Sonic Pi has a class, module or constant."""
    return name in load_method_names()["constants"]


def get_method_names_of_value(value: Any) -> frozenset[str]:
    """Return the names of the methods that a value has; none for a value that is not followed."""
    return load_method_names().get(_get_kind_of_value(value), frozenset())


def raise_for_missing_method(receiver: Any, name: str) -> None:
    """Raise the error of a method that a value does not have."""
    kind = _get_kind_of_value(receiver)
    owner = "nil" if receiver is None else f"a {kind}"
    raise_program_error(
        f"{owner} has no method {name}{describe_suggestions(name, load_method_names()[kind])}",
        error_class="NoMethodError",
    )


def is_function_defined(evaluator: Any, name: str) -> bool:
    """Return whether some Sonic Pi has a function, or code that is not followed may define it."""
    return name in load_method_names()["functions"] or may_have_outside_definitions(evaluator)


def raise_for_wrong_argument_count(name: str, args: list[Any], options: dict[str, Any]) -> None:
    """Raise the error of too few or too many arguments of a function of Sonic Pi.

    Options are one argument. Nothing is raised where an argument is unknown: it may be several.
    """
    if any(isinstance(arg, UnknownValue) for arg in args):
        return
    least, most = load_argument_counts()[name]
    count = len(args) + bool(options)
    expected = f"at least {least}" if count < least else f"at most {most}"
    raise_program_error(
        f"{name} takes {expected} arguments, not {count}", error_class="ArgumentError"
    )


def describe_missing_function(evaluator: Any, name: str) -> str:
    """Return the message for a name that nothing defines."""
    names = {*evaluator.functions, *evaluator.builtins}
    return f"{name} is not defined{describe_suggestions(name, names)}"


# -- sounds ---------------------------------------------------------------------------------------


@cache
def is_synth_known(name: str) -> bool:
    """Return whether any Sonic Pi has a synth."""
    is_internal = name == "unknown" or any(word in name for word in INTERNAL_SYNTH_WORDS)
    return is_internal or name in _list_synth_names()


@cache
def is_fx_known(name: str) -> bool:
    """Return whether any Sonic Pi has an FX."""
    names = {"none", "unknown", *load_sonic_pi_inventory()["fx"]}
    return name.removeprefix(REPLACEMENT_FX_PREFIX) in names


@cache
def _list_synth_names() -> frozenset[str]:
    return frozenset(load_sonic_pi_inventory()["synths"]) | frozenset(load_newer_synth_options())


def raise_for_unknown_synth(name: str) -> None:
    """Raise the error of a synth that does not exist."""
    suggestions = describe_suggestions(name, sorted(_list_synth_names()), ":")
    raise_program_error(f"there is no synth :{name}{suggestions}")


def raise_for_unknown_fx(name: str) -> None:
    """Raise the error of an FX that does not exist."""
    suggestions = describe_suggestions(name, load_sonic_pi_inventory()["fx"], ":")
    raise_program_error(f"there is no FX :{name}{suggestions}")


def describe_missing_sample(args: list[Any]) -> str:
    """Return the message for arguments of `sample` that no sample has."""
    names = [*load_sonic_pi_inventory()["samples"], *load_newer_sample_seconds()]
    text = ", ".join(format_ruby_value(arg) for arg in args)
    suggestions = describe_suggestions(str(args[0]), names, ":") if len(args) == 1 else ""
    return f"there is no sample {text}{suggestions}"


def format_ruby_value(value: Any) -> str:
    """Return a value as Ruby code, shortened."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Symbol):
        text = f":{value}"
    elif isinstance(value, str):
        text = f'"{value}"'
    elif isinstance(value, float) and value.is_integer():
        text = str(int(value))
    else:
        text = str(value)
    return text if len(text) <= MAX_VALUE_CHARS else text[: MAX_VALUE_CHARS - 1] + "…"
