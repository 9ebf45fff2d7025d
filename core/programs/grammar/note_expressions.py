"""The ways in which people let a note be another one each time."""

from __future__ import annotations

from collections.abc import Callable

from core.programs.grammar.rng import SeededRandom
from core.programs.grammar.code_style import CodeStyle
from core.programs.grammar.context import CompositionContext


def write_note_expression(context: CompositionContext, octave: int) -> str:
    """Write an expression that gives a note each time it is evaluated."""
    return context.rng.pick_weighted(_NOTE_WRITER_WEIGHTS)(context, octave, context.rng, context.code_style)


def _write_scale_choose(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    notes = context.maybe_hoist("scale", context.write_scale(octave, rng.pick((1, 1, 2, 3))))
    return f"{notes}.choose" if rng.chance(0.8) else code_style.format_call_expression("choose", notes)


def _write_scale_tick(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    return context.maybe_hoist("scale", context.write_scale(octave, rng.pick((1, 1, 2)))) + ".tick"


def _write_list_tick(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    notes = context.write_phrase(octave, rng.pick((2, 3, 4, 4, 5, 6, 8, 8)))
    if len(notes) > 4 and rng.chance(0.2):
        notes[rng.draw_integer(1, len(notes) - 1)] = rng.pick((":r", "nil", ":rest"))
    return context.maybe_hoist("notes", code_style.format_list(notes, as_ring=True), 1.6) + ".tick"


def _write_list_choose(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    notes = context.maybe_hoist("notes", code_style.format_list(context.write_phrase(octave, rng.draw_integer(3, 6))), 1.4)
    return f"{notes}.choose" if rng.chance(0.7) else code_style.format_call_expression("choose", notes)


def _write_chord_tick(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    return (
        f"{context.write_chord(octave)}{rng.pick(('.ring.tick', '.tick', '.choose', '.choose', '.shuffle.tick'))}"
    )


def _write_single_note(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    return context.maybe_hoist("root", code_style.format_note(context.degree_to_midi(octave, rng.draw_integer(0, 4))))


def _write_rrand_i(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    return code_style.format_call_expression(
        "rrand_i", str(context.degree_to_midi(octave)), str(context.degree_to_midi(octave) + rng.pick((7, 12, 19, 24)))
    )


def _write_rrand(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    return code_style.format_call_expression("rrand", str(context.degree_to_midi(octave)), str(context.degree_to_midi(octave) + rng.pick((12, 19, 24))))


def _write_scale_shuffle(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    return (
        context.write_scale(octave, rng.pick((1, 2)))
        + ".shuffle"
        + rng.pick((".tick", ".take(4).tick", ".first"))
    )


def _write_scale_pick(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    return context.write_scale(octave) + f".pick({rng.draw_integer(2, 6)})" + rng.pick((".tick", ".choose"))


def _write_knit(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    parts = [
        t for n in context.write_phrase(octave, rng.draw_integer(2, 4)) for t in (n, str(rng.pick((1, 2, 3, 4, 8))))
    ]
    return context.maybe_hoist("notes", code_style.format_call_expression("knit", *parts)) + ".tick"


def _write_degree(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    which = rng.pick(
        (code_style.format_call_expression("rrand_i", "1", "7"), code_style.format_call_expression("dice", "7"), str(rng.draw_integer(1, 6)), ":v")
    )
    return code_style.format_call_expression("degree", which, context.write_tonic(octave), ":" + context.pick_seven_note_scale())


def _write_list_index(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    notes = context.maybe_hoist("notes", code_style.format_list(context.write_phrase(octave, 4), as_ring=True), 1.6)
    return f"{notes}[{rng.pick(('tick', 'rand_i(4)', 'look', 'tick % 4', 'dice(4) - 1'))}]"


def _write_ring_chain(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    links = (
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
    base = rng.pick((context.write_scale(octave, rng.pick((1, 2))), context.write_chord(octave) + ".ring"))
    return base + "".join(rng.pick_distinct(links, rng.draw_integer(1, 2))) + ".tick"


def _write_range_or_line(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    lo = context.degree_to_midi(octave)
    if rng.chance(0.4):
        return code_style.format_call_expression(
            "line", str(lo), str(lo + rng.pick((7, 12, 24))), steps=str(rng.pick((4, 8, 16)))
        ) + rng.pick((".tick", ".mirror.tick", ".choose"))
    return code_style.format_call_expression(
        "range", str(lo), str(lo + rng.pick((12, 24))), str(rng.pick((2, 3, 5, 7)))
    ) + rng.pick((".tick", ".mirror.tick", ".choose", ".reverse.tick"))


def _write_note_range(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    return code_style.format_call_expression(
        "note_range", context.write_tonic(octave), code_style.format_tonic(context.degree_to_midi(octave) + 24), pitches=context.write_chord(octave)
    ) + rng.pick((".choose", ".tick"))


def _write_transposed_note(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    shift = rng.pick(
        (
            code_style.format_list(["0", "0", "12"]) + ".choose",
            code_style.format_list(["0", "7", "12"], as_ring=True) + ".tick",
            "12",
            code_style.format_list(["-12", "0"]) + ".choose",
            code_style.format_call_expression("knit", "0", "3", "5", "1") + ".tick",
        )
    )
    return code_style.format_infix(
        code_style.format_note(context.degree_to_midi(octave, rng.draw_integer(0, 3))) if rng.chance(0.6) else _write_scale_choose(context, octave, rng, code_style),
        "+",
        shift,
    )


def _write_ternary(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    one, other = context.write_phrase(octave, 2)
    return f"(one_in({rng.draw_integer(2, 5)}) ? {one} : {other})"


def _write_octs(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    return code_style.format_call_expression("octs", context.write_tonic(octave - 1), "3") + rng.pick((".tick", ".choose"))


def _write_hz_to_midi(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    return code_style.format_call_expression("hz_to_midi", str(rng.pick((110, 220, 261.6, 330, 440, 523, 660))))


def _write_stretch(context: CompositionContext, octave: int, rng: SeededRandom, code_style: CodeStyle) -> str:
    return (
        code_style.format_call_expression("stretch", code_style.format_list(context.write_phrase(octave, rng.draw_integer(2, 4))), str(rng.pick((2, 4))))
        + ".tick"
    )


_NOTE_WRITER_WEIGHTS: dict[Callable[[CompositionContext, int, SeededRandom, CodeStyle], str], float] = {
    _write_scale_choose: 6,
    _write_scale_tick: 5,
    _write_list_tick: 5,
    _write_list_choose: 3,
    _write_chord_tick: 4,
    _write_single_note: 2,
    _write_rrand_i: 2,
    _write_scale_shuffle: 2,
    _write_knit: 1.5,
    _write_degree: 1.5,
    _write_list_index: 1.5,
    _write_ring_chain: 3,
    _write_rrand: 0.7,
    _write_range_or_line: 1,
    _write_note_range: 0.7,
    _write_transposed_note: 2,
    _write_ternary: 0.8,
    _write_octs: 0.5,
    _write_hz_to_midi: 0.3,
    _write_scale_pick: 1.2,
    _write_stretch: 0.6,
}
