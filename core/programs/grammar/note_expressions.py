"""Ruby expressions that give the notes of a loop: `scale(:c4, :minor).choose` and others."""

from __future__ import annotations

from collections.abc import Callable

from core.programs.grammar.tempo_key_and_note_writers import CompositionContext

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


def write_note_expression(context: CompositionContext, octave: int) -> str:
    """Write a Ruby expression that gives a note each time it is evaluated.

    Parameters
    ----------
    context : CompositionContext
        The program under composition.
    octave : int
        Octave of the lowest notes; octave 4 starts at middle C.
    """
    write_expression = context.rng.pick_option_by_weight(_NOTE_WRITER_WEIGHTS)
    return write_expression(context, octave)


def _write_scale_choose_expression(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
    notes = context.maybe_extract_variable(
        "scale", context.write_scale_expression(octave, rng.pick_option((1, 1, 2, 3)))
    )
    if rng.sample_boolean(0.8):
        return f"{notes}.choose"
    return code_style.format_call_expression("choose", notes)


def _write_scale_tick_expression(context: CompositionContext, octave: int) -> str:
    rng = context.rng
    return (
        context.maybe_extract_variable(
            "scale", context.write_scale_expression(octave, rng.pick_option((1, 1, 2)))
        )
        + ".tick"
    )


def _write_list_tick_expression(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
    notes = context.write_phrase_notes(octave, rng.pick_option((2, 3, 4, 4, 5, 6, 8, 8)))
    if len(notes) > 4 and rng.sample_boolean(0.2):
        notes[rng.sample_integer(1, len(notes) - 1)] = rng.pick_option((":r", "nil", ":rest"))
    return (
        context.maybe_extract_variable(
            "notes", code_style.format_ruby_list(notes, as_ring=True), 1.6
        )
        + ".tick"
    )


def _write_list_choose_expression(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
    phrase = context.write_phrase_notes(octave, rng.sample_integer(3, 6))
    notes = context.maybe_extract_variable("notes", code_style.format_ruby_list(phrase), 1.4)
    if rng.sample_boolean(0.7):
        return f"{notes}.choose"
    return code_style.format_call_expression("choose", notes)


def _write_chord_tick_expression(context: CompositionContext, octave: int) -> str:
    chains = (".ring.tick", ".tick", ".choose", ".choose", ".shuffle.tick")
    return context.write_chord_expression(octave) + context.rng.pick_option(chains)


def _write_single_note_expression(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
    midi = context.degree_to_midi(octave, rng.sample_integer(0, 4))
    return context.maybe_extract_variable("root", code_style.format_note(midi))


def _write_rrand_i_expression(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
    lo = context.degree_to_midi(octave)
    hi = lo + rng.pick_option((7, 12, 19, 24))
    return code_style.format_call_expression("rrand_i", str(lo), str(hi))


def _write_rrand_expression(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
    lo = context.degree_to_midi(octave)
    hi = lo + rng.pick_option((12, 19, 24))
    return code_style.format_call_expression("rrand", str(lo), str(hi))


def _write_scale_shuffle_expression(context: CompositionContext, octave: int) -> str:
    rng = context.rng
    scale = context.write_scale_expression(octave, rng.pick_option((1, 2)))
    return f"{scale}.shuffle" + rng.pick_option((".tick", ".take(4).tick", ".first"))


def _write_scale_pick_expression(context: CompositionContext, octave: int) -> str:
    rng = context.rng
    scale = context.write_scale_expression(octave)
    return f"{scale}.pick({rng.sample_integer(2, 6)})" + rng.pick_option((".tick", ".choose"))


def _write_knit_expression(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
    arguments: list[str] = []
    for note in context.write_phrase_notes(octave, rng.sample_integer(2, 4)):
        arguments += [note, str(rng.pick_option((1, 2, 3, 4, 8)))]
    knit = code_style.format_call_expression("knit", *arguments)
    return context.maybe_extract_variable("notes", knit) + ".tick"


def _write_degree_expression(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
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
        context.write_tonic_note_symbol(octave),
        ":" + context.pick_seven_note_scale(),
    )


def _write_list_index_expression(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
    ring = code_style.format_ruby_list(context.write_phrase_notes(octave, 4), as_ring=True)
    notes = context.maybe_extract_variable("notes", ring, 1.6)
    index = rng.pick_option(("tick", "rand_i(4)", "look", "tick % 4", "dice(4) - 1"))
    return f"{notes}[{index}]"


def _write_ring_chain_expression(context: CompositionContext, octave: int) -> str:
    rng = context.rng
    # Both are drawn before one is picked; drawing only one would change all programs.
    scale = context.write_scale_expression(octave, rng.pick_option((1, 2)))
    chord = context.write_chord_expression(octave)
    ring = rng.pick_option((scale, f"{chord}.ring"))
    methods = rng.pick_options_without_replacement(_RING_METHODS, rng.sample_integer(1, 2))
    return ring + "".join(methods) + ".tick"


def _write_range_or_line_expression(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
    lo = context.degree_to_midi(octave)
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


def _write_note_range_call_over_chord(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
    return code_style.format_call_expression(
        "note_range",
        context.write_tonic_note_symbol(octave),
        code_style.format_tonic_symbol(context.degree_to_midi(octave) + 24),
        pitches=context.write_chord_expression(octave),
    ) + rng.pick_option((".choose", ".tick"))


def _write_transposed_note_expression(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
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
        note = code_style.format_note(context.degree_to_midi(octave, rng.sample_integer(0, 3)))
    else:
        note = _write_scale_choose_expression(context, octave)
    return code_style.format_infix_operation(note, "+", shift)


def _write_ternary_expression(context: CompositionContext, octave: int) -> str:
    rng = context.rng
    rare_note, usual_note = context.write_phrase_notes(octave, 2)
    return f"(one_in({rng.sample_integer(2, 5)}) ? {rare_note} : {usual_note})"


def _write_octs_expression(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
    return code_style.format_call_expression(
        "octs", context.write_tonic_note_symbol(octave - 1), "3"
    ) + rng.pick_option((".tick", ".choose"))


def _write_hz_to_midi_expression(context: CompositionContext, _octave: int) -> str:
    frequency = context.rng.pick_option((110, 220, 261.6, 330, 440, 523, 660))
    return context.code_style.format_call_expression("hz_to_midi", str(frequency))


def _write_stretch_expression(context: CompositionContext, octave: int) -> str:
    rng, code_style = context.rng, context.code_style
    notes = code_style.format_ruby_list(
        context.write_phrase_notes(octave, rng.sample_integer(2, 4))
    )
    repeats = str(rng.pick_option((2, 4)))
    return code_style.format_call_expression("stretch", notes, repeats) + ".tick"


_NOTE_WRITER_WEIGHTS: dict[Callable[[CompositionContext, int], str], float] = {
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
