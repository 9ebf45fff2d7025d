"""Layers without strokes: drones, textures, noise."""

from __future__ import annotations

from core.programs.grammar import instruments
from core.programs.grammar.note_expressions import write_note_expression
from core.programs.grammar.context import ProgramLayer, CompositionContext
from core.programs.grammar.code_tree import Conditional, CodeNode


def compose_drone_layer(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    """Return a held sound that changes slowly or not at all."""
    d, h = context.rng, context.code_style
    name = d.pick(instruments.SYNTH_GROUPS["pads"])
    value = instruments.compute_synth_amp(name, context.draw_level(0.7))
    seconds = d.draw_uniform(3.0, 8.0, 1)
    beats = max(1, round(context.seconds_to_beats(seconds)))
    octave = d.pick((2, 2, 3, 3, 4))
    options = context.limit_loudness({**context.draw_amp_option(value), **_draw_long_envelope(context, beats), **context.draw_synth_options(name), **context.draw_pan_option(0.2)})
    note = context.write_chord(octave) if d.chance(0.3) else write_note_expression(context, octave)
    node = h.create_variable_name("node")
    by_name = d.chance(0.4)
    play = (
        h.format_call_statement("synth", f":{name}", note=note, **options)
        if by_name
        else h.format_call_statement("play", note, **options)
    )
    body: list[CodeNode] = [] if by_name else [h.format_call_statement("use_synth", f":{name}")]
    filtered = any(option.name == "cutoff" for option in instruments.SYNTH_OPTIONS[name])
    if d.chance(0.45):
        target = (
            ("cutoff", h.format_number(d.draw_round_number(60, 120)))
            if filtered and d.chance(0.6)
            else ("pan", d.pick(("-0.7", "0.7", "rrand(-1, 1)")))
        )
        if d.chance(0.2):
            target = ("note", h.format_note(context.degree_to_midi(octave, d.draw_integer(0, 5))))
        parts = d.pick((1, 2, 2, 4))
        slide = {f"{target[0]}_slide": h.format_beats(beats / parts)}
        body = [h.format_assignment(node, h.format_call_statement("synth", f":{name}", note=note, **options, **slide))]
        for _ in range(parts):
            body += [
                h.format_call_statement("control", node, **{target[0]: target[1]}),
                h.format_sleep(h.format_beats(beats / parts)),
            ]
            again = {
                "cutoff": h.format_number(d.draw_round_number(60, 120)),
                "note": h.format_note(context.degree_to_midi(octave, d.draw_integer(0, 5))),
            }
            target = (target[0], again.get(target[0], h.format_number(d.draw_uniform(-0.9, 0.9, 1))))
    else:
        body += [play, h.format_sleep(h.format_beats(beats * d.pick((1, 1, 0.75))))]
    return ProgramLayer("drone", h.create_loop_name("drone"), body, beats * 0.75, [name])


def _draw_long_envelope(context: CompositionContext, beats: float) -> dict[str, str]:
    d, h = context.rng, context.code_style
    attack = round(beats * d.draw_uniform(0.1, 0.5), 1)
    way = d.pick(("full", "full", "release", "ends"))
    if way == "release":
        return {"release": h.format_number(round(beats * d.draw_uniform(1.0, 1.6), 1))}
    if way == "ends":
        return {"attack": h.format_number(attack), "release": h.format_number(round(beats, 1))}
    return {
        "attack": h.format_number(attack),
        "sustain": h.format_number(round(beats * 0.6, 1)),
        "release": h.format_number(round(beats * d.draw_uniform(0.3, 0.8), 1)),
    }


def compose_texture_layer(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    """Return a layer of long samples."""
    d, h = context.rng, context.code_style
    long = [
        name for name in instruments.SAMPLE_GROUPS["textures"] if instruments.SAMPLE_SECONDS[name] >= 1.5
    ]
    name = d.pick(long if always_sounds else instruments.SAMPLE_GROUPS["textures"])
    value = instruments.compute_sample_amp(name, "textures", context.draw_level(0.8))
    rate = d.pick((1, 1, 1, 0.5, 0.75, 0.25, -1, -0.5, 1.5, 0.8, 0.4))
    options = context.draw_amp_option(value)
    if rate != 1:
        options["rate"] = h.format_number(rate)
    lasts = instruments.SAMPLE_SECONDS[name] / abs(rate)
    way = d.pick_weighted(
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
            "attack": h.format_number(d.draw_uniform(0.2, 1.0, 1)),
            "release": h.format_number(d.draw_uniform(0.2, 1.5, 1)),
        }
    elif way == "part":
        start = d.draw_uniform(0, 0.3)
        options |= {"start": h.format_number(start), "finish": h.format_number(d.draw_uniform(0.7, 1.0))}
        lasts *= 0.4
    elif way == "lpf":
        options |= {d.pick(("lpf", "lpf", "cutoff")): context.write_varying_number(70, 120)}
        if d.chance(0.2) and "lpf" in options:
            options |= {
                "lpf_attack": h.format_number(d.draw_uniform(0.5, 3, 1)),
                "lpf_min": str(d.draw_integer(50, 70)),
            }
    options |= context.draw_pan_option(0.2)
    rest = (
        round(
            min(max(context.seconds_to_beats(min(lasts, 5.5) * d.pick((0.5, 0.8, 1))), context.seconds_to_beats(0.5)), context.seconds_to_beats(5.0))
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
        others = d.pick_with_repeats(long, d.draw_integer(1, 3))
        names = context.maybe_hoist(
            "samples", h.format_list([names, *(f":{other}" for other in others)]), 1.2
        ) + d.pick((".choose", ".tick", ".choose"))
    if way == "stretch":
        options = {k: v for k, v in options.items() if k != "rate"} | {
            "beat_stretch": h.format_beats(rest)
        }
    body: list[CodeNode] = [h.format_call_statement("sample", names, **options), h.format_sleep(h.format_beats(rest))]
    if way == "control":
        node = h.create_variable_name("node")
        slide = (
            {"amp_slide": h.format_beats(rest / 2)}
            if d.chance(0.5)
            else {"pan_slide": h.format_beats(rest / 2)}
        )
        to = (
            {"amp": h.format_number(round(value * d.pick((0.4, 0.6, 1.2)), 2))}
            if "amp_slide" in slide
            else {"pan": d.pick(("-1", "1", "0.5"))}
        )
        body = [
            h.format_assignment(node, h.format_call_statement("sample", names, **options, **slide)),
            h.format_sleep(h.format_beats(rest / 2)),
            h.format_call_statement("control", node, **to),
            h.format_sleep(h.format_beats(rest / 2)),
        ]
    certain = True
    if not always_sounds and d.chance(0.2):
        body = [Conditional(f"one_in({d.draw_integer(2, 3)})", body[:-1]), body[-1]]
        certain = False
    return ProgramLayer("texture", h.create_loop_name("texture"), body, rest, [name], certain)


def compose_noise_layer(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    """Return waves, sweeps or ticks of noise."""
    d, h = context.rng, context.code_style
    name = d.pick(instruments.SYNTH_GROUPS["noises"])
    value = instruments.compute_synth_amp(
        name, context.draw_level(0.35 if name not in ("bnoise", "gnoise") else 0.5)
    )
    way = d.pick(("wave", "tick", "tick", "sweep"))
    own = context.draw_synth_options(name)
    if way == "tick":
        step = context.draw_step_beats(1, 0.6)
        options = {**context.draw_amp_option(value), "release": h.format_number(d.draw_uniform(0.02, 0.2)), **own, **context.draw_pan_option(0.2)}
        body: list[CodeNode] = [h.format_call_statement("synth", f":{name}", **options), h.format_sleep(h.format_beats(step))]
        if d.chance(0.4):
            body = [
                h.format_call_statement("use_synth", f":{name}"),
                h.format_call_statement("play", context.code_style.format_note(60), **options),
                body[-1],
            ]
        if not always_sounds and d.chance(0.3):
            body[-2] = f"{body[-2]} if {h.format_call_expression('spread', str(d.draw_integer(3, 7)), '8')}.tick"
        return ProgramLayer("noise", h.create_loop_name("noise"), body, step, [name])
    seconds = d.draw_uniform(2.0, 5.0, 1)
    beats = max(1, round(context.seconds_to_beats(seconds)))
    options = {**context.draw_amp_option(value), **_draw_long_envelope(context, beats), **own, **context.draw_pan_option(0.3)}
    body = [h.format_call_statement("synth", f":{name}", **options), h.format_sleep(h.format_beats(beats))]
    if way == "sweep" and name != "chipnoise":
        node = h.create_variable_name("node")
        options |= {"cutoff": str(d.draw_integer(60, 80)), "cutoff_slide": h.format_beats(beats)}
        body = [
            h.format_assignment(node, h.format_call_statement("synth", f":{name}", **options)),
            h.format_call_statement("control", node, cutoff=str(d.draw_integer(90, 120))),
            h.format_sleep(h.format_beats(beats)),
        ]
    elif d.chance(0.2):
        body = [h.format_call_statement("use_synth", f":{name}"), h.format_call_statement("play", ":c4", **options), body[-1]]
    return ProgramLayer("noise", h.create_loop_name("noise"), body, beats, [name])
