"""Built-in functions that Sonic Pi gained from 3.3 to 5.0."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from core.sonicpi.interpreter.builtins_registry import (
    BUILTINS,
    BuiltinCall,
    register_builtin_function,
)
from core.sonicpi.interpreter.calls_of_blocks_functions_and_methods import limit_iterations
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.program_thread import ProgramThread, SettingsGuard
from core.sonicpi.interpreter.values import Symbol, to_number_or_default

LINK_BPM_RANGE = (20.0, 999.0)
ROUNDING_BEATS = 1e-6
MIDI_CLOCK_BPM = 60.0  # of a MIDI clock that sends nothing


# -- tuplets -----------------------------------------------------------------------------------


@register_builtin_function("tuplets")
def _run_block_for_tuplets(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    elements = call.args[0] if call.args and isinstance(call.args[0], list) else []
    thread = interpreter.current_thread
    duration = to_number_or_default(call.options.get("duration", 1), 1)
    swing_seconds = interpreter.beats_to_seconds(to_number_or_default(call.options.get("swing", 0)))
    for element in limit_iterations(elements):
        tuplet = element if isinstance(element, list) else [element]
        with SettingsGuard(thread):
            bpm = thread.settings.bpm * max(len(tuplet), 1)
            thread.settings = replace(thread.settings, bpm=bpm)
            for index, value in enumerate(tuplet):
                is_swung = isinstance(element, list) and _is_tuplet_element_swung(
                    index, len(tuplet), call.options
                )
                beat_seconds = interpreter.beats_to_seconds(1)
                delay = swing_seconds / thread.settings.density / beat_seconds if is_swung else 0
                warp = BuiltinCall([[delay], [value]], {}, call.block, call.scope)
                BUILTINS["time_warp"](interpreter, warp)
                interpreter.sleep_beats(duration)
    return elements


def _is_tuplet_element_swung(index: int, length: int, options: dict[str, Any]) -> bool:
    """Return whether the swing delays an element of a nested list."""
    pulse = int(to_number_or_default(options.get("swing_pulse", 2), 2)) or 2
    offset = int(to_number_or_default(options.get("swing_offset", 0)))
    return length % pulse == 0 and (index + offset + 1) % pulse == 0


# -- link metronome ------------------------------------------------------------------------------


@register_builtin_function("link", "link_sync")
def _wait_for_link_phase(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    thread = interpreter.current_thread
    defaults = [call.options.get("quantum", 4), call.options.get("phase", 0)]
    quantum, phase = (
        to_number_or_default(arg) for arg in (call.args + defaults[len(call.args) :])[:2]
    )
    follow_link_bpm(thread)
    beat = interpreter.link_metronome.count_beats_until_time(thread.current_seconds)
    quantum = quantum if quantum > 0 else 4
    next_beat = math.ceil((beat - phase - ROUNDING_BEATS) / quantum) * quantum + phase
    if thread.linked_seconds == thread.current_seconds:
        next_beat += quantum
    beats = max(next_beat - beat, 0) * interpreter.get_tempo_relative_to_link()
    interpreter.sleep_beats(beats * thread.settings.density)
    thread.linked_seconds = thread.current_seconds


@register_builtin_function("set_link_bpm!")
def _set_link_bpm(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    slowest, fastest = LINK_BPM_RANGE
    bpm = min(max(call.get_first_argument_number(60), slowest), fastest)
    interpreter.link_metronome.change_bpm_from_time_on(
        interpreter.current_thread.current_seconds, bpm
    )


@register_builtin_function("current_bpm_mode")
def _get_bpm_mode(interpreter: ProgramInterpreter, _call: BuiltinCall) -> Any:
    is_linked = interpreter.current_thread.settings.follows_link
    return Symbol("link") if is_linked else interpreter.get_current_bpm()


def follow_link_bpm(thread: ProgramThread) -> None:
    """Let a thread follow the metronome again, as `use_bpm :link` does."""
    if not thread.settings.follows_link:
        thread.settings = replace(thread.settings, bpm=60.0, follows_link=True)


# -- clocks and streams of other devices -----------------------------------------------------------


@register_builtin_function("midi_sync")
def _follow_midi_clock(interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    thread = interpreter.current_thread
    thread.settings = replace(thread.settings, bpm=MIDI_CLOCK_BPM, follows_link=False)


@register_builtin_function("current_drive")
def _return_default_drive(_interpreter: ProgramInterpreter, _call: BuiltinCall) -> float:
    return 0.5


@register_builtin_function("midi_clock_sources", "link_audio")
def _ignore_sound_of_outside_source(_interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    return None


# -- files -----------------------------------------------------------------------------------------


@register_builtin_function("load_synthdef", "load_synthdefs")
def _ignore_synthdef(_interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    return None
