"""Programs of a single statement or loop that sounds for a whole clip."""

from __future__ import annotations

import math

from core.programs.grammar import synth_fx_and_sample_sets
from core.programs.grammar.program_layer import ProgramLayer
from core.programs.grammar.sound_options import (
    limit_normalized_synth_amp,
    pick_random_amp_option,
    pick_random_pan_option,
    pick_random_synth_options,
)
from core.programs.grammar.statement_tree_nodes import Block, CodeNode
from core.programs.grammar.tempo_key_and_note_writers import CompositionContext

_SECONDS = 17.0  # duration of the sound, a little less than a clip of 18 s


def compose_single_statement_program(
    context: CompositionContext, layer: ProgramLayer
) -> tuple[CodeNode, bool]:
    """Write a program of one statement or one short loop.

    Parameters
    ----------
    context : CompositionContext
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
    context.top_nodes, context.function_nodes = [], []
    rng = context.rng
    statement = rng.pick_option(("pattern", "pattern", "times", "sample", "note", "note"))
    beats = max(16, math.ceil(context.seconds_to_beats(_SECONDS)))
    octave = rng.pick_option((2, 3, 3, 4))
    if statement == "pattern":
        return _write_scale_pattern(context, layer, beats), True
    if statement == "times":
        return _write_short_loop(context, layer, beats), False
    if statement == "sample":
        return _write_slow_sample(context, layer), True
    return _write_long_note(context, layer, octave, beats), True


def _write_scale_pattern(context: CompositionContext, layer: ProgramLayer, beats: int) -> str:
    rng, code_style = context.rng, context.code_style
    layer.kind, layer.sound_names = "melody", ["beep"]
    octave_count = rng.pick_option((2, 3))
    scale = context.write_scale_expression(rng.pick_option((2, 3)), octave_count)
    notes = scale + rng.pick_option(("", "", ".mirror", ".reverse", ".shuffle"))
    note_beats = code_style.format_beats(math.ceil(beats / (5 * octave_count)))
    return code_style.format_call_statement(
        "play_pattern_timed", notes, note_beats, release=note_beats
    )


def _write_short_loop(context: CompositionContext, layer: ProgramLayer, beats: int) -> Block:
    rng, code_style = context.rng, context.code_style
    step_beats = context.sample_step_beats(1, 0.6)
    lo, hi = rng.pick_option((("40", "80"), ("55", "90"), ("60", "72")))
    note = code_style.format_call_expression("rrand_i", lo, hi)
    inner: list[CodeNode] = [code_style.format_call_statement("play", note)]
    layer.kind, layer.sound_names = "melody", ["beep"]
    if rng.sample_boolean(0.4):
        sample_name = rng.pick_option(context.sounds.sample_groups["percussion"])
        pan_option = pick_random_pan_option(context, 0.5)
        inner = [code_style.format_call_statement("sample", f":{sample_name}", **pan_option)]
        layer.kind, layer.sound_names = "kit", [sample_name]
    inner.append(code_style.format_rest(step_beats))
    return Block(f"{math.ceil(beats / step_beats)}.times", inner, allows_braces=True)


def _write_slow_sample(context: CompositionContext, layer: ProgramLayer) -> str:
    rng, code_style = context.rng, context.code_style
    groups = context.sounds.sample_groups
    sample_names = [*groups["textures"], *groups["breaks"]]
    long_names = [
        name for name in sample_names if synth_fx_and_sample_sets.SAMPLE_SECONDS[name] >= 3
    ]
    sample_name = rng.pick_option(long_names)
    layer.kind, layer.sound_names = "texture", [sample_name]
    speed = math.floor(100 * synth_fx_and_sample_sets.SAMPLE_SECONDS[sample_name] / _SECONDS) / 100
    rate = rng.pick_option((1, -1)) * speed
    amp = synth_fx_and_sample_sets.compute_sample_amp(sample_name, "textures", 1.0)
    amp_option = pick_random_amp_option(context, amp)
    return code_style.format_call_statement(
        "sample", f":{sample_name}", rate=code_style.format_number(rate), **amp_option
    )


def _write_long_note(
    context: CompositionContext, layer: ProgramLayer, octave: int, beats: int
) -> str:
    rng, code_style = context.rng, context.code_style
    synth_name = rng.pick_option(context.sounds.synth_groups["pads"])
    layer.kind, layer.sound_names = "drone", [synth_name]
    if rng.sample_boolean(0.4):
        note = context.write_chord_expression(octave)
    else:
        note = code_style.format_note(context.degree_to_midi(octave))
    envelope = {
        "attack": str(rng.sample_integer(1, 4)),
        "sustain": str(beats),
        "release": str(rng.sample_integer(2, 8)),
    }
    amp_option = pick_random_amp_option(
        context, synth_fx_and_sample_sets.compute_synth_amp(synth_name, 0.5)
    )
    options = limit_normalized_synth_amp(
        context, {**amp_option, **envelope, **pick_random_synth_options(context, synth_name)}
    )
    return code_style.format_call_statement("synth", f":{synth_name}", note=note, **options)
