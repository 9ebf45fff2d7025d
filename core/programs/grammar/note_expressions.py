"""The ways in which people let a note be another one each time."""

from __future__ import annotations

from collections.abc import Callable

from core.programs.grammar.rng import Dice
from core.programs.grammar.code_style import Hand
from core.programs.grammar.context import Sketch


def changing_note(s: Sketch, octave: int) -> str:
    """Write an expression that gives a note each time it is evaluated."""
    return s.dice.weighted(_WAYS)(s, octave, s.dice, s.hand)


def _choose(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    notes = s.hoisted("scale", s.scale_of(octave, d.pick((1, 1, 2, 3))))
    return f"{notes}.choose" if d.chance(0.8) else h.expression("choose", notes)


def _ticked(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    return s.hoisted("scale", s.scale_of(octave, d.pick((1, 1, 2)))) + ".tick"


def _list_tick(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    notes = s.melody(octave, d.pick((2, 3, 4, 4, 5, 6, 8, 8)))
    if len(notes) > 4 and d.chance(0.2):
        notes[d.integer(1, len(notes) - 1)] = d.pick((":r", "nil", ":rest"))
    return s.hoisted("notes", h.list(notes, ring=True), 1.6) + ".tick"


def _list_choose(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    notes = s.hoisted("notes", h.list(s.melody(octave, d.integer(3, 6))), 1.4)
    return f"{notes}.choose" if d.chance(0.7) else h.expression("choose", notes)


def _chord_tick(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    return (
        f"{s.chord(octave)}{d.pick(('.ring.tick', '.tick', '.choose', '.choose', '.shuffle.tick'))}"
    )


def _one(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    return s.hoisted("root", h.note(s.midi(octave, d.integer(0, 4))))


def _rrand_i(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    return h.expression(
        "rrand_i", str(s.midi(octave)), str(s.midi(octave) + d.pick((7, 12, 19, 24)))
    )


def _rrand(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    return h.expression("rrand", str(s.midi(octave)), str(s.midi(octave) + d.pick((12, 19, 24))))


def _shuffle(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    return (
        s.scale_of(octave, d.pick((1, 2)))
        + ".shuffle"
        + d.pick((".tick", ".take(4).tick", ".first"))
    )


def _pick(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    return s.scale_of(octave) + f".pick({d.integer(2, 6)})" + d.pick((".tick", ".choose"))


def _knit(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    parts = [
        t for n in s.melody(octave, d.integer(2, 4)) for t in (n, str(d.pick((1, 2, 3, 4, 8))))
    ]
    return s.hoisted("notes", h.expression("knit", *parts)) + ".tick"


def _degree(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    which = d.pick(
        (h.expression("rrand_i", "1", "7"), h.expression("dice", "7"), str(d.integer(1, 6)), ":v")
    )
    return h.expression("degree", which, s.key(octave), ":" + s.seven())


def _index(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    notes = s.hoisted("notes", h.list(s.melody(octave, 4), ring=True), 1.6)
    return f"{notes}[{d.pick(('tick', 'rand_i(4)', 'look', 'tick % 4', 'dice(4) - 1'))}]"


def _chain(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
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
    base = d.pick((s.scale_of(octave, d.pick((1, 2))), s.chord(octave) + ".ring"))
    return base + "".join(d.distinct(links, d.integer(1, 2))) + ".tick"


def _range(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    lo = s.midi(octave)
    if d.chance(0.4):
        return h.expression(
            "line", str(lo), str(lo + d.pick((7, 12, 24))), steps=str(d.pick((4, 8, 16)))
        ) + d.pick((".tick", ".mirror.tick", ".choose"))
    return h.expression(
        "range", str(lo), str(lo + d.pick((12, 24))), str(d.pick((2, 3, 5, 7)))
    ) + d.pick((".tick", ".mirror.tick", ".choose", ".reverse.tick"))


def _note_range(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    return h.expression(
        "note_range", s.key(octave), h.tonic(s.midi(octave) + 24), pitches=s.chord(octave)
    ) + d.pick((".choose", ".tick"))


def _plus(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    shift = d.pick(
        (
            h.list(["0", "0", "12"]) + ".choose",
            h.list(["0", "7", "12"], ring=True) + ".tick",
            "12",
            h.list(["-12", "0"]) + ".choose",
            h.expression("knit", "0", "3", "5", "1") + ".tick",
        )
    )
    return h.infix(
        h.note(s.midi(octave, d.integer(0, 3))) if d.chance(0.6) else _choose(s, octave, d, h),
        "+",
        shift,
    )


def _ternary(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    one, other = s.melody(octave, 2)
    return f"(one_in({d.integer(2, 5)}) ? {one} : {other})"


def _octs(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    return h.expression("octs", s.key(octave - 1), "3") + d.pick((".tick", ".choose"))


def _hz(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    return h.expression("hz_to_midi", str(d.pick((110, 220, 261.6, 330, 440, 523, 660))))


def _stretch(s: Sketch, octave: int, d: Dice, h: Hand) -> str:
    return (
        h.expression("stretch", h.list(s.melody(octave, d.integer(2, 4))), str(d.pick((2, 4))))
        + ".tick"
    )


_WAYS: dict[Callable[[Sketch, int, Dice, Hand], str], float] = {
    _choose: 6,
    _ticked: 5,
    _list_tick: 5,
    _list_choose: 3,
    _chord_tick: 4,
    _one: 2,
    _rrand_i: 2,
    _shuffle: 2,
    _knit: 1.5,
    _degree: 1.5,
    _index: 1.5,
    _chain: 3,
    _rrand: 0.7,
    _range: 1,
    _note_range: 0.7,
    _plus: 2,
    _ternary: 0.8,
    _octs: 0.5,
    _hz: 0.3,
    _pick: 1.2,
    _stretch: 0.6,
}
