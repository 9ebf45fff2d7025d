"""Programs of a single statement or loop that sounds for a whole clip."""

from __future__ import annotations

import math

from core.programs.grammar import synth_fx_and_sample_sets
from core.programs.grammar.composition_state import CompositionState
from core.programs.grammar.program_layer import ProgramLayer
from core.programs.grammar.sound_options import (
    limit_normalized_synth_amp,
    pick_random_amp_option,
    pick_random_pan_option,
    pick_random_synth_options,
)
from core.programs.grammar.statement_tree_nodes import Block, CodeNode

_SECONDS = 17.0  # duration of the sound, a little less than a clip of 18 s


def compose_single_statement_program(
    state: CompositionState, layer: ProgramLayer
) -> tuple[CodeNode, bool]:
    """Write a program of one statement or one short loop.

    Parameters
    ----------
    state : CompositionState
        The program under composition; its top statements and functions are removed.
    layer : ProgramLayer
        The program's layer; its kind and sounds are replaced.

    Returns
    -------
    node : CodeNode
        The statement or loop.
    allows_fx : bool
        Whether an FX may be put around it.
    """
    state.top_nodes, state.function_nodes = [], []
    rng = state.rng
    statement = rng.pick_option(("pattern", "pattern", "times", "sample", "note", "note"))
    beats = max(16, math.ceil(state.seconds_to_beats(_SECONDS)))
    octave = rng.pick_option((2, 3, 3, 4))
    if statement == "pattern":
        return _write_scale_pattern(state, layer, beats), True
    if statement == "times":
        return _write_short_loop(state, layer, beats), False
    if statement == "sample":
        return _write_slow_sample(state, layer), True
    return _write_long_note(state, layer, octave, beats), True


def _write_scale_pattern(state: CompositionState, layer: ProgramLayer, beats: int) -> str:
    rng, code_style = state.rng, state.code_style
    layer.kind, layer.sound_names = "melody", ["beep"]
    octave_count = rng.pick_option((2, 3))
    scale = state.write_scale_expression(rng.pick_option((2, 3)), octave_count)
    notes = scale + rng.pick_option(("", "", ".mirror", ".reverse", ".shuffle"))
    note_beats = code_style.format_beats(math.ceil(beats / (5 * octave_count)))
    return code_style.format_call_statement(
        "play_pattern_timed", notes, note_beats, release=note_beats
    )


def _write_short_loop(state: CompositionState, layer: ProgramLayer, beats: int) -> Block:
    rng, code_style = state.rng, state.code_style
    step_beats = state.sample_step_beats(1, 0.6)
    lo, hi = rng.pick_option((("40", "80"), ("55", "90"), ("60", "72")))
    note = code_style.format_call_expression("rrand_i", lo, hi)
    inner: list[CodeNode] = [code_style.format_call_statement("play", note)]
    layer.kind, layer.sound_names = "melody", ["beep"]
    if rng.sample_boolean(0.4):
        sample_name = rng.pick_option(state.sounds.sample_groups["percussion"])
        pan_option = pick_random_pan_option(state, 0.5)
        inner = [code_style.format_call_statement("sample", f":{sample_name}", **pan_option)]
        layer.kind, layer.sound_names = "kit", [sample_name]
    inner.append(code_style.format_rest(step_beats))
    return Block(f"{math.ceil(beats / step_beats)}.times", inner, allows_braces=True)


def _write_slow_sample(state: CompositionState, layer: ProgramLayer) -> str:
    rng, code_style = state.rng, state.code_style
    groups = state.sounds.sample_groups
    sample_names = [*groups["textures"], *groups["breaks"]]
    long_names = [
        name for name in sample_names if synth_fx_and_sample_sets.SAMPLE_SECONDS[name] >= 3
    ]
    sample_name = rng.pick_option(long_names)
    layer.kind, layer.sound_names = "texture", [sample_name]
    speed = math.floor(100 * synth_fx_and_sample_sets.SAMPLE_SECONDS[sample_name] / _SECONDS) / 100
    rate = rng.pick_option((1, -1)) * speed
    amp = synth_fx_and_sample_sets.compute_sample_amp(sample_name, "textures", 1.0)
    amp_option = pick_random_amp_option(state, amp)
    return code_style.format_call_statement(
        "sample", f":{sample_name}", rate=code_style.format_number(rate), **amp_option
    )


def _write_long_note(state: CompositionState, layer: ProgramLayer, octave: int, beats: int) -> str:
    rng, code_style = state.rng, state.code_style
    synth_name = rng.pick_option(state.sounds.synth_groups["pads"])
    layer.kind, layer.sound_names = "drone", [synth_name]
    if rng.sample_boolean(0.4):
        note = state.write_chord_expression(octave)
    else:
        note = code_style.format_note(state.degree_to_midi(octave))
    envelope = {
        "attack": str(rng.sample_integer(1, 4)),
        "sustain": str(beats),
        "release": str(rng.sample_integer(2, 8)),
    }
    amp_option = pick_random_amp_option(
        state, synth_fx_and_sample_sets.compute_synth_amp(synth_name, 0.5)
    )
    options = limit_normalized_synth_amp(
        state, {**amp_option, **envelope, **pick_random_synth_options(state, synth_name)}
    )
    return code_style.format_call_statement("synth", f":{synth_name}", note=note, **options)
