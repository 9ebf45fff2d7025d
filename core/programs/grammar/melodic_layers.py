"""Layers of single notes: bass, melody, arpeggio."""

from __future__ import annotations

from core.programs.grammar import instruments
from core.programs.grammar.drums import euclid
from core.programs.grammar.note_expressions import changing_note
from core.programs.grammar.context import Layer, Sketch
from core.programs.grammar.code_tree import Block, If, Node
from core.programs.grammar.voice import Voice

_OCTAVES = {"bass": (1, 2, 2, 2, 3), "melody": (3, 4, 4, 4, 5), "arp": (3, 4, 4, 5)}
_TONAL_SAMPLES = ("bass_hits", "blips", "bass_hits")


def tones(s: Sketch, kind: str, steady: bool) -> Layer:
    """Return a layer of single notes: "bass", "melody" or "arp"."""
    d = s.dice
    if kind == "bass" and d.chance(0.12):
        return _tonal_sample(s, kind)
    ways = {
        "loop": 6,
        "phrase": 3,
        "timed": 2.5,
        "times": 2.5,
        "each": 1.5,
        "zip": 1,
        "rests": 2,
        "slide": 1.5,
        "maybe": 1.2,
        "shift": 1.2,
        "function": 1.2,
        "pattern": 0.8,
        "density": 0.7,
        "sample": 0.7,
        "seeded": 1.5,
        "chosen_rest": 1.5,
        "at": 0.6,
    }
    if kind == "arp":
        ways |= {"loop": 3, "arp": 9, "slide": 0.5}
    way = d.weighted(ways)
    if way == "sample":
        return _tonal_sample(s, kind)
    step = s.step({"bass": d.pick((1, 2)), "melody": d.pick((1, 1.5, 2)), "arp": 0.8}[kind], 2.0)
    voice = Voice(s, kind, s.seconds(step), {"bass": 1.1, "melody": 0.9, "arp": 0.8}[kind])
    octave = d.pick(_OCTAVES[kind])
    nodes, beats, certain = _WAYS[way](s, voice, octave, step, steady)
    return Layer(kind, s.hand.loop_name(kind), voice.body(nodes), beats, [voice.name], certain)


def _loop(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    return (
        [
            voice.play(changing_note(s, octave)),
            s.hand.sleep(s.hoisted("sleep", s.hand.length(step))),
        ],
        step,
        True,
    )


def _chosen_rest(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    d, h = s.dice, s.hand
    lengths = [h.length(step * share) for share in d.several((0.5, 1, 1, 2), d.integer(2, 4))]
    rest = h.list(lengths, ring=True)
    rest = s.hoisted("times", rest) + d.pick((".choose", ".tick", ".tick(:t)"))
    if d.chance(0.2):
        rest = h.expression("rrand", h.length(step * 0.5), h.length(step * 2))
    return [voice.play(changing_note(s, octave)), h.sleep(rest)], step * 0.5, True


def _phrase(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    d, h = s.dice, s.hand
    nodes: list[Node] = []
    beats = 0.0
    for note in s.melody(octave, d.pick((2, 3, 4, 4, 6, 8, 8, 12))):
        length = step * d.pick((0.5, 1, 1, 1, 2))
        nodes += [voice.play(note), h.sleep(h.length(length))]
        beats += length
    return nodes, beats, True


def _timed(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    d, h = s.dice, s.hand
    notes = d.pick(
        (
            h.list(s.melody(octave, d.integer(3, 8))),
            s.scale_of(octave, d.pick((1, 2))),
            s.chord(octave),
        )
    )
    notes = s.hoisted("notes", notes)
    lengths = [h.length(step * share) for share in d.several((0.5, 1, 1, 2), d.integer(1, 4))]
    times = s.hoisted("times", h.list(lengths)) if len(lengths) > 1 else lengths[0]
    options = {k: v for k, v in voice.options.items() if k != "note"}
    if voice.way == "synth":
        voice.before = [h.call("use_synth", f":{voice.name}")]
    return [h.call("play_pattern_timed", notes, times, **options)], step * 1.5, True


def _pattern(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    d, h = s.dice, s.hand
    notes = h.list(s.melody(octave, d.integer(3, 8)))
    if voice.way == "synth":
        voice.before = [h.call("use_synth", f":{voice.name}")]
    inner: list[Node] = [h.call("play_pattern", notes, **voice.options)]
    factor = str(max(1, round(1 / max(0.25, s.seconds(1.0) and step / 1.0))))
    return (
        [Block(h.call("with_bpm_mul", factor), inner)] if factor != "1" else inner,
        step * 3,
        True,
    )


def _times(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    d, h = s.dice, s.hand
    count = d.pick((2, 3, 4, 8, 8, 16))
    inner: list[Node] = [voice.play(changing_note(s, octave)), h.sleep(h.length(step))]
    nodes: list[Node] = [Block(f"{count}.times", inner, braces=True)]
    if d.chance(0.4):
        nodes += [
            Block(
                f"{d.pick((2, 4))}.times",
                [voice.play(changing_note(s, octave)), h.sleep(h.length(step))],
                braces=True,
            )
        ]
    if d.chance(0.2) and s.seconds(step) < 0.7:
        nodes.append(h.sleep(h.length(step * 2)))
    return nodes, step * count, True


def _seeded(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    """The same random phrase over and over."""
    d, h = s.dice, s.hand
    seed = str(d.integer(0, 9999) if d.chance(0.7) else d.integer(1, 99))
    nodes, beats, certain = _times(s, voice, octave, step, steady)
    if d.chance(0.25):
        return [Block(h.call("with_random_seed", seed), nodes)], beats, certain
    return [h.call("use_random_seed", seed), *nodes], beats, certain


def _each(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    d, h = s.dice, s.hand
    notes = s.hoisted("notes", h.list(s.melody(octave, d.integer(3, 8))))
    if d.chance(0.3):
        notes = s.scale_of(octave)
    name = h.variable("note")
    inner: list[Node] = [voice.play(name), h.sleep(h.length(step))]
    if d.chance(0.25):
        inner.insert(1, voice.play(h.infix(name, "+", d.pick(("12", "7", "4", "-12")))))
    return [Block(f"{notes}.each", inner, params=name)], step * 3, True


def _zip(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    d, h = s.dice, s.hand
    count = d.integer(3, 6)
    notes = s.hoisted("notes", h.list(s.melody(octave, count)), 1.5)
    times = s.hoisted(
        "times", h.list([h.length(step * d.pick((0.5, 1, 1, 2))) for _ in range(count)]), 1.5
    )
    note, time = h.variable("note"), h.variable("sleep")
    if d.chance(0.6):
        inner: list[Node] = [voice.play(note), h.sleep(time)]
        return (
            [Block(f"{notes}.zip({times}).each", inner, params=f"{note}, {time}")],
            step * count * 0.5,
            True,
        )
    index = h.variable("index")
    inner = [voice.play(f"{notes}[{index}]"), h.sleep(f"{times}[{index}]")]
    return [Block(f"{count}.times", inner, params=index, braces=True)], step * count * 0.5, True


def _rests(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    """Notes where a pattern says so."""
    d, h = s.dice, s.hand
    play = voice.play(changing_note(s, octave))
    pattern = euclid(s)
    nodes: list[Node] = (
        [If(f"{pattern}.tick(:p)", [play])] if d.chance(0.4) else [f"{play} if {pattern}.tick(:p)"]
    )
    step = s.step(1, 0.5)
    return [*nodes, h.sleep(h.length(step))], step, True


def _slide(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    """A held note that is bent."""
    d, h = s.dice, s.hand
    node = h.variable("node")
    count = d.integer(2, 4)
    held = step * count
    slide = h.length(step * d.pick((0.25, 0.5, 1)))
    notes = s.melody(octave, count)
    drop = ("sustain", "release", "attack", "decay", "sustain_level", "env_curve")
    voice.options = {k: v for k, v in voice.options.items() if k not in drop}
    play = voice.play(notes[0], sustain=h.length(held), release=h.length(step), note_slide=slide)
    nodes: list[Node] = [f"{node} = {play}", h.sleep(h.length(step))]
    if (
        "cutoff" in {option.name for option in instruments.SYNTHS[voice.name]}
        and voice.way != "choose"
        and d.chance(0.4)
    ):
        nodes.append(h.call("control", node, cutoff=str(d.integer(60, 120)), cutoff_slide=slide))
    for note in notes[1:]:
        more = {"amp": h.number(round(s.level * 0.5, 1))} if d.chance(0.1) else {}
        nodes += [h.call("control", node, note=note, **more), h.sleep(h.length(step))]
    if d.chance(0.1):
        nodes.append(h.call("kill", node))
    return nodes, held, True


def _maybe(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    d, h = s.dice, s.hand
    test = d.pick(
        (
            f"one_in({d.integer(2, 4)})",
            "rand < 0.5",
            f"dice(6) > {d.integer(2, 4)}",
            f"tick % {d.pick((3, 4, 5))} == 0",
            f"factor?(tick, {d.pick((2, 3, 4))})",
            "rand_i(4) != 2",
        )
    )
    one, other = (
        [voice.play(changing_note(s, octave))],
        [voice.play(changing_note(s, octave + 1 if octave < 5 else octave))],
    )
    return (
        [If(test, one, other, d.pick(("if", "if", "if", "unless"))), h.sleep(h.length(step))],
        step,
        True,
    )


def _shift(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    d, h = s.dice, s.hand
    inner: list[Node] = [voice.play(changing_note(s, octave)), h.sleep(h.length(step))]
    head = d.pick(
        (
            h.call("with_transpose", str(d.pick((-12, -5, 5, 7, 12)))),
            h.call("with_octave", d.pick(("-1", "1"))),
            h.call("with_transpose", h.list(["0", "5", "7"], ring=True) + ".tick(:s)"),
            h.call("with_cent_tuning", str(d.integer(-40, 40))),
        )
    )
    count = d.pick((2, 4, 4, 8))
    return [Block(head, [Block(f"{count}.times", inner, braces=True)]), *inner], step * count, True


def _function(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    """A define with arguments, called with several."""
    d, h = s.dice, s.hand
    name, note, time = h.variable("function"), h.variable("note"), h.variable("sleep")
    long = d.chance(0.5)
    inner: list[Node] = voice.body([voice.play(note), h.sleep(time if long else h.length(step))])
    if d.chance(0.4):
        inner.insert(-1, voice.play(h.infix(note, "+", d.pick(("7", "12", "3")))))
    voice.before, voice.way = [], "use"
    s.functions.append(
        Block(h.call("define", f":{name}"), inner, params=f"{note}, {time}" if long else note)
    )
    nodes: list[Node] = [
        h.call(name, one, *([h.length(step * d.pick((0.5, 1, 2)))] if long else []))
        for one in s.melody(octave, d.integer(2, 4))
    ]
    return nodes, step * len(nodes) * 0.5, True


def _density(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    d, h = s.dice, s.hand
    inner: list[Node] = [voice.play(changing_note(s, octave)), h.sleep(h.length(step * 2))]
    return (
        [Block(h.call("density", d.pick(("2", "[1, 2].choose", "2", "3"))), inner)],
        step * 0.7,
        True,
    )


def _at_times(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    d, h = s.dice, s.hand
    count = d.integer(2, 4)
    places = h.list([h.length(i * step) for i in range(count)])
    note = h.variable("note")
    notes = h.list(s.melody(octave, count))
    return (
        [
            Block(h.call("at", places, notes), [voice.play(note)], params=note),
            h.sleep(h.length(count * step)),
        ],
        step * count,
        True,
    )


def _arp(
    s: Sketch, voice: Voice, octave: int, step: float, steady: bool
) -> tuple[list[Node], float, bool]:
    d, h = s.dice, s.hand
    count = d.integer(2, 4)
    chords = s.hoisted("chords", h.list(s.changes(octave, count), ring=True), 1.5)
    chord = h.variable("chord")
    turn = d.pick(
        (".tick(:n)", ".choose", ".reverse.tick(:n)", ".mirror.tick(:n)", ".shuffle.tick(:n)")
    )
    note = f"{chord}.ring{turn}" if d.chance(0.4) else f"{chord}{turn}"
    inner: list[Node] = [voice.play(note), h.sleep(h.length(step))]
    times = d.pick((4, 4, 8, 6, 16))
    head = f"{chord} = {chords}.{d.pick(('tick', 'tick', 'choose'))}"
    return [head, Block(f"{times}.times", inner, braces=True)], step * times, True


_WAYS = {
    "loop": _loop,
    "phrase": _phrase,
    "timed": _timed,
    "times": _times,
    "each": _each,
    "zip": _zip,
    "rests": _rests,
    "slide": _slide,
    "maybe": _maybe,
    "shift": _shift,
    "function": _function,
    "pattern": _pattern,
    "density": _density,
    "seeded": _seeded,
    "chosen_rest": _chosen_rest,
    "arp": _arp,
    "at": _at_times,
}


def _tonal_sample(s: Sketch, kind: str) -> Layer:
    """A sample played as notes."""
    d, h = s.dice, s.hand
    group = d.pick(_TONAL_SAMPLES) if kind == "bass" else d.pick(("blips", "textures"))
    name = d.pick(instruments.SAMPLE_GROUPS[group])
    value = instruments.sample_amp(name, group, s.level_of(0.9))
    shifts = h.list(
        [str(n) for n in d.several((0, 0, 2, 3, 5, 7, 10, 12, -5, -2), d.integer(2, 5))], ring=True
    )
    step = s.step(2, 1.0)
    pitch = {
        d.pick(("rpitch", "rpitch", "pitch")): s.hoisted("notes", shifts)
        + d.pick((".tick", ".choose"))
    }
    if d.chance(0.25):
        pitch = {"rate": h.expression("pitch_to_ratio", shifts + ".tick")}
    cut = {"sustain": h.length(step), "release": "0.1"} if d.chance(0.3) else {}
    body: list[Node] = [
        h.call("sample", f":{name}", **pitch, **s.amp(value), **cut),
        h.sleep(h.length(step)),
    ]
    return Layer(kind, h.loop_name(kind), body, step, [name])
