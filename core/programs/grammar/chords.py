"""Layers of chords."""

from __future__ import annotations

from core.programs.grammar.context import ProgramLayer, CompositionContext
from core.programs.grammar.code_tree import Block, CodeNode
from core.programs.grammar.voice import SynthVoice


def compose_chord_layer(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    """Return a layer of chords: pads, stabs or a progression."""
    d, h = context.rng, context.code_style
    short = d.chance(0.4)
    step = context.draw_step_beats(d.pick((2, 3, 4)) if short else d.pick((4, 6, 8)), 2.5 if short else 5.5)
    voice = SynthVoice(context, "chords", context.beats_to_seconds(step) * (0.7 if short else 1.0), 0.5, is_sustained=not short)
    octave = d.pick((3, 3, 4))
    way = d.pick_weighted(
        {
            "ring": 5,
            "one": 3,
            "list": 4,
            "times": 2,
            "each": 1,
            "strum": 1.5,
            "play_chord": 1,
            "degree": 1.5,
        }
    )
    nodes, beats = {
        "ring": _write_chord_ring,
        "one": _write_single_chord,
        "list": _write_chord_list,
        "times": _write_repeated_chords,
        "each": _write_chord_each,
        "strum": _write_strummed_chord,
        "play_chord": _write_play_chord,
        "degree": _write_chord_degrees,
    }[way](context, voice, octave, step)
    return ProgramLayer("chords", h.create_loop_name("chords"), voice.wrap_notes(nodes), beats, [voice.synth_name])


def _write_chord_ring(context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float) -> tuple[list[CodeNode], float]:
    d, h = context.rng, context.code_style
    ring = context.maybe_hoist("chords", h.format_list(context.write_chord_sequence(octave, d.draw_integer(2, 6)), as_ring=True), 1.8)
    return [
        voice.write_note(f"{ring}.{d.pick(('tick', 'tick', 'tick', 'choose'))}"),
        h.format_sleep(h.format_beats(step_beats)),
    ], step_beats


def _write_single_chord(context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float) -> tuple[list[CodeNode], float]:
    return [voice.write_note(context.write_chord(octave)), context.code_style.format_sleep(context.code_style.format_beats(step_beats))], step_beats


def _write_chord_list(context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float) -> tuple[list[CodeNode], float]:
    nodes: list[CodeNode] = []
    changes = context.write_chord_sequence(octave, context.rng.draw_integer(2, 4))
    for chord in changes:
        nodes += [voice.write_note(chord), context.code_style.format_sleep(context.code_style.format_beats(step_beats))]
    return nodes, step_beats * len(changes)


def _write_repeated_chords(context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float) -> tuple[list[CodeNode], float]:
    d, h = context.rng, context.code_style
    nodes: list[CodeNode] = []
    count, short = d.pick((2, 3, 4)), step_beats / 2
    for chord in context.write_chord_sequence(octave, d.draw_integer(1, 4)):
        nodes.append(
            Block(f"{count}.times", [voice.write_note(chord), h.format_sleep(h.format_beats(short))], allows_braces=True)
        )
    return nodes, short * count


def _write_chord_each(context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float) -> tuple[list[CodeNode], float]:
    h = context.code_style
    name = h.create_variable_name("chord")
    changes = context.maybe_hoist("chords", h.format_list(context.write_chord_sequence(octave, context.rng.draw_integer(2, 4))), 1.6)
    return [
        Block(f"{changes}.each", [voice.write_note(name), h.format_sleep(h.format_beats(step_beats))], block_parameters=name)
    ], step_beats * 2


def _write_strummed_chord(context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float) -> tuple[list[CodeNode], float]:
    d, h = context.rng, context.code_style
    gap = h.format_number(d.draw_uniform(0.02, 0.1))
    name = h.create_variable_name("note")
    inner: list[CodeNode] = [voice.write_note(name), h.format_sleep(gap)]
    return [Block(f"{context.write_chord(octave)}.each", inner, block_parameters=name), h.format_sleep(h.format_beats(step_beats))], step_beats


def _write_play_chord(context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float) -> tuple[list[CodeNode], float]:
    h = context.code_style
    if voice.synth_statement == "synth":
        voice.setup_nodes = [h.format_call_statement("use_synth", f":{voice.synth_name}")]
    return [h.format_call_statement("play_chord", context.write_chord(octave), **voice.note_options), h.format_sleep(h.format_beats(step_beats))], step_beats


def _write_chord_degrees(context: CompositionContext, voice: SynthVoice, octave: int, step_beats: float) -> tuple[list[CodeNode], float]:
    d, h = context.rng, context.code_style
    degrees = h.format_list([str(n) for n in d.pick_with_repeats((1, 2, 3, 4, 5, 6), d.draw_integer(3, 5))], as_ring=True)
    if d.chance(0.3):
        degrees = h.format_list(d.pick_with_repeats((":i", ":iv", ":v", ":vi", ":ii"), 4), as_ring=True)
    chord = h.format_call_expression(
        "chord_degree", context.maybe_hoist("chords", degrees) + ".tick", context.write_tonic(octave), ":" + context.pick_seven_note_scale()
    )
    return [voice.write_note(chord), h.format_sleep(h.format_beats(step_beats))], step_beats
