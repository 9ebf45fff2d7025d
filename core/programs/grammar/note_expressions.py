"""Ruby expressions that give the notes of a loop: `scale(:c4, :minor).choose` and others."""

from __future__ import annotations

from collections.abc import Callable

from core.programs.grammar.composition_state import CompositionState

_RING_METHODS = (
    ".reverse",
    ".mirror",
    ".reflect",
    ".rotate(1)",
    ".drop_last",
    ".stretch(2)",
    ".take(5)",
    ".butlast",
    ".repeat(2)",
    ".shuffle",
    ".drop(1)",
    ".rotate(2)",
    ".sort",
)


def write_note_expression(state: CompositionState, octave: int) -> str:
    """Write a Ruby expression that gives a note each time it is evaluated.

    Parameters
    ----------
    state : CompositionState
        The program under composition.
    octave : int
        Octave of the lowest notes; octave 4 starts at middle C.
    """
    write_expression = state.rng.pick_option_by_weight(_NOTE_WRITER_WEIGHTS)
    return write_expression(state, octave)


def _write_scale_choose_expression(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    notes = state.maybe_extract_variable(
        "scale", state.write_scale_expression(octave, rng.pick_option((1, 1, 2, 3)))
    )
    if rng.sample_boolean(0.8):
        return f"{notes}.choose"
    return code_style.format_call_expression("choose", notes)


def _write_scale_tick_expression(state: CompositionState, octave: int) -> str:
    rng = state.rng
    return (
        state.maybe_extract_variable(
            "scale", state.write_scale_expression(octave, rng.pick_option((1, 1, 2)))
        )
        + ".tick"
    )


def _write_list_tick_expression(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    notes = state.write_phrase_notes(octave, rng.pick_option((2, 3, 4, 4, 5, 6, 8, 8)))
    if len(notes) > 4 and rng.sample_boolean(0.2):
        notes[rng.sample_integer(1, len(notes) - 1)] = rng.pick_option((":r", "nil", ":rest"))
    return (
        state.maybe_extract_variable("notes", code_style.format_ruby_list(notes, as_ring=True), 1.6)
        + ".tick"
    )


def _write_list_choose_expression(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    phrase = state.write_phrase_notes(octave, rng.sample_integer(3, 6))
    notes = state.maybe_extract_variable("notes", code_style.format_ruby_list(phrase), 1.4)
    if rng.sample_boolean(0.7):
        return f"{notes}.choose"
    return code_style.format_call_expression("choose", notes)


def _write_chord_tick_expression(state: CompositionState, octave: int) -> str:
    chains = (".ring.tick", ".tick", ".choose", ".choose", ".shuffle.tick")
    return state.write_chord_expression(octave) + state.rng.pick_option(chains)


def _write_single_note_expression(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    midi = state.degree_to_midi(octave, rng.sample_integer(0, 4))
    return state.maybe_extract_variable("root", code_style.format_note(midi))


def _write_rrand_i_expression(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    lo = state.degree_to_midi(octave)
    hi = lo + rng.pick_option((7, 12, 19, 24))
    return code_style.format_call_expression("rrand_i", str(lo), str(hi))


def _write_rrand_expression(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    lo = state.degree_to_midi(octave)
    hi = lo + rng.pick_option((12, 19, 24))
    return code_style.format_call_expression("rrand", str(lo), str(hi))


def _write_scale_shuffle_expression(state: CompositionState, octave: int) -> str:
    rng = state.rng
    scale = state.write_scale_expression(octave, rng.pick_option((1, 2)))
    return f"{scale}.shuffle" + rng.pick_option((".tick", ".take(4).tick", ".first"))


def _write_scale_pick_expression(state: CompositionState, octave: int) -> str:
    rng = state.rng
    scale = state.write_scale_expression(octave)
    return f"{scale}.pick({rng.sample_integer(2, 6)})" + rng.pick_option((".tick", ".choose"))


def _write_knit_expression(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    arguments: list[str] = []
    for note in state.write_phrase_notes(octave, rng.sample_integer(2, 4)):
        arguments += [note, str(rng.pick_option((1, 2, 3, 4, 8)))]
    knit = code_style.format_call_expression("knit", *arguments)
    return state.maybe_extract_variable("notes", knit) + ".tick"


def _write_degree_expression(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    degree = rng.pick_option(
        (
            code_style.format_call_expression("rrand_i", "1", "7"),
            code_style.format_call_expression("dice", "7"),
            str(rng.sample_integer(1, 6)),
            ":v",
        )
    )
    return code_style.format_call_expression(
        "degree",
        degree,
        state.write_tonic_note_symbol(octave),
        ":" + state.pick_seven_note_scale(),
    )


def _write_list_index_expression(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    ring = code_style.format_ruby_list(state.write_phrase_notes(octave, 4), as_ring=True)
    notes = state.maybe_extract_variable("notes", ring, 1.6)
    index = rng.pick_option(("tick", "rand_i(4)", "look", "tick % 4", "dice(4) - 1"))
    return f"{notes}[{index}]"


def _write_ring_chain_expression(state: CompositionState, octave: int) -> str:
    rng = state.rng
    # Both are drawn before one is picked; drawing only one would change all programs.
    scale = state.write_scale_expression(octave, rng.pick_option((1, 2)))
    chord = state.write_chord_expression(octave)
    ring = rng.pick_option((scale, f"{chord}.ring"))
    methods = rng.pick_options_without_replacement(_RING_METHODS, rng.sample_integer(1, 2))
    return ring + "".join(methods) + ".tick"


def _write_range_or_line_expression(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    lo = state.degree_to_midi(octave)
    if rng.sample_boolean(0.4):
        return code_style.format_call_expression(
            "line",
            str(lo),
            str(lo + rng.pick_option((7, 12, 24))),
            steps=str(rng.pick_option((4, 8, 16))),
        ) + rng.pick_option((".tick", ".mirror.tick", ".choose"))
    return code_style.format_call_expression(
        "range", str(lo), str(lo + rng.pick_option((12, 24))), str(rng.pick_option((2, 3, 5, 7)))
    ) + rng.pick_option((".tick", ".mirror.tick", ".choose", ".reverse.tick"))


def _write_note_range_call_over_chord(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    return code_style.format_call_expression(
        "note_range",
        state.write_tonic_note_symbol(octave),
        code_style.format_tonic_symbol(state.degree_to_midi(octave) + 24),
        pitches=state.write_chord_expression(octave),
    ) + rng.pick_option((".choose", ".tick"))


def _write_transposed_note_expression(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    shift = rng.pick_option(
        (
            code_style.format_ruby_list(["0", "0", "12"]) + ".choose",
            code_style.format_ruby_list(["0", "7", "12"], as_ring=True) + ".tick",
            "12",
            code_style.format_ruby_list(["-12", "0"]) + ".choose",
            code_style.format_call_expression("knit", "0", "3", "5", "1") + ".tick",
        )
    )
    if rng.sample_boolean(0.6):
        note = code_style.format_note(state.degree_to_midi(octave, rng.sample_integer(0, 3)))
    else:
        note = _write_scale_choose_expression(state, octave)
    return code_style.format_infix_operation(note, "+", shift)


def _write_ternary_expression(state: CompositionState, octave: int) -> str:
    rng = state.rng
    rare_note, usual_note = state.write_phrase_notes(octave, 2)
    return f"(one_in({rng.sample_integer(2, 5)}) ? {rare_note} : {usual_note})"


def _write_octs_expression(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    return code_style.format_call_expression(
        "octs", state.write_tonic_note_symbol(octave - 1), "3"
    ) + rng.pick_option((".tick", ".choose"))


def _write_hz_to_midi_expression(state: CompositionState, _octave: int) -> str:
    frequency = state.rng.pick_option((110, 220, 261.6, 330, 440, 523, 660))
    return state.code_style.format_call_expression("hz_to_midi", str(frequency))


def _write_stretch_expression(state: CompositionState, octave: int) -> str:
    rng, code_style = state.rng, state.code_style
    notes = code_style.format_ruby_list(state.write_phrase_notes(octave, rng.sample_integer(2, 4)))
    repeats = str(rng.pick_option((2, 4)))
    return code_style.format_call_expression("stretch", notes, repeats) + ".tick"


_NOTE_WRITER_WEIGHTS: dict[Callable[[CompositionState, int], str], float] = {
    _write_scale_choose_expression: 6,
    _write_scale_tick_expression: 5,
    _write_list_tick_expression: 5,
    _write_list_choose_expression: 3,
    _write_chord_tick_expression: 4,
    _write_single_note_expression: 2,
    _write_rrand_i_expression: 2,
    _write_scale_shuffle_expression: 2,
    _write_knit_expression: 1.5,
    _write_degree_expression: 1.5,
    _write_list_index_expression: 1.5,
    _write_ring_chain_expression: 3,
    _write_rrand_expression: 0.7,
    _write_range_or_line_expression: 1,
    _write_note_range_call_over_chord: 0.7,
    _write_transposed_note_expression: 2,
    _write_ternary_expression: 0.8,
    _write_octs_expression: 0.5,
    _write_hz_to_midi_expression: 0.3,
    _write_scale_pick_expression: 1.2,
    _write_stretch_expression: 0.6,
}
