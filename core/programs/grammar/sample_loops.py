"""Layers of sampled loops, whole or cut, and of single sounds at odd places."""

from __future__ import annotations

from core.programs.grammar import instruments
from core.programs.grammar.drums import draw_sample_options, draw_shortening_options
from core.programs.grammar.context import ProgramLayer, CompositionContext
from core.programs.grammar.code_tree import Block, Conditional, CodeNode


def compose_break_layer(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    """Return a layer that plays a sampled loop, whole or cut."""
    d, h = context.rng, context.code_style
    name = d.pick(instruments.SAMPLE_GROUPS["breaks"])
    amp = context.draw_amp_option(instruments.compute_sample_amp(name, "breaks", context.draw_level(1.0)))
    smp = context.maybe_hoist("sample", f":{name}", 0.7)
    lasts = instruments.SAMPLE_SECONDS[name]
    way = d.pick_weighted(
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
    extra = draw_sample_options(context) if d.chance(0.25) and way in ("slice", "onset", "duration") else {}
    if way in ("stretch", "pitch", "bpm"):
        beats = min(
            (2, 4, 8, 16), key=lambda beats: abs(context.beats_to_seconds(beats) - lasts * d.draw_log_uniform(0.7, 1.5))
        )
        stretch = {"beat_stretch" if way != "pitch" else "pitch_stretch": str(beats)}
        body: list[CodeNode] = [
            h.format_call_statement("sample", smp, **{**extra, **stretch, **amp}),
            h.format_sleep(h.format_beats(beats)),
        ]
        if way == "bpm":
            more = {"num_beats": str(beats)} if d.chance(0.7) else {}
            body = [
                h.format_call_statement("use_sample_bpm", smp, **more),
                h.format_call_statement("sample", smp, **amp),
                h.format_sleep(str(beats) if more else "1"),
            ]
            beats = context.seconds_to_beats(lasts)
    elif way in ("plain", "rate"):
        rate = (
            1.0 if way == "plain" else d.pick((0.5, 0.75, 0.8, 0.9, 1.1, 1.2, 1.5, 2.0, -1.0, -0.5))
        )
        beats = round(context.seconds_to_beats(lasts / abs(rate)) * 4) / 4 or 0.25
        body = [
            h.format_call_statement("sample", smp, **({} if way == "plain" else {"rate": h.format_number(rate)}), **amp),
            h.format_sleep(h.format_beats(beats)),
        ]
    elif way == "duration":
        rate = {"rate": h.format_number(d.pick((0.8, 1.2, -1.0)))} if d.chance(0.4) else {}
        beats = context.seconds_to_beats(lasts) / 2
        body = [
            h.format_call_statement("sample", smp, **{**extra, **rate, **amp}),
            h.format_sleep(h.format_call_expression("sample_duration", smp, **rate)),
        ]
    else:
        body, beats = _write_sliced_loop(context, smp, amp | extra, way, lasts)
    return ProgramLayer("break", h.create_loop_name("break"), body, beats, [name])


def _write_sliced_loop(
    context: CompositionContext, sample_expression: str, options: dict[str, str], slice_method: str, sample_seconds: float
) -> tuple[list[CodeNode], float]:
    d, h = context.rng, context.code_style
    step = context.draw_step_beats(1, max(0.12, min(0.5, sample_seconds / 6)))
    if slice_method == "slice":
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
    elif slice_method == "onset":
        cut = {"onset": d.pick(("pick", "tick", "rand_i(8)", str(d.draw_integer(0, 3))))}
    else:
        start = d.draw_uniform(0.0, 0.75)
        width = d.pick((0.125, 0.25)) if sample_seconds < 5 else d.pick((0.05, 0.1))
        cut = {"start": h.format_number(start), "finish": h.format_number(round(start + width, 3))}
        if d.chance(0.4):
            places = h.format_list(["0", "0.25", "0.5", "0.75"], as_ring=True)
            cut = {"start": f"{places}.{d.pick(('tick', 'choose'))}", "finish": "1"}
            options = {**options, "sustain": h.format_beats(step), "release": "0.1"}
    if d.chance(0.2) and "rate" not in options:
        options = {
            **options,
            "rate": d.pick(
                ("[1, 1, -1].choose", "0.8", "(ring 1, 1, 2).tick(:r)", "rrand(0.8, 1.2)")
            ),
        }
    rest = (
        h.format_beats(step)
        if d.chance(0.75)
        else h.format_list([h.format_beats(step), h.format_beats(step * 2)]) + ".choose"
    )
    return [h.format_call_statement("sample", sample_expression, **{**options, **cut}), h.format_sleep(rest)], step


def compose_glitch_layer(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    """Return a layer of single sounds at odd places."""
    d, h = context.rng, context.code_style
    group = d.pick(("glitches", "blips", "percussion", "tablas", "glitches", "bass_hits"))
    name = d.pick(instruments.SAMPLE_GROUPS[group])
    value = instruments.compute_sample_amp(name, group, context.draw_level(0.9))
    options = draw_sample_options(context) if d.chance(0.6) else {}
    options |= draw_shortening_options(context, name, options)
    hit = h.format_call_statement("sample", f":{name}", **context.draw_amp_option(value), **options, **context.draw_pan_option(0.4))
    step = context.draw_step_beats(d.pick((1, 2, 3)), 1.5)
    body: list[CodeNode] = [hit]
    certain = always_sounds or d.chance(0.4)
    if not certain:
        odds = f"one_in({d.draw_integer(2, 6)})"
        body = [Conditional(odds, [hit])] if d.chance(0.5) else [f"{hit} if {odds}"]
        if d.chance(0.25):
            other = d.pick(instruments.SAMPLE_GROUPS[group])
            body = [Conditional(odds, [hit], [h.format_call_statement("sample", f":{other}", amp=h.format_number(value))])]
    rest = d.pick(
        (
            h.format_beats(step),
            h.format_list([h.format_beats(step), h.format_beats(step * 2), h.format_beats(step * 0.5)]) + ".choose",
            h.format_call_expression("rrand", h.format_beats(step * 0.5), h.format_beats(step * 1.5)),
        )
    )
    if d.chance(0.1):
        body = [Block(h.format_call_statement("time_warp", h.format_beats(step / 2)), body)]
    return ProgramLayer(
        "glitch", h.create_loop_name("glitch"), [*body, h.format_sleep(rest)], step * 0.5, [name], certain
    )
