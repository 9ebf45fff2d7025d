"""Layers of sampled loops, whole or cut, and of single sounds at odd places."""

from __future__ import annotations

from core.programs.grammar import instruments
from core.programs.grammar.drums import character, cut_short
from core.programs.grammar.context import Layer, Sketch
from core.programs.grammar.code_tree import Block, If, Node


def breaks(s: Sketch, steady: bool) -> Layer:
    """Return a layer that plays a sampled loop, whole or cut."""
    d, h = s.dice, s.hand
    name = d.pick(instruments.SAMPLE_GROUPS["breaks"])
    amp = s.amp(instruments.sample_amp(name, "breaks", s.level_of(1.0)))
    smp = s.hoisted("sample", f":{name}", 0.7)
    lasts = instruments.LASTS[name]
    way = d.weighted(
        {
            "stretch": 5,
            "plain": 2,
            "rate": 3,
            "slice": 3,
            "onset": 3,
            "chop": 2,
            "duration": 1.5,
            "pitch": 0.7,
            "bpm": 0.8,
        }
    )
    extra = character(s) if d.chance(0.25) and way in ("slice", "onset", "duration") else {}
    if way in ("stretch", "pitch", "bpm"):
        beats = min(
            (2, 4, 8, 16), key=lambda beats: abs(s.seconds(beats) - lasts * d.log(0.7, 1.5))
        )
        stretch = {"beat_stretch" if way != "pitch" else "pitch_stretch": str(beats)}
        body: list[Node] = [
            h.call("sample", smp, **{**extra, **stretch, **amp}),
            h.sleep(h.length(beats)),
        ]
        if way == "bpm":
            more = {"num_beats": str(beats)} if d.chance(0.7) else {}
            body = [
                h.call("use_sample_bpm", smp, **more),
                h.call("sample", smp, **amp),
                h.sleep(str(beats) if more else "1"),
            ]
            beats = s.beats(lasts)
    elif way in ("plain", "rate"):
        rate = (
            1.0 if way == "plain" else d.pick((0.5, 0.75, 0.8, 0.9, 1.1, 1.2, 1.5, 2.0, -1.0, -0.5))
        )
        beats = round(s.beats(lasts / abs(rate)) * 4) / 4 or 0.25
        body = [
            h.call("sample", smp, **({} if way == "plain" else {"rate": h.number(rate)}), **amp),
            h.sleep(h.length(beats)),
        ]
    elif way == "duration":
        rate = {"rate": h.number(d.pick((0.8, 1.2, -1.0)))} if d.chance(0.4) else {}
        beats = s.beats(lasts) / 2
        body = [
            h.call("sample", smp, **{**extra, **rate, **amp}),
            h.sleep(h.expression("sample_duration", smp, **rate)),
        ]
    else:
        body, beats = _cut(s, smp, amp | extra, way, lasts)
    return Layer("break", h.loop_name("break"), body, beats, [name])


def _cut(
    s: Sketch, smp: str, options: dict[str, str], way: str, lasts: float
) -> tuple[list[Node], float]:
    d, h = s.dice, s.hand
    step = s.step(1, max(0.12, min(0.5, lasts / 6)))
    if way == "slice":
        count = d.pick((4, 8, 8, 16, 32))
        which = d.pick(
            (
                f"rand_i({count})",
                "tick",
                f"dice({count}) - 1",
                "pick",
                f"(0...{count}).to_a.shuffle.tick",
            )
        )
        which = f"rrand_i(0, {count - 1})" if which == "pick" else which
        cut = {"num_slices": str(count), "slice": which}
    elif way == "onset":
        cut = {"onset": d.pick(("pick", "tick", "rand_i(8)", str(d.integer(0, 3))))}
    else:
        start = d.uniform(0.0, 0.75)
        width = d.pick((0.125, 0.25)) if lasts < 5 else d.pick((0.05, 0.1))
        cut = {"start": h.number(start), "finish": h.number(round(start + width, 3))}
        if d.chance(0.4):
            places = h.list(["0", "0.25", "0.5", "0.75"], ring=True)
            cut = {"start": f"{places}.{d.pick(('tick', 'choose'))}", "finish": "1"}
            options = {**options, "sustain": h.length(step), "release": "0.1"}
    if d.chance(0.2) and "rate" not in options:
        options = {
            **options,
            "rate": d.pick(
                ("[1, 1, -1].choose", "0.8", "(ring 1, 1, 2).tick(:r)", "rrand(0.8, 1.2)")
            ),
        }
    rest = (
        h.length(step)
        if d.chance(0.75)
        else h.list([h.length(step), h.length(step * 2)]) + ".choose"
    )
    return [h.call("sample", smp, **{**options, **cut}), h.sleep(rest)], step


def glitch(s: Sketch, steady: bool) -> Layer:
    """Return a layer of single sounds at odd places."""
    d, h = s.dice, s.hand
    group = d.pick(("glitches", "blips", "percussion", "tablas", "glitches", "bass_hits"))
    name = d.pick(instruments.SAMPLE_GROUPS[group])
    value = instruments.sample_amp(name, group, s.level_of(0.9))
    options = character(s) if d.chance(0.6) else {}
    options |= cut_short(s, name, options)
    hit = h.call("sample", f":{name}", **s.amp(value), **options, **s.pan(0.4))
    step = s.step(d.pick((1, 2, 3)), 1.5)
    body: list[Node] = [hit]
    certain = steady or d.chance(0.4)
    if not certain:
        odds = f"one_in({d.integer(2, 6)})"
        body = [If(odds, [hit])] if d.chance(0.5) else [f"{hit} if {odds}"]
        if d.chance(0.25):
            other = d.pick(instruments.SAMPLE_GROUPS[group])
            body = [If(odds, [hit], [h.call("sample", f":{other}", amp=h.number(value))])]
    rest = d.pick(
        (
            h.length(step),
            h.list([h.length(step), h.length(step * 2), h.length(step * 0.5)]) + ".choose",
            h.expression("rrand", h.length(step * 0.5), h.length(step * 1.5)),
        )
    )
    if d.chance(0.1):
        body = [Block(h.call("time_warp", h.length(step / 2)), body)]
    return Layer(
        "glitch", h.loop_name("glitch"), [*body, h.sleep(rest)], step * 0.5, [name], certain
    )
