"""Built-in functions of Sonic Pi for time, loops, cues and threads."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any

from core.sonicpi.interpreter.builtins_registry import (
    BUILTINS,
    BuiltinCall,
    register_builtin_function,
)
from core.sonicpi.interpreter.calls_of_blocks_functions_and_methods import limit_iterations
from core.sonicpi.interpreter.control_flow_signals import (
    VALUE_ERRORS,
    ControlFlowSignal,
    ProgramErrorSignal,
    ThreadEndSignal,
    raise_program_error,
)
from core.sonicpi.interpreter.program_interpreter import (
    MISSING_SLEEP_MESSAGE,
    ProgramInterpreter,
)
from core.sonicpi.interpreter.program_thread import SettingsGuard
from core.sonicpi.interpreter.syntax_tree_types import Block
from core.sonicpi.interpreter.values import UNKNOWN, Symbol, to_number_or_default

MAX_DENSITY = 64


@register_builtin_function("sleep", "wait")
def _sleep_beats(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    interpreter.sleep_beats(call.get_first_argument_number(1))


@register_builtin_function("cue", "set")
def _send_cue(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    if call.args:
        if len(call.args) > 1:
            interpreter.set_time_state_value(str(call.args[0]), call.args[1])
        interpreter.record_cue(call.args[0], call.options or call.args[1:])


@register_builtin_function("get")
def _get_time_state_value(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    if not call.args:
        return {name: interpreter.get_time_state_value(name) for name in interpreter.shared_values}
    default = call.args[1] if len(call.args) > 1 else None
    return interpreter.get_time_state_value(str(call.args[0]), default)


@register_builtin_function("sync")
def _wait_for_cue(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    has_bpm = call.options.get("bpm_sync") not in (None, False)
    return interpreter.wait_for_cue(call.args[0], has_bpm) if call.args else None


@register_builtin_function("sync_bpm")
def _wait_for_cue_and_take_its_bpm(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    return interpreter.wait_for_cue(call.args[0], has_bpm=True) if call.args else None


@register_builtin_function("stop")
def _stop_thread(_interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    raise ThreadEndSignal


@register_builtin_function("live_loop")
def _start_live_loop(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    name = str(call.args[0]) if call.args else "loop"
    interpreter.spawn_program_thread(name, call.block, call.scope, call.options, True)


@register_builtin_function("in_thread")
def _start_program_thread(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    if isinstance(call.block, list):
        default_name = f"{interpreter.current_thread.name}/{len(interpreter.started_threads)}"
        name = str(call.options.get("name") or default_name)
        interpreter.spawn_program_thread(name, call.block[2], call.scope, call.options, False)
    return UNKNOWN


@register_builtin_function("loop")
def _run_block_in_loop(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    try:
        for _ in limit_iterations(range(10**6)):
            thread = interpreter.current_thread
            iteration_start, last_cue = thread.current_seconds, thread.last_cue
            interpreter.run_block(call.block, [], call.scope)
            if thread.has_neither_slept_nor_synced(iteration_start, last_cue):
                interpreter.record_endless_loop()
                raise_program_error(MISSING_SLEEP_MESSAGE)  # Sonic Pi does in the first round.
    except ControlFlowSignal as signal:
        is_end = isinstance(signal, ProgramErrorSignal) and signal.error_class == "StopIteration"
        if signal.keyword != "break" and not is_end:
            raise


@register_builtin_function("time_warp")
def _run_block_in_time_warp(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    thread = interpreter.current_thread
    is_nested, thread.is_in_time_warp = thread.is_in_time_warp, True
    start, now_seconds = thread.exact_seconds, thread.now_seconds
    try:
        for beats, block_args in _list_at_times_and_arguments(call):
            thread.move_clock_to_time(start + Fraction(interpreter.beats_to_seconds(beats)))
            with suppress(ThreadEndSignal):
                interpreter.run_block(call.block, block_args, call.scope)
    finally:
        thread.is_in_time_warp = is_nested
    thread.restore_clock(start, now_seconds)


@register_builtin_function("at")
def _run_block_at_times(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    """Run a block at times, each time in a thread of its own."""
    thread = interpreter.current_thread
    start, now_seconds = thread.exact_seconds, thread.now_seconds
    parent_random, parent_ticks, parent_path = thread.random, thread.ticks, thread.path
    for beats, block_args in _list_at_times_and_arguments(call):
        thread.random, thread.ticks = parent_random.create_stream_for_new_thread(), {}
        thread.path = parent_path
        thread.path = thread.make_path_for_new_thread()
        thread.restore_clock(start, now_seconds)
        thread.move_clock_by(interpreter.beats_to_seconds(beats) / thread.settings.density)
        try:
            with SettingsGuard(thread):
                interpreter.run_block(call.block, block_args, call.scope)
        except (ThreadEndSignal, *VALUE_ERRORS):
            continue
        except ProgramErrorSignal as error:
            interpreter.record_problem(error.message, "ends_thread", error.line)
        except ControlFlowSignal as signal:
            if signal.keyword != "raise":
                raise
    thread.random, thread.ticks, thread.path = parent_random, parent_ticks, parent_path
    thread.restore_clock(start, now_seconds)


def _list_at_times_and_arguments(call: BuiltinCall) -> list[tuple[float, list[Any]]]:
    """Return the times in beats at which `at` runs its block, each with the block's arguments."""
    times = call.args[0] if call.args and isinstance(call.args[0], list) else call.args[:1]
    values = call.args[1] if len(call.args) > 1 and isinstance(call.args[1], list) else []
    return [
        (to_number_or_default(beats), _choose_at_block_arguments(call.block, beats, values, index))
        for index, beats in enumerate(times if call.args else [0])
    ]


@register_builtin_function("with_swing")
def _run_block_with_swing(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    """Run a block, every few times with a shift in time."""
    names_and_defaults = (("shift", 0.1), ("pulse", 4), ("tick", "swing"), ("offset", 0))
    shift, pulse, tick_name, offset = (
        call.args[index] if index < len(call.args) else call.options.get(name, default)
        for index, (name, default) in enumerate(names_and_defaults)
    )
    tick = BUILTINS["tick"](interpreter, BuiltinCall([Symbol(tick_name)], {}, None, call.scope))
    is_shifted = (tick + to_number_or_default(offset)) % max(to_number_or_default(pulse), 1) == 0
    if not is_shifted:
        return interpreter.run_block(call.block, [], call.scope)
    warp = BuiltinCall([shift], {}, call.block, call.scope)
    return _run_block_in_time_warp(interpreter, warp)


def _choose_at_block_arguments(
    block: Block, beats: Any, values: list[Any], index: int
) -> list[Any]:
    """Return the arguments of the block of `at`, which depend on the number of its parameters."""
    value = values[index % len(values)] if values else beats
    parameter_count = len(block[1]) if isinstance(block, list) else 1
    if parameter_count == 1:
        return [value]
    first_two = [beats, value] if values else [beats, index]
    return [*first_two, index][:parameter_count]


@register_builtin_function("density")
def _run_block_with_density(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    factor = call.get_first_argument_number(1)
    factor = min(factor, MAX_DENSITY) if factor > 0 else 1
    repetitions = max(1, int(factor))
    thread = interpreter.current_thread
    with SettingsGuard(thread):
        density = thread.settings.density * factor
        thread.settings = replace(thread.settings, density=density)
        for repetition in range(repetitions):
            interpreter.run_block(call.block, [repetition], call.scope)


@register_builtin_function("current_bpm")
def _get_current_bpm(interpreter: ProgramInterpreter, _call: BuiltinCall) -> float:
    return interpreter.get_current_bpm()
