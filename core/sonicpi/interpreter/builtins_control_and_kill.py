"""Built-in functions of Sonic Pi that change or end sounds and FX while they run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.sonicpi.interpreter.builtins_play_and_synth import (
    convert_sound_options,
    convert_to_transposed_notes,
    is_sound_disabled_by_options,
)
from core.sonicpi.interpreter.builtins_registry import BuiltinCall, register_builtin_function
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.values import SoundNode
from core.sonicpi.sound_options_and_control_changes import OptionChange, SoundOptions


@register_builtin_function("control")
def _change_running_sound(interpreter: ProgramInterpreter, call: BuiltinCall) -> SoundNode | None:
    """Change a sound or FX; without a node, the last sound of the thread."""
    args, options = list(call.args), dict(call.options)
    if args and isinstance(args[-1], dict):
        options = {**args.pop(), **options}
    node = args[0] if args else interpreter.current_thread.last_sound
    if not isinstance(node, SoundNode) or is_sound_disabled_by_options(options):
        return node if isinstance(node, SoundNode) else None
    options.pop("on", None)
    notes = options.pop("notes", None)
    note = options.pop("note", None)
    values = convert_sound_options(interpreter, options, {})
    if (slide := values.pop("slide", None)) is not None:
        names = [*values, *(["note"] if note is not None else [])]
        slides = {f"{name}_slide": slide for name in names if not name.endswith("_slide")}
        values = {**slides, **values}
    if values:
        _change_sound_options(interpreter, node.targets, values)
    if note is not None or notes is not None:
        _set_next_pitch_of_chord_notes(interpreter, node, note if notes is None else notes)
    return node


def _set_next_pitch_of_chord_notes(
    interpreter: ProgramInterpreter, node: SoundNode, note_values: Any
) -> None:
    """Give each note of a chord its next pitch; all the same one where only one is named."""
    notes = [
        note for note in convert_to_transposed_notes(interpreter, note_values) if note is not None
    ]
    for index, target in enumerate(node.targets):
        if notes:
            note = notes[index % len(notes)]
            _change_sound_options(interpreter, (target,), {"note": note})


def _change_sound_options(
    interpreter: ProgramInterpreter, targets: Iterable[SoundOptions], values: dict[str, float]
) -> None:
    change = OptionChange(_compute_time_of_change(interpreter), values)
    for target in targets:
        target.add_change(change)


def _compute_time_of_change(interpreter: ProgramInterpreter) -> float:
    thread = interpreter.current_thread
    return interpreter.clip_start.compute_audible_time_of_change(
        thread.current_seconds, thread.now_seconds, thread.settings.lead_seconds
    )


@register_builtin_function("kill")
def _end_running_sound(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    for node in call.args:
        for target in node.targets if isinstance(node, SoundNode) else ():
            target.end_seconds = min(target.end_seconds, _compute_time_of_change(interpreter))
