"""Drum layers: short samples in rhythms."""

from __future__ import annotations

from core.programs.grammar import synth_fx_and_sample_sets
from core.programs.grammar.composition_state import CompositionState
from core.programs.grammar.program_layer import ProgramLayer
from core.programs.grammar.sound_options import (
    pick_random_amp_option,
    pick_random_pan_option,
    write_constant_or_random_number,
)
from core.programs.grammar.statement_tree_nodes import Block, CodeNode, Conditional

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

# Lowest and highest value, and the probability of a constant.
_VARYING_SAMPLE_OPTIONS = {
    "rate": (0.6, 2.0, 0.7),
    "cutoff": (75, 125, 0.6),
    "lpf": (75, 120, 0.7),
    "hpf": (30, 85, 0.7),
}
# Option, lowest and highest value, and decimal places.
_CONSTANT_SAMPLE_OPTIONS = {
    "start": (("start", 0.0, 0.1, 2), ("finish", 0.4, 0.9, 1)),
    "sustain": (("sustain", 0.05, 0.2, 2), ("release", 0.05, 0.3, 2)),
    "release": (("attack", 0.0, 0.03, 2), ("release", 0.05, 0.2, 2)),
}


class DrumSample:
    """A short sample whose options are the same for every hit.

    Parameters
    ----------
    state : CompositionState
        The program under composition.
    sample_group : str
        A key of `SoundSet.sample_groups`.
    level : float
        Loudness relative to the average layer.
    """

    def __init__(self, state: CompositionState, sample_group: str, level: float):
        self.state = state
        self.sample_name = state.rng.pick_option(state.sounds.sample_groups[sample_group])
        self.amp = synth_fx_and_sample_sets.compute_sample_amp(
            self.sample_name, sample_group, state.sample_layer_loudness(level)
        )
        self.options = pick_random_sample_options(state) if state.rng.sample_boolean(0.4) else {}
        self.options |= pick_random_shortening_options(state, self.sample_name, self.options)

    def write_sample_call(self) -> str:
        """Write a statement that plays the sample once."""
        return self.state.code_style.format_call_statement(
            "sample",
            f":{self.sample_name}",
            **pick_random_amp_option(self.state, round(self.amp, 2)),
            **self.options,
            **pick_random_pan_option(self.state, 0.06),
        )


def pick_random_shortening_options(
    state: CompositionState, sample_name: str, options: dict[str, str]
) -> dict[str, str]:
    """Draw options that shorten a long sample, so that frequent hits do not overlap."""
    rng, code_style = state.rng, state.code_style
    if sample_name not in synth_fx_and_sample_sets.SAMPLE_SECONDS or {"finish", "sustain"} & set(
        options
    ):
        return {}
    max_seconds = rng.sample_uniform(0.4, 1.2)
    finish = round(min(1.0, max_seconds / synth_fx_and_sample_sets.SAMPLE_SECONDS[sample_name]), 2)
    if rng.sample_boolean(0.5) and "start" not in options:
        return {"finish": code_style.format_number(finish)}
    return {
        "sustain": code_style.format_number(rng.sample_uniform(0.1, 0.6, 1)),
        "release": code_style.format_number(rng.sample_uniform(0.1, 0.6, 1)),
    }


def pick_random_sample_options(state: CompositionState) -> dict[str, str]:
    """Draw options that change the sound of a short sample."""
    rng, code_style = state.rng, state.code_style
    effect = rng.pick_option_by_weight(
        {
            "rate": 8,
            "cutoff": 3,
            "start": 1,
            "sustain": 2,
            "pitch": 1.5,
            "lpf": 1.5,
            "hpf": 1,
            "release": 1.5,
            "compress": 0.5,
        }
    )
    if effect in _VARYING_SAMPLE_OPTIONS:
        return {effect: write_constant_or_random_number(state, *_VARYING_SAMPLE_OPTIONS[effect])}
    if effect == "pitch":
        if rng.sample_boolean(0.7):
            return {"rpitch": str(rng.sample_integer(-7, 12))}
        return {"pitch": str(rng.pick_option((-12, -5, 3, 5, 7)))}
    if effect == "compress":
        return {
            "compress": "1",
            "threshold": code_style.format_number(rng.sample_uniform(0.1, 0.4)),
        }
    options: dict[str, str] = {}
    for name, lo, hi, digits in _CONSTANT_SAMPLE_OPTIONS[effect]:
        options[name] = code_style.format_number(rng.sample_uniform(lo, hi, digits))
    return options


def compose_drum_layer(state: CompositionState, always_sounds: bool) -> ProgramLayer:
    """Compose a drum layer.

    Parameters
    ----------
    state : CompositionState
        The program under composition.
    always_sounds : bool
        Whether every iteration must sound.
    """
    pattern = state.rng.pick_option_by_weight(
        {
            "single": 4,
            "steps": 5,
            "grid": 4,
            "text": 1.5,
            "amp ring": 1,
            "nested": 2,
            "random": 2,
            "at": 1.2,
            "hats": 2,
            "branch": 0.5,
        }
    )
    if pattern == "random":
        return _compose_random_drums(state, always_sounds)
    return {
        "single": _compose_single_drum,
        "steps": _compose_drum_step_sequence,
        "grid": _compose_drum_pattern_grid,
        "text": _compose_drum_text_pattern,
        "amp ring": _compose_amp_ring_drum_layer,
        "nested": _compose_nested_drum_loop,
        "at": _compose_drums_in_at_blocks,
        "hats": _compose_hi_hat_layer,
        "branch": _compose_random_drum_branch,
    }[pattern](state)


def _build_drum_layer(
    state: CompositionState, body: list[CodeNode], min_beats: float, drums: list[DrumSample]
) -> ProgramLayer:
    loop_name = state.code_style.create_loop_name("kit")
    return ProgramLayer("kit", loop_name, body, min_beats, [drum.sample_name for drum in drums])


def _compose_single_drum(state: CompositionState) -> ProgramLayer:
    rng, code_style = state.rng, state.code_style
    groups = ("kicks", "kicks", "hats", "snares", "percussion", "tablas", "toms", "cymbals")
    drum = DrumSample(state, rng.pick_option(groups), 1.0)
    step_beats = state.sample_step_beats(rng.pick_option((1, 2, 2, 4)), 2.5)
    hit = drum.write_sample_call()
    rest = state.maybe_extract_variable("sleep", code_style.format_beats(step_beats))
    body: list[CodeNode] = [hit, code_style.format_sleep(rest)]
    if rng.sample_boolean(0.15):
        body.insert(0, code_style.format_rest(step_beats))
        return _build_drum_layer(state, body, 2 * step_beats, [drum])
    return _build_drum_layer(state, body, step_beats, [drum])


def _compose_drum_step_sequence(state: CompositionState) -> ProgramLayer:
    rng, code_style = state.rng, state.code_style
    drums = [
        DrumSample(state, "kicks", 1.0),
        DrumSample(state, rng.pick_option(("snares", "percussion", "toms")), 0.8),
        DrumSample(state, rng.pick_option(("hats", "cymbals", "cymbals", "tablas")), 0.6),
    ]
    drums = drums[: rng.pick_option((2, 2, 3))]
    step_beats = state.sample_step_beats(rng.pick_option((1, 2)), 1.5)
    step_count = rng.pick_option((2, 3, 4, 4, 6, 8))
    body: list[CodeNode] = []
    for step in range(step_count):
        hit_drums = drums[:1]
        if step > 0:
            hit_drums = rng.pick_options_without_replacement(
                drums, rng.pick_option_by_weight({1: 6, 2: 2, 0: 1})
            )
        body += [drum.write_sample_call() for drum in hit_drums]
        body.append(code_style.format_rest(step_beats))
    if rng.sample_boolean(0.2):
        loop = Block(f"{rng.pick_option((2, 3, 4))}.times", body, allows_braces=True)
        body = [loop, drums[-1].write_sample_call(), code_style.format_rest(step_beats)]
    return _build_drum_layer(state, body, step_beats * step_count, drums)


def _compose_drum_pattern_grid(state: CompositionState) -> ProgramLayer:
    rng, code_style = state.rng, state.code_style
    drum_count = rng.sample_integer(1, 4)
    groups = ["kicks", "snares", "hats", rng.pick_option(("percussion", "tablas", "toms", "blips"))]
    drums = [DrumSample(state, group, 0.9) for group in groups[:drum_count]]
    step_beats = state.sample_step_beats(1, 0.5)
    shares_tick = rng.pick_option(("look", "look", "look(:b)", "tick")) == "look"
    body: list[CodeNode] = ["tick"] if shares_tick else []
    for drum in drums:
        index = "look" if shares_tick else f"tick(:{drum.sample_name[:3]})"
        condition = f"{write_rhythm_ring(state)}.{index}"
        if rng.sample_boolean(0.8):
            body.append(f"{drum.write_sample_call()} if {condition}")
        else:
            body.append(Conditional(condition, [drum.write_sample_call()]))
    body.append(code_style.format_rest(step_beats))
    return _build_drum_layer(state, body, step_beats, drums)


def write_rhythm_ring(state: CompositionState) -> str:
    """Write a ring of booleans that starts with true and is true at least every few steps."""
    rng, code_style = state.rng, state.code_style
    notation = rng.pick_option_by_weight({"spread": 6, "bools": 2, "knit": 1, "list": 1})
    if notation == "spread":
        size = rng.pick_option((8, 8, 16, 16, 12, 7, 5, 4, 9, 11, 13))
        options = {"rotate": str(rng.sample_integer(1, 3))} if rng.sample_boolean(0.15) else {}
        hit_count = rng.sample_integer(max(2, size // 4), max(3, size - size // 4))
        return code_style.format_call_expression("spread", str(hit_count), str(size), **options)
    pattern = rng.pick_option(_RHYTHM_PATTERNS)
    if notation == "bools":
        digits = ["1" if char == "x" else "0" for char in pattern]
        return state.maybe_extract_variable(
            "pattern", code_style.format_call_expression("bools", *digits)
        )
    if notation == "knit":
        true_count, false_count = str(rng.sample_integer(1, 3)), str(rng.sample_integer(1, 3))
        return code_style.format_call_expression("knit", "true", true_count, "false", false_count)
    booleans = ["true" if char == "x" else "false" for char in pattern[:8].rjust(4, "x")]
    return code_style.format_ruby_list(booleans, as_ring=True)


def _compose_drum_text_pattern(state: CompositionState) -> ProgramLayer:
    rng, code_style = state.rng, state.code_style
    groups = ["kicks", "snares", "hats"][: rng.sample_integer(1, 3)]
    drums = [DrumSample(state, group, 0.9) for group in groups]
    step_beats = state.sample_step_beats(1, 0.5)
    body: list[CodeNode] = ["tick"]
    for drum in drums:
        variable = code_style.create_variable_name("pattern")
        pattern = rng.pick_option(_RHYTHM_PATTERNS[:6])
        suffix = rng.pick_option((".ring", ""))
        state.top_nodes.append(code_style.format_assignment(variable, f'"{pattern}"{suffix}'))
        if suffix == ".ring":
            body.append(f'{drum.write_sample_call()} if {variable}.look == "x"')
        else:
            body.append(f"{drum.write_sample_call()} if {variable}[look % {len(pattern)}] == 'x'")
    body.append(code_style.format_rest(step_beats))
    return _build_drum_layer(state, body, step_beats, drums)


def _compose_amp_ring_drum_layer(state: CompositionState) -> ProgramLayer:
    """Compose a layer whose rhythm is a ring of `amp` values."""
    rng, code_style = state.rng, state.code_style
    drum = DrumSample(state, rng.pick_option(("kicks", "hats", "snares", "percussion")), 1.0)
    accents = rng.pick_options_with_replacement((1, 0.5, 0.25, 0, 0.75), rng.pick_option((3, 4, 8)))
    amps = [code_style.format_number(round(drum.amp * accent, 2)) for accent in accents]
    amps[0] = code_style.format_number(drum.amp)
    ring = state.maybe_extract_variable(
        "pattern", code_style.format_ruby_list(amps, as_ring=True), 1.5
    )
    hit = code_style.format_call_statement(
        "sample", f":{drum.sample_name}", amp=f"{ring}.tick", **drum.options
    )
    rest = code_style.format_rest(state.sample_step_beats(1, 0.6))
    # A second draw of the step: with the first one instead, all programs would change.
    return _build_drum_layer(state, [hit, rest], state.sample_step_beats(1, 0.6), [drum])


def _compose_nested_drum_loop(state: CompositionState) -> ProgramLayer:
    rng, code_style = state.rng, state.code_style
    drums = [
        DrumSample(state, rng.pick_option(("hats", "kicks", "percussion", "tablas")), 0.8),
        DrumSample(state, rng.pick_option(("snares", "kicks", "toms")), 1.0),
    ]
    repeats, step_beats = rng.pick_option((2, 3, 4, 7, 8)), state.sample_step_beats(1, 0.8)
    variable = code_style.create_variable_name("index") if rng.sample_boolean(0.2) else ""
    hit = drums[0].write_sample_call()
    if variable:
        hit = code_style.format_call_statement(
            "sample",
            f":{drums[0].sample_name}",
            rate=code_style.format_infix_operation("1", "+", f"{variable} * 0.1"),
            amp=code_style.format_number(drums[0].amp),
        )
    inner: list[CodeNode] = [hit, code_style.format_rest(step_beats)]
    body: list[CodeNode] = [
        Block(f"{repeats}.times", inner, block_parameters=variable, allows_braces=True),
        drums[1].write_sample_call(),
        code_style.format_rest(step_beats * rng.pick_option((1, 1, 2))),
    ]
    return _build_drum_layer(state, body, step_beats * (repeats + 1), drums)


def _compose_random_drums(state: CompositionState, always_sounds: bool) -> ProgramLayer:
    rng, code_style = state.rng, state.code_style
    group = rng.pick_option(("kicks", "percussion", "tablas", "hats", "toms", "blips"))
    drums = [DrumSample(state, group, 0.9) for _ in range(rng.sample_integer(2, 5))]
    symbols = code_style.format_ruby_list([f":{drum.sample_name}" for drum in drums])
    samples = state.maybe_extract_variable("samples", symbols, 1.5)
    amp = code_style.format_number(min(drum.amp for drum in drums))
    method = rng.pick_option(("choose", "choose", "tick", "shuffle.first"))
    hit = code_style.format_call_statement(
        "sample", f"{samples}.{method}", amp=amp, **drums[0].options
    )
    if not always_sounds and rng.sample_boolean(0.5):
        one_in = f" if one_in({rng.sample_integer(2, 4)})"
        hit += rng.pick_option((one_in, " if rand < 0.6", " unless one_in(3)"))
    step_beats = state.sample_step_beats(1, 0.6)
    if rng.sample_boolean(0.4):
        rests = [code_style.format_beats(step_beats), code_style.format_beats(step_beats * 2)]
        rest = code_style.format_ruby_list(rests) + ".choose"
    else:
        rest = code_style.format_beats(step_beats)
    return _build_drum_layer(state, [hit, code_style.format_sleep(rest)], step_beats, drums)


def _compose_drums_in_at_blocks(state: CompositionState) -> ProgramLayer:
    rng, code_style = state.rng, state.code_style
    drums = [DrumSample(state, "kicks", 1.0), DrumSample(state, "snares", 0.8)]
    step_beats = state.sample_step_beats(2, 1.0)
    body: list[CodeNode] = []
    hit_steps = ((0, 2, rng.pick_option((2.5, 3))), (1, 3))
    for drum, steps in zip(drums, hit_steps):
        times = code_style.format_ruby_list(
            [code_style.format_beats(i * step_beats) for i in steps]
        )
        variable = code_style.create_variable_name("count") if rng.sample_boolean(0.2) else ""
        head = code_style.format_call_statement("at", times)
        body.append(Block(head, [drum.write_sample_call()], block_parameters=variable))
    body.append(code_style.format_rest(4 * step_beats))
    return _build_drum_layer(state, body, 4 * step_beats, drums)


def _compose_hi_hat_layer(state: CompositionState) -> ProgramLayer:
    rng, code_style = state.rng, state.code_style
    drum = DrumSample(state, "hats", 0.9)
    step_beats = state.sample_step_beats(1, 0.5)
    softest = code_style.format_number(round(drum.amp * 0.5, 2))
    amp = code_style.format_call_expression("rrand", softest, code_style.format_number(drum.amp))
    options = {**drum.options, **pick_random_pan_option(state, 0.4)}
    hit = code_style.format_call_statement("sample", f":{drum.sample_name}", amp=amp, **options)
    rest = code_style.format_rest(step_beats)
    body: list[CodeNode] = [hit, rest]
    if rng.sample_boolean(0.3):
        density = rng.pick_option(("2", "1", "[1, 2, 4].choose", "dice(2)"))
        body = [Block(code_style.format_call_statement("density", density), body)]
        step_beats /= 4
    elif rng.sample_boolean(0.15):
        swing = code_style.format_number(rng.sample_uniform(0.02, 0.1))
        pulse = str(rng.pick_option((2, 4)))
        head = code_style.format_call_statement("with_swing", swing, pulse=pulse)
        body = [Block(head, [hit]), rest]
    return _build_drum_layer(state, body, step_beats, [drum])


def _compose_random_drum_branch(state: CompositionState) -> ProgramLayer:
    rng = state.rng
    drums = [DrumSample(state, group, 0.9) for group in ("kicks", "snares", "hats")]
    step_beats = state.sample_step_beats(1, 0.8)
    condition = f"dice({rng.pick_option((3, 4, 6))}) {rng.pick_option(('== 1', '> 2'))}"
    branch = Conditional(condition, [drums[0].write_sample_call()], [drums[1].write_sample_call()])
    hat_hit = drums[2].write_sample_call()
    rest = state.code_style.format_rest(step_beats)
    return _build_drum_layer(state, [branch, hat_hit, rest], step_beats, drums)
