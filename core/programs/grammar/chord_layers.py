"""Chord layers: pads, stabs and progressions."""

from __future__ import annotations

from collections.abc import Callable

from core.programs.grammar.composition_state import CompositionState
from core.programs.grammar.layer_synth_and_notes import SynthVoice
from core.programs.grammar.program_layer import LoopBody, ProgramLayer
from core.programs.grammar.statement_tree_nodes import Block, CodeNode

# Writes the body of a chord loop from state, voice, octave and step in beats.
ChordLoopWriter = Callable[[CompositionState, SynthVoice, int, float], LoopBody]


def compose_chord_layer(state: CompositionState) -> ProgramLayer:
    """Compose a layer of chords: pads, stabs or a progression."""
    rng = state.rng
    is_short = rng.sample_boolean(0.4)
    step_factor = rng.pick_option((2, 3, 4)) if is_short else rng.pick_option((4, 6, 8))
    step_beats = state.sample_step_beats(step_factor, 2.5 if is_short else 5.5)
    note_seconds = state.beats_to_seconds(step_beats) * (0.7 if is_short else 1.0)
    voice = SynthVoice(state, "chords", note_seconds, 0.5, is_sustained=not is_short)
    octave = rng.pick_option((3, 3, 4))
    write_loop = rng.pick_option_by_weight(_CHORD_LOOP_WEIGHTS)
    nodes, min_beats = write_loop(state, voice, octave, step_beats)
    loop_name = state.code_style.create_loop_name("chords")
    return ProgramLayer(
        "chords", loop_name, voice.add_synth_setup_to_notes(nodes), min_beats, [voice.synth_name]
    )


def _write_chord_ring_loop(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    rng, code_style = state.rng, state.code_style
    chords = state.write_chord_sequence(octave, rng.sample_integer(2, 6))
    ring = state.maybe_extract_variable(
        "chords", code_style.format_ruby_list(chords, as_ring=True), 1.8
    )
    chord = f"{ring}.{rng.pick_option(('tick', 'tick', 'tick', 'choose'))}"
    return LoopBody(
        [voice.write_play_note_call(chord), code_style.format_rest(step_beats)], step_beats
    )


def _write_single_chord(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    chord = voice.write_play_note_call(state.write_chord_expression(octave))
    return LoopBody([chord, state.code_style.format_rest(step_beats)], step_beats)


def _write_successive_chords(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    nodes: list[CodeNode] = []
    chords = state.write_chord_sequence(octave, state.rng.sample_integer(2, 4))
    for chord in chords:
        nodes += [voice.write_play_note_call(chord), state.code_style.format_rest(step_beats)]
    return LoopBody(nodes, step_beats * len(chords))


def _write_repeated_chords(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    rng = state.rng
    nodes: list[CodeNode] = []
    repeats, rest_beats = rng.pick_option((2, 3, 4)), step_beats / 2
    for chord in state.write_chord_sequence(octave, rng.sample_integer(1, 4)):
        inner: list[CodeNode] = [
            voice.write_play_note_call(chord),
            state.code_style.format_rest(rest_beats),
        ]
        nodes.append(Block(f"{repeats}.times", inner, allows_braces=True))
    return LoopBody(nodes, rest_beats * repeats)


def _write_chord_each_loop(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    code_style = state.code_style
    variable = code_style.create_variable_name("chord")
    chords = state.write_chord_sequence(octave, state.rng.sample_integer(2, 4))
    chord_list = state.maybe_extract_variable("chords", code_style.format_ruby_list(chords), 1.6)
    inner: list[CodeNode] = [
        voice.write_play_note_call(variable),
        code_style.format_rest(step_beats),
    ]
    loop = Block(f"{chord_list}.each", inner, block_parameters=variable)
    return LoopBody([loop], step_beats * 2)


def _write_strummed_chord(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    code_style = state.code_style
    gap = code_style.format_number(state.rng.sample_uniform(0.02, 0.1))
    variable = code_style.create_variable_name("note")
    inner: list[CodeNode] = [voice.write_play_note_call(variable), code_style.format_sleep(gap)]
    strum = Block(f"{state.write_chord_expression(octave)}.each", inner, block_parameters=variable)
    return LoopBody([strum, code_style.format_rest(step_beats)], step_beats)


def _write_play_chord_call(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    code_style = state.code_style
    if voice.synth_statement == "synth":
        voice.add_use_synth_statement()
    chord = state.write_chord_expression(octave)
    play = code_style.format_call_statement("play_chord", chord, **voice.note_options)
    return LoopBody([play, code_style.format_rest(step_beats)], step_beats)


def _write_chord_degree_loop(
    state: CompositionState, voice: SynthVoice, octave: int, step_beats: float
) -> LoopBody:
    rng, code_style = state.rng, state.code_style
    degrees = [
        str(n)
        for n in rng.pick_options_with_replacement((1, 2, 3, 4, 5, 6), rng.sample_integer(3, 5))
    ]
    ring = code_style.format_ruby_list(degrees, as_ring=True)
    if rng.sample_boolean(0.3):
        roman_numerals = rng.pick_options_with_replacement((":i", ":iv", ":v", ":vi", ":ii"), 4)
        ring = code_style.format_ruby_list(roman_numerals, as_ring=True)
    chord = code_style.format_call_expression(
        "chord_degree",
        state.maybe_extract_variable("chords", ring) + ".tick",
        state.write_tonic_note_symbol(octave),
        ":" + state.pick_seven_note_scale(),
    )
    return LoopBody(
        [voice.write_play_note_call(chord), code_style.format_rest(step_beats)], step_beats
    )


_CHORD_LOOP_WEIGHTS: dict[ChordLoopWriter, float] = {
    _write_chord_ring_loop: 5,
    _write_single_chord: 3,
    _write_successive_chords: 4,
    _write_repeated_chords: 2,
    _write_chord_each_loop: 1,
    _write_strummed_chord: 1.5,
    _write_play_chord_call: 1,
    _write_chord_degree_loop: 1.5,
}
