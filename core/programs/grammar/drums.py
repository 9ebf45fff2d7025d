"""Layers of samples that are struck: kits."""

from __future__ import annotations

from core.programs.grammar import instruments
from core.programs.grammar.context import Layer, Sketch
from core.programs.grammar.code_tree import Block, If, Node

_PATTERNS = (
    "x---x---x---x---",
    "x--x--x-",
    "x-x-x-x-",
    "x-------x-x-----",
    "----x-------x---",
    "x--x---x--x-x---",
    "--x---x-",
    "x-xx-x-x",
    "x---",
    "x-x--x--",
    "xx-x",
    "x--x--x---x-x---",
    "x-----x---x-----",
    "xxxx",
)


class Drum:
    """One struck sample with the options that it keeps."""

    def __init__(self, s: Sketch, group: str, level: float):
        self.s = s
        self.name = s.dice.pick(instruments.SAMPLE_GROUPS[group])
        self.amp = instruments.sample_amp(self.name, group, s.level_of(level))
        self.options = character(s) if s.dice.chance(0.4) else {}
        self.options |= cut_short(s, self.name, self.options)

    def hit(self, accent: float = 1.0) -> str:
        """Write one stroke."""
        amp = self.s.amp(round(self.amp * accent, 2))
        return self.s.hand.call(
            "sample", f":{self.name}", **amp, **self.options, **self.s.pan(0.06)
        )


def cut_short(s: Sketch, name: str, options: dict[str, str]) -> dict[str, str]:
    """Return options that keep a long sample from piling up on itself when it is struck often."""
    d, h = s.dice, s.hand
    if name not in instruments.LASTS or {"finish", "sustain"} & set(options):
        return {}
    share = round(min(1.0, d.uniform(0.4, 1.2) / instruments.LASTS[name]), 2)
    if d.chance(0.5) and "start" not in options:
        return {"finish": h.number(share)}
    return {
        "sustain": h.number(d.uniform(0.1, 0.6, 1)),
        "release": h.number(d.uniform(0.1, 0.6, 1)),
    }


def character(s: Sketch) -> dict[str, str]:
    """Return options that change how a struck sample sounds."""
    d, h = s.dice, s.hand
    ways = {
        "rate": 8,
        "cut": 3,
        "start": 1,
        "sustain": 2,
        "pitch": 1.5,
        "lpf": 1.5,
        "hpf": 1,
        "release": 1.5,
        "compress": 0.5,
    }
    way = d.weighted(ways)
    if way == "rate":
        return {"rate": s.moving(0.6, 2.0, 0.7)}
    if way == "cut":
        return {"cutoff": s.moving(75, 125, 0.6)}
    if way == "start":
        return {"start": h.number(d.uniform(0.0, 0.1)), "finish": h.number(d.uniform(0.4, 0.9, 1))}
    if way == "sustain":
        return {
            "sustain": h.number(d.uniform(0.05, 0.2)),
            "release": h.number(d.uniform(0.05, 0.3)),
        }
    if way == "pitch":
        return (
            {"rpitch": str(d.integer(-7, 12))}
            if d.chance(0.7)
            else {"pitch": str(d.pick((-12, -5, 3, 5, 7)))}
        )
    if way == "lpf":
        return {"lpf": s.moving(75, 120, 0.7)}
    if way == "hpf":
        return {"hpf": s.moving(30, 85, 0.7)}
    if way == "release":
        return {"attack": h.number(d.uniform(0.0, 0.03)), "release": h.number(d.uniform(0.05, 0.2))}
    return {"compress": "1", "threshold": h.number(d.uniform(0.1, 0.4))}


def kit(s: Sketch, steady: bool) -> Layer:
    """Return a drum layer."""
    d = s.dice
    way = d.weighted(
        {
            "one": 4,
            "steps": 5,
            "grid": 4,
            "text": 1.5,
            "numbers": 1,
            "nested": 2,
            "random": 2,
            "at": 1.2,
            "hats": 2,
            "case": 0.5,
        }
    )
    return {
        "one": _one,
        "steps": _steps,
        "grid": _grid,
        "text": _text,
        "numbers": _numbers,
        "nested": _nested,
        "random": _random,
        "at": _at,
        "hats": _hats,
        "case": _case,
    }[way](s, steady)


def _layer(
    s: Sketch,
    body: list[Node],
    beats: float,
    drums: list[Drum],
    steady: bool = True,
    kind: str = "kit",
) -> Layer:
    return Layer(kind, s.hand.loop_name(kind), body, beats, [drum.name for drum in drums], steady)


def _one(s: Sketch, steady: bool) -> Layer:
    groups = ("kicks", "kicks", "hats", "snares", "percussion", "tablas", "toms", "cymbals")
    drum = Drum(s, s.dice.pick(groups), 1.0)
    beat = s.step(s.dice.pick((1, 2, 2, 4)), 2.5)
    body: list[Node] = [drum.hit(), s.hand.sleep(s.hoisted("sleep", s.hand.length(beat)))]
    if s.dice.chance(0.15):
        body.insert(0, s.hand.sleep(s.hand.length(beat)))
        return _layer(s, body, 2 * beat, [drum])
    return _layer(s, body, beat, [drum])


def _steps(s: Sketch, steady: bool) -> Layer:
    d, h = s.dice, s.hand
    drums = [
        Drum(s, "kicks", 1.0),
        Drum(s, d.pick(("snares", "percussion", "toms")), 0.8),
        Drum(s, d.pick(("hats", "cymbals", "cymbals", "tablas")), 0.6),
    ]
    drums = drums[: d.pick((2, 2, 3))]
    step = s.step(d.pick((1, 2)), 1.5)
    count = d.pick((2, 3, 4, 4, 6, 8))
    body: list[Node] = []
    for place in range(count):
        strokes = d.distinct(drums, d.weighted({1: 6, 2: 2, 0: 1})) if place else [drums[0]]
        body += [drum.hit() for drum in strokes]
        body.append(h.sleep(h.length(step)))
    if d.chance(0.2):
        body = [
            Block(f"{d.pick((2, 3, 4))}.times", body, braces=True),
            *([drums[-1].hit(), h.sleep(h.length(step))]),
        ]
    return _layer(s, body, step * count, drums)


def _grid(s: Sketch, steady: bool) -> Layer:
    d, h = s.dice, s.hand
    count = d.integer(1, 4)
    groups = ["kicks", "snares", "hats", d.pick(("percussion", "tablas", "toms", "blips"))]
    drums = [Drum(s, group, 0.9) for group in groups[:count]]
    step = s.step(1, 0.5)
    counter = d.pick(("look", "look", "look(:b)", "tick"))
    body: list[Node] = []
    ticked = counter == "look"
    if ticked:
        body.append("tick")
    for drum in drums:
        pattern = euclid(s)
        call = f"{pattern}.{counter if ticked else f'tick(:{drum.name[:3]})'}"
        body.append(f"{drum.hit()} if {call}" if d.chance(0.8) else If(call, [drum.hit()]))
    body.append(h.sleep(h.length(step)))
    return _layer(s, body, step, drums, steady=True)


def euclid(s: Sketch) -> str:
    """Write a ring of booleans, the first one true, that hits at least every other beat or so."""
    d, h = s.dice, s.hand
    way = d.weighted({"spread": 6, "bools": 2, "knit": 1, "list": 1})
    if way == "spread":
        size = d.pick((8, 8, 16, 16, 12, 7, 5, 4, 9, 11, 13))
        more = {"rotate": str(d.integer(1, 3))} if d.chance(0.15) else {}
        return h.expression(
            "spread", str(d.integer(max(2, size // 4), max(3, size - size // 4))), str(size), **more
        )
    pattern = d.pick(_PATTERNS)
    if way == "bools":
        return s.hoisted(
            "pattern", h.expression("bools", *("1" if c == "x" else "0" for c in pattern))
        )
    if way == "knit":
        return h.expression("knit", "true", str(d.integer(1, 3)), "false", str(d.integer(1, 3)))
    return h.list(["true" if c == "x" else "false" for c in pattern[:8].rjust(4, "x")], ring=True)


def _text(s: Sketch, steady: bool) -> Layer:
    d, h = s.dice, s.hand
    drums = [Drum(s, group, 0.9) for group in ["kicks", "snares", "hats"][: d.integer(1, 3)]]
    step = s.step(1, 0.5)
    body: list[Node] = ["tick"]
    for drum in drums:
        name = h.variable("pattern")
        text = d.pick(_PATTERNS[:6])
        s.top.append(h.assign(name, f'"{text}"' + d.pick((".ring", ""))))
        if not s.top[-1].endswith(".ring"):
            body.append(f"{drum.hit()} if {name}[look % {len(text)}] == 'x'")
        else:
            body.append(f'{drum.hit()} if {name}.look == "x"')
    body.append(h.sleep(h.length(step)))
    return _layer(s, body, step, drums)


def _numbers(s: Sketch, steady: bool) -> Layer:
    """Loudness as a ring of numbers."""
    d, h = s.dice, s.hand
    drum = Drum(s, d.pick(("kicks", "hats", "snares", "percussion")), 1.0)
    levels = [
        h.number(round(drum.amp * share, 2))
        for share in d.several((1, 0.5, 0.25, 0, 0.75), d.pick((3, 4, 8)))
    ]
    levels[0] = h.number(drum.amp)
    ring = s.hoisted("pattern", h.list(levels, ring=True), 1.5)
    body: list[Node] = [
        h.call("sample", f":{drum.name}", amp=f"{ring}.tick", **drum.options),
        h.sleep(h.length(s.step(1, 0.6))),
    ]
    return _layer(s, body, s.step(1, 0.6), [drum])


def _nested(s: Sketch, steady: bool) -> Layer:
    d, h = s.dice, s.hand
    drums = [
        Drum(s, d.pick(("hats", "kicks", "percussion", "tablas")), 0.8),
        Drum(s, d.pick(("snares", "kicks", "toms")), 1.0),
    ]
    count, step = d.pick((2, 3, 4, 7, 8)), s.step(1, 0.8)
    counter = h.variable("index") if d.chance(0.2) else ""
    first = drums[0].hit()
    if counter:
        first = h.call(
            "sample",
            f":{drums[0].name}",
            rate=h.infix("1", "+", f"{counter} * 0.1"),
            amp=h.number(drums[0].amp),
        )
    body: list[Node] = [
        Block(f"{count}.times", [first, h.sleep(h.length(step))], params=counter, braces=True)
    ]
    body += [drums[1].hit(), h.sleep(h.length(step * d.pick((1, 1, 2))))]
    return _layer(s, body, step * (count + 1), drums)


def _random(s: Sketch, steady: bool) -> Layer:
    d, h = s.dice, s.hand
    group = d.pick(("kicks", "percussion", "tablas", "hats", "toms", "blips"))
    drums = [Drum(s, group, 0.9) for _ in range(d.integer(2, 5))]
    names = s.hoisted("samples", h.list([f":{drum.name}" for drum in drums]), 1.5)
    amp = h.number(min(drum.amp for drum in drums))
    hit = h.call(
        "sample",
        f"{names}.{d.pick(('choose', 'choose', 'tick', 'shuffle.first'))}",
        amp=amp,
        **drums[0].options,
    )
    if not steady and d.chance(0.5):
        hit += d.pick((f" if one_in({d.integer(2, 4)})", " if rand < 0.6", " unless one_in(3)"))
    step = s.step(1, 0.6)
    rests = (
        h.list([h.length(step), h.length(step * 2)]) + ".choose"
        if d.chance(0.4)
        else h.length(step)
    )
    return _layer(s, [hit, h.sleep(rests)], step, drums, steady=" if " not in hit)


def _at(s: Sketch, steady: bool) -> Layer:
    d, h = s.dice, s.hand
    drums = [Drum(s, "kicks", 1.0), Drum(s, "snares", 0.8)]
    step = s.step(2, 1.0)
    body: list[Node] = []
    for drum, places in zip(drums, ((0, 2, d.pick((2.5, 3))), (1, 3))):
        times = h.list([h.length(place * step) for place in places])
        counter = h.variable("count") if d.chance(0.2) else ""
        body.append(Block(h.call("at", times), [drum.hit()], params=counter))
    body.append(h.sleep(h.length(4 * step)))
    return _layer(s, body, 4 * step, drums)


def _hats(s: Sketch, steady: bool) -> Layer:
    d, h = s.dice, s.hand
    drum = Drum(s, "hats", 0.9)
    step = s.step(1, 0.5)
    amp = h.expression("rrand", h.number(round(drum.amp * 0.5, 2)), h.number(drum.amp))
    hit = h.call("sample", f":{drum.name}", amp=amp, **drum.options, **s.pan(0.4))
    inner: list[Node] = [hit, h.sleep(h.length(step))]
    body: list[Node] = inner
    if d.chance(0.3):
        body = [Block(h.call("density", d.pick(("2", "1", "[1, 2, 4].choose", "dice(2)"))), inner)]
        step /= 4
    elif d.chance(0.15):
        body = [
            Block(
                h.call("with_swing", h.number(d.uniform(0.02, 0.1)), pulse=str(d.pick((2, 4)))),
                [hit],
            ),
            inner[1],
        ]
    return _layer(s, body, step, [drum])


def _case(s: Sketch, steady: bool) -> Layer:
    d, h = s.dice, s.hand
    drums = [Drum(s, group, 0.9) for group in ("kicks", "snares", "hats")]
    step = s.step(1, 0.8)
    first = If(
        f"dice({d.pick((3, 4, 6))}) {d.pick(('== 1', '> 2'))}", [drums[0].hit()], [drums[1].hit()]
    )
    return _layer(s, [first, drums[2].hit(), h.sleep(h.length(step))], step, drums)
