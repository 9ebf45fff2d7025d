"""Built-in functions of Sonic Pi for time, cues, loops and threads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.sonicpi.interpreter.builtins_registry import BuiltinCall, register_builtin_function
from core.sonicpi.interpreter.control_flow_signals import ControlFlowSignal, ThreadEndSignal
from core.sonicpi.interpreter.evaluator import limit_iterations
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.program_thread import SettingsGuard
from core.sonicpi.interpreter.syntax_tree_types import Block
from core.sonicpi.interpreter.values import (
    to_number_or_default,
)

MAX_DENSITY = 64
MAX_STUCK_ROUNDS = 256  # rounds of a loop in which no time passes


@register_builtin_function("sleep", "wait")
def _sleep_beats(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    interpreter.sleep_beats(call.get_first_argument_number(1))


@register_builtin_function("cue", "set")
def _send_cue(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    if call.args:
        interpreter.record_cue(call.args[0], call.options or call.args[1:])
        if len(call.args) > 1:
            interpreter.set_time_state_value(str(call.args[0]), call.args[1])


@register_builtin_function("get")
def _get_time_state_value(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    if not call.args:
        return {name: interpreter.get_time_state_value(name) for name in interpreter.shared_values}
    default = call.args[1] if len(call.args) > 1 else None
    return interpreter.get_time_state_value(str(call.args[0]), default)


@register_builtin_function("sync", "sync_bpm")
def _wait_for_cue(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    return interpreter.wait_for_cue(call.args[0]) if call.args else None


@register_builtin_function("stop")
def _stop_thread(_interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    raise ThreadEndSignal


@register_builtin_function("live_loop")
def _start_live_loop(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    name = str(call.args[0]) if call.args else "loop"
    delay, sync = call.options.get("delay"), call.options.get("sync")
    seed = call.options.get("seed")
    if sync is None and delay is None and seed is None:
        interpreter.spawn_program_thread(name, call.block, call.scope, True)
        return
    body: list[Any] = ["seq"]
    if sync is not None:
        body.append(["call", None, "sync", [["sym", str(sync)]]])
    if delay is not None:
        body.append(_build_sleep_node(delay))
    if seed is not None:
        body.append(["call", None, "use_random_seed", [["num", to_number_or_default(seed)]]])
    body.append(["call", None, "loop", [], _prepend_cue_to_block(name, call.block)])
    interpreter.spawn_program_thread(name, body, call.scope, False)


def _build_sleep_node(beats: Any) -> list[Any]:
    return ["call", None, "sleep", [["num", to_number_or_default(beats)]]]


def _prepend_cue_to_block(cue_name: str, block: Block) -> Block:
    """Return a block that sends a cue first."""
    if not isinstance(block, list):
        return block
    cue_node = ["call", None, "cue", [["sym", cue_name]]]
    return ["block", block[1], ["seq", cue_node, block[2]]]


@register_builtin_function("in_thread")
def _start_program_thread(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    if isinstance(call.block, list):
        delay = [_build_sleep_node(call.options["delay"])] if "delay" in call.options else []
        default_name = f"{interpreter.current_thread.name}/{len(interpreter.started_threads)}"
        name = str(call.options.get("name") or default_name)
        seed = to_number_or_default(call.options["seed"]) if "seed" in call.options else None
        body = ["seq", *delay, call.block[2]]
        interpreter.spawn_program_thread(name, body, call.scope, False, seed)


@register_builtin_function("loop")
def _run_block_in_loop(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    stuck_count = 0
    try:
        for _ in limit_iterations(range(10**6)):
            iteration_start = interpreter.current_thread.current_seconds
            interpreter.run_block(call.block, [], call.scope)
            if interpreter.current_thread.has_no_time_passed_since(iteration_start):
                stuck_count += 1
                if stuck_count == MAX_STUCK_ROUNDS:
                    interpreter.record_endless_loop()
                    raise ThreadEndSignal  # Nothing after such a loop runs.
            else:
                stuck_count = 0
    except ControlFlowSignal as signal:
        if signal.keyword != "break":
            raise


@register_builtin_function("time_warp")
def _run_block_in_time_warp(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    thread = interpreter.current_thread
    is_nested, thread.is_in_time_warp = thread.is_in_time_warp, True
    try:
        _run_block_at_times(interpreter, call)
    finally:
        thread.is_in_time_warp = is_nested


@register_builtin_function("at")
def _run_block_at_times(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    args = call.args
    times = args[0] if args and isinstance(args[0], list) else args[:1]
    thread = interpreter.current_thread
    start, now_seconds = thread.current_seconds, thread.now_seconds
    for index, beats in enumerate(times or [0]):
        thread.now_seconds = now_seconds
        thread.move_clock_to_time(start + interpreter.beats_to_seconds(to_number_or_default(beats)))
        has_values = len(args) > 1 and isinstance(args[1], list) and args[1]
        values = args[1] if has_values else []
        try:
            block_args = _choose_at_block_arguments(call.block, beats, values, index)
            interpreter.run_block(call.block, block_args, call.scope)
        except ThreadEndSignal:
            pass
    thread.current_seconds, thread.now_seconds = start, now_seconds


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
    repetitions = max(1, min(int(call.get_first_argument_number(1)), MAX_DENSITY))
    thread = interpreter.current_thread
    with SettingsGuard(thread):
        density = thread.settings.density * repetitions
        thread.settings = replace(thread.settings, density=density)
        for repetition in range(repetitions):
            interpreter.run_block(call.block, [repetition], call.scope)


@register_builtin_function("current_bpm")
def _get_current_bpm(interpreter: ProgramInterpreter, _call: BuiltinCall) -> float:
    return interpreter.get_current_bpm()
