"""Layers without strokes: drones, textures, noise."""

from __future__ import annotations

from core.programs.grammar import instruments
from core.programs.grammar.note_expressions import changing_note
from core.programs.grammar.context import Layer, Sketch
from core.programs.grammar.code_tree import If, Node


def drone(s: Sketch, steady: bool) -> Layer:
    """Return a held sound that changes slowly or not at all."""
    d, h = s.dice, s.hand
    name = d.pick(instruments.SYNTH_GROUPS["pads"])
    value = instruments.synth_amp(name, s.level_of(0.7))
    seconds = d.uniform(3.0, 8.0, 1)
    beats = max(1, round(s.beats(seconds)))
    octave = d.pick((2, 2, 3, 3, 4))
    options = s.tamed({**s.amp(value), **_long(s, beats), **s.own_options(name), **s.pan(0.2)})
    note = s.chord(octave) if d.chance(0.3) else changing_note(s, octave)
    node = h.variable("node")
    by_name = d.chance(0.4)
    play = (
        h.call("synth", f":{name}", note=note, **options)
        if by_name
        else h.call("play", note, **options)
    )
    body: list[Node] = [] if by_name else [h.call("use_synth", f":{name}")]
    filtered = any(option.name == "cutoff" for option in instruments.SYNTHS[name])
    if d.chance(0.45):
        target = (
            ("cutoff", h.number(d.number(60, 120)))
            if filtered and d.chance(0.6)
            else ("pan", d.pick(("-0.7", "0.7", "rrand(-1, 1)")))
        )
        if d.chance(0.2):
            target = ("note", h.note(s.midi(octave, d.integer(0, 5))))
        parts = d.pick((1, 2, 2, 4))
        slide = {f"{target[0]}_slide": h.length(beats / parts)}
        body = [h.assign(node, h.call("synth", f":{name}", note=note, **options, **slide))]
        for _ in range(parts):
            body += [
                h.call("control", node, **{target[0]: target[1]}),
                h.sleep(h.length(beats / parts)),
            ]
            again = {
                "cutoff": h.number(d.number(60, 120)),
                "note": h.note(s.midi(octave, d.integer(0, 5))),
            }
            target = (target[0], again.get(target[0], h.number(d.uniform(-0.9, 0.9, 1))))
    else:
        body += [play, h.sleep(h.length(beats * d.pick((1, 1, 0.75))))]
    return Layer("drone", h.loop_name("drone"), body, beats * 0.75, [name])


def _long(s: Sketch, beats: float) -> dict[str, str]:
    d, h = s.dice, s.hand
    attack = round(beats * d.uniform(0.1, 0.5), 1)
    way = d.pick(("full", "full", "release", "ends"))
    if way == "release":
        return {"release": h.number(round(beats * d.uniform(1.0, 1.6), 1))}
    if way == "ends":
        return {"attack": h.number(attack), "release": h.number(round(beats, 1))}
    return {
        "attack": h.number(attack),
        "sustain": h.number(round(beats * 0.6, 1)),
        "release": h.number(round(beats * d.uniform(0.3, 0.8), 1)),
    }


def texture(s: Sketch, steady: bool) -> Layer:
    """Return a layer of long samples."""
    d, h = s.dice, s.hand
    long = [
        name for name in instruments.SAMPLE_GROUPS["textures"] if instruments.LASTS[name] >= 1.5
    ]
    name = d.pick(long if steady else instruments.SAMPLE_GROUPS["textures"])
    value = instruments.sample_amp(name, "textures", s.level_of(0.8))
    rate = d.pick((1, 1, 1, 0.5, 0.75, 0.25, -1, -0.5, 1.5, 0.8, 0.4))
    options = s.amp(value)
    if rate != 1:
        options["rate"] = h.number(rate)
    lasts = instruments.LASTS[name] / abs(rate)
    way = d.weighted(
        {
            "plain": 5,
            "fade": 2,
            "part": 1.5,
            "lpf": 2,
            "control": 1.2,
            "several": 2,
            "stretch": 1,
            "rate": 1,
        }
    )
    if way == "fade" and lasts > 3:
        options |= {
            "attack": h.number(d.uniform(0.2, 1.0, 1)),
            "release": h.number(d.uniform(0.2, 1.5, 1)),
        }
    elif way == "part":
        start = d.uniform(0, 0.3)
        options |= {"start": h.number(start), "finish": h.number(d.uniform(0.7, 1.0))}
        lasts *= 0.4
    elif way == "lpf":
        options |= {d.pick(("lpf", "lpf", "cutoff")): s.moving(70, 120)}
        if d.chance(0.2) and "lpf" in options:
            options |= {
                "lpf_attack": h.number(d.uniform(0.5, 3, 1)),
                "lpf_min": str(d.integer(50, 70)),
            }
    options |= s.pan(0.2)
    rest = (
        round(
            min(max(s.beats(min(lasts, 5.5) * d.pick((0.5, 0.8, 1))), s.beats(0.5)), s.beats(5.0))
            * 2
        )
        / 2
        or 0.5
    )
    if way == "rate":
        options["rate"] = d.pick(
            (
                "rrand(0.3, 1.0)",
                "[0.5, 1, -0.5].choose",
                "(ring 0.5, 1, 0.75).tick",
                "rrand(0.8, 1.2)",
            )
        )
    names = f":{name}"
    if way == "several":
        others = d.several(long, d.integer(1, 3))
        names = s.hoisted(
            "samples", h.list([names, *(f":{other}" for other in others)]), 1.2
        ) + d.pick((".choose", ".tick", ".choose"))
    if way == "stretch":
        options = {k: v for k, v in options.items() if k != "rate"} | {
            "beat_stretch": h.length(rest)
        }
    body: list[Node] = [h.call("sample", names, **options), h.sleep(h.length(rest))]
    if way == "control":
        node = h.variable("node")
        slide = (
            {"amp_slide": h.length(rest / 2)}
            if d.chance(0.5)
            else {"pan_slide": h.length(rest / 2)}
        )
        to = (
            {"amp": h.number(round(value * d.pick((0.4, 0.6, 1.2)), 2))}
            if "amp_slide" in slide
            else {"pan": d.pick(("-1", "1", "0.5"))}
        )
        body = [
            h.assign(node, h.call("sample", names, **options, **slide)),
            h.sleep(h.length(rest / 2)),
            h.call("control", node, **to),
            h.sleep(h.length(rest / 2)),
        ]
    certain = True
    if not steady and d.chance(0.2):
        body = [If(f"one_in({d.integer(2, 3)})", body[:-1]), body[-1]]
        certain = False
    return Layer("texture", h.loop_name("texture"), body, rest, [name], certain)


def noise(s: Sketch, steady: bool) -> Layer:
    """Return waves, sweeps or ticks of noise."""
    d, h = s.dice, s.hand
    name = d.pick(instruments.SYNTH_GROUPS["noises"])
    value = instruments.synth_amp(
        name, s.level_of(0.35 if name not in ("bnoise", "gnoise") else 0.5)
    )
    way = d.pick(("wave", "tick", "tick", "sweep"))
    own = s.own_options(name)
    if way == "tick":
        step = s.step(1, 0.6)
        options = {**s.amp(value), "release": h.number(d.uniform(0.02, 0.2)), **own, **s.pan(0.2)}
        body: list[Node] = [h.call("synth", f":{name}", **options), h.sleep(h.length(step))]
        if d.chance(0.4):
            body = [
                h.call("use_synth", f":{name}"),
                h.call("play", s.hand.note(60), **options),
                body[-1],
            ]
        if not steady and d.chance(0.3):
            body[-2] = f"{body[-2]} if {h.expression('spread', str(d.integer(3, 7)), '8')}.tick"
        return Layer("noise", h.loop_name("noise"), body, step, [name])
    seconds = d.uniform(2.0, 5.0, 1)
    beats = max(1, round(s.beats(seconds)))
    options = {**s.amp(value), **_long(s, beats), **own, **s.pan(0.3)}
    body = [h.call("synth", f":{name}", **options), h.sleep(h.length(beats))]
    if way == "sweep" and name != "chipnoise":
        node = h.variable("node")
        options |= {"cutoff": str(d.integer(60, 80)), "cutoff_slide": h.length(beats)}
        body = [
            h.assign(node, h.call("synth", f":{name}", **options)),
            h.call("control", node, cutoff=str(d.integer(90, 120))),
            h.sleep(h.length(beats)),
        ]
    elif d.chance(0.2):
        body = [h.call("use_synth", f":{name}"), h.call("play", ":c4", **options), body[-1]]
    return Layer("noise", h.loop_name("noise"), body, beats, [name])
