"""Layers of samples that are struck: kits."""

from __future__ import annotations

from core.programs.grammar import instruments
from core.programs.grammar.context import ProgramLayer, CompositionContext
from core.programs.grammar.code_tree import Block, Conditional, CodeNode

_RHYTHM_PATTERNS = (
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


class DrumSample:
    """One struck sample with the options that it keeps."""

    def __init__(self, context: CompositionContext, sample_group: str, level: float):
        self.context = context
        self.sample_name = context.rng.pick(instruments.SAMPLE_GROUPS[sample_group])
        self.amp = instruments.compute_sample_amp(self.sample_name, sample_group, context.draw_level(level))
        self.options = draw_sample_options(context) if context.rng.chance(0.4) else {}
        self.options |= draw_shortening_options(context, self.sample_name, self.options)

    def write_hit(self, accent: float = 1.0) -> str:
        """Write one stroke."""
        amp = self.context.draw_amp_option(round(self.amp * accent, 2))
        return self.context.code_style.format_call_statement(
            "sample", f":{self.sample_name}", **amp, **self.options, **self.context.draw_pan_option(0.06)
        )


def draw_shortening_options(context: CompositionContext, sample_name: str, options: dict[str, str]) -> dict[str, str]:
    """Return options that keep a long sample from piling up on itself when it is struck often."""
    d, h = context.rng, context.code_style
    if sample_name not in instruments.SAMPLE_SECONDS or {"finish", "sustain"} & set(options):
        return {}
    share = round(min(1.0, d.draw_uniform(0.4, 1.2) / instruments.SAMPLE_SECONDS[sample_name]), 2)
    if d.chance(0.5) and "start" not in options:
        return {"finish": h.format_number(share)}
    return {
        "sustain": h.format_number(d.draw_uniform(0.1, 0.6, 1)),
        "release": h.format_number(d.draw_uniform(0.1, 0.6, 1)),
    }


def draw_sample_options(context: CompositionContext) -> dict[str, str]:
    """Return options that change how a struck sample sounds."""
    d, h = context.rng, context.code_style
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
    way = d.pick_weighted(ways)
    if way == "rate":
        return {"rate": context.write_varying_number(0.6, 2.0, 0.7)}
    if way == "cut":
        return {"cutoff": context.write_varying_number(75, 125, 0.6)}
    if way == "start":
        return {"start": h.format_number(d.draw_uniform(0.0, 0.1)), "finish": h.format_number(d.draw_uniform(0.4, 0.9, 1))}
    if way == "sustain":
        return {
            "sustain": h.format_number(d.draw_uniform(0.05, 0.2)),
            "release": h.format_number(d.draw_uniform(0.05, 0.3)),
        }
    if way == "pitch":
        return (
            {"rpitch": str(d.draw_integer(-7, 12))}
            if d.chance(0.7)
            else {"pitch": str(d.pick((-12, -5, 3, 5, 7)))}
        )
    if way == "lpf":
        return {"lpf": context.write_varying_number(75, 120, 0.7)}
    if way == "hpf":
        return {"hpf": context.write_varying_number(30, 85, 0.7)}
    if way == "release":
        return {"attack": h.format_number(d.draw_uniform(0.0, 0.03)), "release": h.format_number(d.draw_uniform(0.05, 0.2))}
    return {"compress": "1", "threshold": h.format_number(d.draw_uniform(0.1, 0.4))}


def compose_kit_layer(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    """Return a drum layer."""
    d = context.rng
    way = d.pick_weighted(
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
        "one": _compose_single_drum,
        "steps": _compose_step_sequence,
        "grid": _compose_pattern_grid,
        "text": _compose_text_pattern,
        "numbers": _compose_amp_ring,
        "nested": _compose_nested_loop,
        "random": _compose_random_drums,
        "at": _compose_at_blocks,
        "hats": _compose_hats,
        "case": _compose_random_branch,
    }[way](context, always_sounds)


def _make_kit_layer(
    context: CompositionContext,
    body: list[CodeNode],
    min_beats: float,
    drums: list[DrumSample],
    always_sounds: bool = True,
    layer_kind: str = "kit",
) -> ProgramLayer:
    return ProgramLayer(layer_kind, context.code_style.create_loop_name(layer_kind), body, min_beats, [drum.sample_name for drum in drums], always_sounds)


def _compose_single_drum(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    groups = ("kicks", "kicks", "hats", "snares", "percussion", "tablas", "toms", "cymbals")
    drum = DrumSample(context, context.rng.pick(groups), 1.0)
    beat = context.draw_step_beats(context.rng.pick((1, 2, 2, 4)), 2.5)
    body: list[CodeNode] = [drum.write_hit(), context.code_style.format_sleep(context.maybe_hoist("sleep", context.code_style.format_beats(beat)))]
    if context.rng.chance(0.15):
        body.insert(0, context.code_style.format_sleep(context.code_style.format_beats(beat)))
        return _make_kit_layer(context, body, 2 * beat, [drum])
    return _make_kit_layer(context, body, beat, [drum])


def _compose_step_sequence(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    d, h = context.rng, context.code_style
    drums = [
        DrumSample(context, "kicks", 1.0),
        DrumSample(context, d.pick(("snares", "percussion", "toms")), 0.8),
        DrumSample(context, d.pick(("hats", "cymbals", "cymbals", "tablas")), 0.6),
    ]
    drums = drums[: d.pick((2, 2, 3))]
    step = context.draw_step_beats(d.pick((1, 2)), 1.5)
    count = d.pick((2, 3, 4, 4, 6, 8))
    body: list[CodeNode] = []
    for place in range(count):
        strokes = d.pick_distinct(drums, d.pick_weighted({1: 6, 2: 2, 0: 1})) if place else [drums[0]]
        body += [drum.write_hit() for drum in strokes]
        body.append(h.format_sleep(h.format_beats(step)))
    if d.chance(0.2):
        body = [
            Block(f"{d.pick((2, 3, 4))}.times", body, allows_braces=True),
            *([drums[-1].write_hit(), h.format_sleep(h.format_beats(step))]),
        ]
    return _make_kit_layer(context, body, step * count, drums)


def _compose_pattern_grid(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    d, h = context.rng, context.code_style
    count = d.draw_integer(1, 4)
    groups = ["kicks", "snares", "hats", d.pick(("percussion", "tablas", "toms", "blips"))]
    drums = [DrumSample(context, group, 0.9) for group in groups[:count]]
    step = context.draw_step_beats(1, 0.5)
    counter = d.pick(("look", "look", "look(:b)", "tick"))
    body: list[CodeNode] = []
    ticked = counter == "look"
    if ticked:
        body.append("tick")
    for drum in drums:
        pattern = write_rhythm_ring(context)
        call = f"{pattern}.{counter if ticked else f'tick(:{drum.sample_name[:3]})'}"
        body.append(f"{drum.write_hit()} if {call}" if d.chance(0.8) else Conditional(call, [drum.write_hit()]))
    body.append(h.format_sleep(h.format_beats(step)))
    return _make_kit_layer(context, body, step, drums, always_sounds=True)


def write_rhythm_ring(context: CompositionContext) -> str:
    """Write a ring of booleans, the first one true, that hits at least every other beat or so."""
    d, h = context.rng, context.code_style
    way = d.pick_weighted({"spread": 6, "bools": 2, "knit": 1, "list": 1})
    if way == "spread":
        size = d.pick((8, 8, 16, 16, 12, 7, 5, 4, 9, 11, 13))
        more = {"rotate": str(d.draw_integer(1, 3))} if d.chance(0.15) else {}
        return h.format_call_expression(
            "spread", str(d.draw_integer(max(2, size // 4), max(3, size - size // 4))), str(size), **more
        )
    pattern = d.pick(_RHYTHM_PATTERNS)
    if way == "bools":
        return context.maybe_hoist(
            "pattern", h.format_call_expression("bools", *("1" if c == "x" else "0" for c in pattern))
        )
    if way == "knit":
        return h.format_call_expression("knit", "true", str(d.draw_integer(1, 3)), "false", str(d.draw_integer(1, 3)))
    return h.format_list(["true" if c == "x" else "false" for c in pattern[:8].rjust(4, "x")], as_ring=True)


def _compose_text_pattern(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    d, h = context.rng, context.code_style
    drums = [DrumSample(context, group, 0.9) for group in ["kicks", "snares", "hats"][: d.draw_integer(1, 3)]]
    step = context.draw_step_beats(1, 0.5)
    body: list[CodeNode] = ["tick"]
    for drum in drums:
        name = h.create_variable_name("pattern")
        text = d.pick(_RHYTHM_PATTERNS[:6])
        context.top_nodes.append(h.format_assignment(name, f'"{text}"' + d.pick((".ring", ""))))
        if not context.top_nodes[-1].endswith(".ring"):
            body.append(f"{drum.write_hit()} if {name}[look % {len(text)}] == 'x'")
        else:
            body.append(f'{drum.write_hit()} if {name}.look == "x"')
    body.append(h.format_sleep(h.format_beats(step)))
    return _make_kit_layer(context, body, step, drums)


def _compose_amp_ring(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    """Loudness as a ring of numbers."""
    d, h = context.rng, context.code_style
    drum = DrumSample(context, d.pick(("kicks", "hats", "snares", "percussion")), 1.0)
    levels = [
        h.format_number(round(drum.amp * share, 2))
        for share in d.pick_with_repeats((1, 0.5, 0.25, 0, 0.75), d.pick((3, 4, 8)))
    ]
    levels[0] = h.format_number(drum.amp)
    ring = context.maybe_hoist("pattern", h.format_list(levels, as_ring=True), 1.5)
    body: list[CodeNode] = [
        h.format_call_statement("sample", f":{drum.sample_name}", amp=f"{ring}.tick", **drum.options),
        h.format_sleep(h.format_beats(context.draw_step_beats(1, 0.6))),
    ]
    return _make_kit_layer(context, body, context.draw_step_beats(1, 0.6), [drum])


def _compose_nested_loop(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    d, h = context.rng, context.code_style
    drums = [
        DrumSample(context, d.pick(("hats", "kicks", "percussion", "tablas")), 0.8),
        DrumSample(context, d.pick(("snares", "kicks", "toms")), 1.0),
    ]
    count, step = d.pick((2, 3, 4, 7, 8)), context.draw_step_beats(1, 0.8)
    counter = h.create_variable_name("index") if d.chance(0.2) else ""
    first = drums[0].write_hit()
    if counter:
        first = h.format_call_statement(
            "sample",
            f":{drums[0].sample_name}",
            rate=h.format_infix("1", "+", f"{counter} * 0.1"),
            amp=h.format_number(drums[0].amp),
        )
    body: list[CodeNode] = [
        Block(f"{count}.times", [first, h.format_sleep(h.format_beats(step))], block_parameters=counter, allows_braces=True)
    ]
    body += [drums[1].write_hit(), h.format_sleep(h.format_beats(step * d.pick((1, 1, 2))))]
    return _make_kit_layer(context, body, step * (count + 1), drums)


def _compose_random_drums(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    d, h = context.rng, context.code_style
    group = d.pick(("kicks", "percussion", "tablas", "hats", "toms", "blips"))
    drums = [DrumSample(context, group, 0.9) for _ in range(d.draw_integer(2, 5))]
    names = context.maybe_hoist("samples", h.format_list([f":{drum.sample_name}" for drum in drums]), 1.5)
    amp = h.format_number(min(drum.amp for drum in drums))
    hit = h.format_call_statement(
        "sample",
        f"{names}.{d.pick(('choose', 'choose', 'tick', 'shuffle.first'))}",
        amp=amp,
        **drums[0].options,
    )
    if not always_sounds and d.chance(0.5):
        hit += d.pick((f" if one_in({d.draw_integer(2, 4)})", " if rand < 0.6", " unless one_in(3)"))
    step = context.draw_step_beats(1, 0.6)
    rests = (
        h.format_list([h.format_beats(step), h.format_beats(step * 2)]) + ".choose"
        if d.chance(0.4)
        else h.format_beats(step)
    )
    return _make_kit_layer(context, [hit, h.format_sleep(rests)], step, drums, always_sounds=" if " not in hit)


def _compose_at_blocks(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    d, h = context.rng, context.code_style
    drums = [DrumSample(context, "kicks", 1.0), DrumSample(context, "snares", 0.8)]
    step = context.draw_step_beats(2, 1.0)
    body: list[CodeNode] = []
    for drum, places in zip(drums, ((0, 2, d.pick((2.5, 3))), (1, 3))):
        times = h.format_list([h.format_beats(place * step) for place in places])
        counter = h.create_variable_name("count") if d.chance(0.2) else ""
        body.append(Block(h.format_call_statement("at", times), [drum.write_hit()], block_parameters=counter))
    body.append(h.format_sleep(h.format_beats(4 * step)))
    return _make_kit_layer(context, body, 4 * step, drums)


def _compose_hats(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    d, h = context.rng, context.code_style
    drum = DrumSample(context, "hats", 0.9)
    step = context.draw_step_beats(1, 0.5)
    amp = h.format_call_expression("rrand", h.format_number(round(drum.amp * 0.5, 2)), h.format_number(drum.amp))
    hit = h.format_call_statement("sample", f":{drum.sample_name}", amp=amp, **drum.options, **context.draw_pan_option(0.4))
    inner: list[CodeNode] = [hit, h.format_sleep(h.format_beats(step))]
    body: list[CodeNode] = inner
    if d.chance(0.3):
        body = [Block(h.format_call_statement("density", d.pick(("2", "1", "[1, 2, 4].choose", "dice(2)"))), inner)]
        step /= 4
    elif d.chance(0.15):
        body = [
            Block(
                h.format_call_statement("with_swing", h.format_number(d.draw_uniform(0.02, 0.1)), pulse=str(d.pick((2, 4)))),
                [hit],
            ),
            inner[1],
        ]
    return _make_kit_layer(context, body, step, [drum])


def _compose_random_branch(context: CompositionContext, always_sounds: bool) -> ProgramLayer:
    d, h = context.rng, context.code_style
    drums = [DrumSample(context, group, 0.9) for group in ("kicks", "snares", "hats")]
    step = context.draw_step_beats(1, 0.8)
    first = Conditional(
        f"dice({d.pick((3, 4, 6))}) {d.pick(('== 1', '> 2'))}", [drums[0].write_hit()], [drums[1].write_hit()]
    )
    return _make_kit_layer(context, [first, drums[2].write_hit(), h.format_sleep(h.format_beats(step))], step, drums)
