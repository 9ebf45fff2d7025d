"""Built-in functions of Sonic Pi for random numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from core.sonicpi.interpreter.builtins_registry import (
    BUILTINS,
    Builtin,
    BuiltinCall,
    register_builtin_function,
)
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.random_stream import RandomStream
from core.sonicpi.interpreter.random_tables import RANDOM_SOURCES
from core.sonicpi.interpreter.ranges_and_enumerators import Range
from core.sonicpi.interpreter.syntax_tree_types import Block, Scope
from core.sonicpi.interpreter.values import (
    UNKNOWN,
    Symbol,
    UnknownValue,
    to_midi_note,
    to_number_or_default,
)

# -- numbers -----------------------------------------------------------------------------------


def _get_random_stream(interpreter: ProgramInterpreter) -> RandomStream:
    return interpreter.current_thread.random


def _parse_random_bound(value: Any) -> float | None:
    """Return a bound of a random number; None for an unknown one. Integers stay integers."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return value
    note = to_midi_note(value) if isinstance(value, str) else None
    return None if note is None else int(note)


def _parse_random_bounds(values: list[Any]) -> tuple[float, float] | None:
    low, high = _parse_random_bound(values[0]), _parse_random_bound(values[1])
    return None if low is None or high is None else (low, high)


def _draw_number_between_bounds(
    stream: RandomStream, bounds: list[Any], options: dict[str, Any]
) -> Any:
    """Return a number between two bounds, rounded to the option `step:`.

    Equal bounds need no draw.
    """
    known_bounds = _parse_random_bounds(bounds)
    if known_bounds is None:
        stream.draw_random_number()
        return UNKNOWN
    low, high = known_bounds
    number = low if low == high else min(low, high) + abs(high - low) * stream.draw_random_number()
    step = to_number_or_default(options.get("step", 0))
    return math.floor(number / step + 0.5) * step if step > 0 else number


def _draw_integer_between_bounds(stream: RandomStream, bounds: list[Any]) -> Any:
    """Return a whole number of steps from the lower bound, both bounds included."""
    known_bounds = _parse_random_bounds(bounds)
    if known_bounds is None:
        stream.draw_random_number()
        return UNKNOWN
    low, high = known_bounds
    if low == high:
        return low
    return min(low, high) + stream.draw_random_integer(int(abs(high - low)) + 1)


@register_builtin_function("rrand")
def _draw_random_float_between(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    bounds = [*call.args, UNKNOWN, UNKNOWN][:2]
    return _draw_number_between_bounds(_get_random_stream(interpreter), bounds, call.options)


@register_builtin_function("rrand_i")
def _draw_random_integer_from_arguments(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    bounds = [*call.args, UNKNOWN, UNKNOWN][:2]
    return _draw_integer_between_bounds(_get_random_stream(interpreter), bounds)


@register_builtin_function("rdist")
def _draw_random_float_around_centre(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    width_and_centre = _parse_random_bounds([*call.args, 0, 0][:2])
    bounds: list[Any] = [UNKNOWN, UNKNOWN]
    if width_and_centre is not None:
        width, centre = width_and_centre
        bounds = [centre - width, centre + width]
    return _draw_number_between_bounds(_get_random_stream(interpreter), bounds, call.options)


@register_builtin_function("rand")
def _draw_random_float_below(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    stream, limit = _get_random_stream(interpreter), call.args[0] if call.args else 1
    if isinstance(limit, Range):
        return _draw_number_between_bounds(stream, _get_range_bounds(limit), {})
    if limit == 0:
        return 0.0
    number, known_limit = stream.draw_random_number(), _parse_random_bound(limit)
    return UNKNOWN if known_limit is None else number * known_limit


@register_builtin_function("rand_i")
def _draw_random_integer_below(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    stream, limit = _get_random_stream(interpreter), call.args[0] if call.args else 2
    if isinstance(limit, Range):
        return _draw_integer_between_bounds(stream, _get_range_bounds(limit))
    if limit == 0:
        return 0
    number, known_limit = stream.draw_random_number(), _parse_random_bound(limit)
    return UNKNOWN if known_limit is None else int(number * known_limit)


def _get_range_bounds(numbers: Range) -> list[Any]:
    """Return the smallest and the largest number of a range; unknown for an empty one."""
    if not numbers:
        return [UNKNOWN, UNKNOWN]
    return [numbers.first, numbers[-1] if numbers.is_exclusive else numbers.last]


@register_builtin_function("dice")
def _roll_dice(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    side_count = call.args[0] if call.args else 6
    return _draw_integer_between_bounds(_get_random_stream(interpreter), [1, side_count])


@register_builtin_function("one_in")
def _draw_true_with_probability_one_in(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    count = call.args[0] if call.args else 1
    if isinstance(count, UnknownValue):
        _get_random_stream(interpreter).draw_random_number()
        return UNKNOWN
    side_count = int(to_number_or_default(count))
    if side_count < 1:
        return False
    return _draw_integer_between_bounds(_get_random_stream(interpreter), [1, side_count]) == 1


# -- lists -------------------------------------------------------------------------------------


def _make_builtin_drawing_from_list(method_name: str) -> Builtin:
    """Return a built-in function that draws elements of its first argument.

    Without a list, the function returns a lambda that draws from its argument.
    """

    def draw_elements_of_first_argument(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
        has_list = bool(call.args) and not isinstance(call.args[0], (int, float))
        if not has_list and method_name != "shuffle":
            return _build_lambda_drawing_from_argument(method_name, call)
        elements = call.args[0] if call.args else UNKNOWN
        method_call = replace(call, args=call.args[1:], block=None)
        return interpreter.call_method(elements, method_name, method_call)

    return draw_elements_of_first_argument


def _build_lambda_drawing_from_argument(method_name: str, call: BuiltinCall) -> tuple[Block, Scope]:
    args: list[Any] = [["num", arg] for arg in call.args]
    if "skip" in call.options:
        args.append(
            ["hash", [["sym", "skip"], ["num", to_number_or_default(call.options["skip"])]]]
        )
    body = ["call", ["var", "elements"], method_name, args]
    return (["block", [["elements", None]], body], {})


for _name in ("choose", "pick", "shuffle"):
    BUILTINS[_name] = _make_builtin_drawing_from_list(_name)


# -- position in the stream --------------------------------------------------------------------


@register_builtin_function("rand_back")
def _undo_random_draws(interpreter: ProgramInterpreter, call: BuiltinCall) -> float:
    return _move_in_random_stream(interpreter, -call.get_first_argument_number(1))


@register_builtin_function("rand_skip")
def _skip_random_draws(interpreter: ProgramInterpreter, call: BuiltinCall) -> float:
    return _move_in_random_stream(interpreter, call.get_first_argument_number(1))


def _move_in_random_stream(interpreter: ProgramInterpreter, draw_count: float) -> float:
    stream = _get_random_stream(interpreter)
    stream.draw_count += int(draw_count)
    return stream.peek_at_next_random_number()


@register_builtin_function("rand_reset")
def _restart_random_stream(interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    _get_random_stream(interpreter).draw_count = 0


def _make_builtin_peeking_at_random_number(name: str) -> Builtin:
    """Return a built-in function that draws as another one, and takes one draw back."""

    def peek_at_next_random_number(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
        number = BUILTINS[name](interpreter, call)
        _get_random_stream(interpreter).draw_count -= 1
        return number

    return peek_at_next_random_number


BUILTINS["rand_look"] = _make_builtin_peeking_at_random_number("rand")
BUILTINS["rand_i_look"] = _make_builtin_peeking_at_random_number("rand_i")


# -- seeds and sources -------------------------------------------------------------------------


@register_builtin_function("use_random_seed")
def _use_random_seed(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    _get_random_stream(interpreter).restart_random_stream_from_seed(
        call.get_first_argument_number()
    )


@register_builtin_function("with_random_seed")
def _run_block_with_random_seed(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    outer_stream = replace(_get_random_stream(interpreter))
    _use_random_seed(interpreter, call)
    value = interpreter.run_block(call.block, [], call.scope)
    source = _get_random_stream(interpreter).source
    interpreter.current_thread.random = replace(outer_stream, source=source)
    return value


@register_builtin_function("current_random_seed")
def _get_random_seed(interpreter: ProgramInterpreter, _call: BuiltinCall) -> float:
    return _get_random_stream(interpreter).seed


@register_builtin_function("use_random_source")
def _use_random_source(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    source = str(call.args[0]) if call.args else ""
    if source in RANDOM_SOURCES:
        _get_random_stream(interpreter).source = source


@register_builtin_function("with_random_source")
def _run_block_with_random_source(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    outer_source = _get_random_stream(interpreter).source
    _use_random_source(interpreter, call)
    value = interpreter.run_block(call.block, [], call.scope)
    _get_random_stream(interpreter).source = outer_source
    return value


@register_builtin_function("current_random_source")
def _get_random_source(interpreter: ProgramInterpreter, _call: BuiltinCall) -> Symbol:
    return Symbol(_get_random_stream(interpreter).source)
