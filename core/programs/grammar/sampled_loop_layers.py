"""Layers of sampled loops, whole or sliced, and of single glitch samples."""

from __future__ import annotations

from core.programs.grammar import synth_fx_and_sample_sets
from core.programs.grammar.composition_state import CompositionState
from core.programs.grammar.drum_layers import (
    pick_random_sample_options,
    pick_random_shortening_options,
)
from core.programs.grammar.program_layer import LoopBody, ProgramLayer
from core.programs.grammar.sound_options import pick_random_amp_option, pick_random_pan_option
from core.programs.grammar.statement_tree_nodes import Block, CodeNode, Conditional

_SLICING_METHODS = ("slice", "onset", "chop")


def compose_sampled_loop_layer(state: CompositionState) -> ProgramLayer:
    """Compose a layer that plays a sampled loop, whole or sliced."""
    rng, code_style = state.rng, state.code_style
    sample_name = rng.pick_option(state.sounds.sample_groups["breaks"])
    amp = synth_fx_and_sample_sets.compute_sample_amp(
        sample_name, "breaks", state.sample_layer_loudness(1.0)
    )
    amp_option = pick_random_amp_option(state, amp)
    sample = state.maybe_extract_variable("sample", f":{sample_name}", 0.7)
    seconds = synth_fx_and_sample_sets.SAMPLE_SECONDS[sample_name]
    method = rng.pick_option_by_weight(
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
    extra_options: dict[str, str] = {}
    if rng.sample_boolean(0.25) and method in ("slice", "onset", "duration"):
        extra_options = pick_random_sample_options(state)
    if method in ("stretch", "pitch", "bpm"):
        options = {**extra_options, **amp_option}
        loop = _write_stretched_loop(state, sample, options, method, seconds)
    elif method in ("plain", "rate"):
        loop = _write_whole_loop(state, sample, amp_option, method == "rate", seconds)
    elif method == "duration":
        rate = {}
        if rng.sample_boolean(0.4):
            rate = {"rate": code_style.format_number(rng.pick_option((0.8, 1.2, -1.0)))}
        options = {**extra_options, **rate, **amp_option}
        play = code_style.format_call_statement("sample", sample, **options)
        duration = code_style.format_call_expression("sample_duration", sample, **rate)
        rest = code_style.format_sleep(duration)
        loop = LoopBody([play, rest], state.seconds_to_beats(seconds) / 2)
    else:
        loop = _write_sliced_loop(state, sample, amp_option | extra_options, method, seconds)
    loop_name = code_style.create_loop_name("break")
    return ProgramLayer("break", loop_name, loop.nodes, loop.min_beats, [sample_name])


def _write_stretched_loop(
    state: CompositionState,
    sample: str,
    options: dict[str, str],
    method: str,
    sample_seconds: float,
) -> LoopBody:
    rng, code_style = state.rng, state.code_style
    # One draw per length, not one for all: another order would change all programs.
    beats = min(
        (2, 4, 8, 16),
        key=lambda beats: abs(
            state.beats_to_seconds(beats) - sample_seconds * rng.sample_log_uniform(0.7, 1.5)
        ),
    )
    option_name = "pitch_stretch" if method == "pitch" else "beat_stretch"
    stretched_options = {option_name: str(beats), **options}
    play = code_style.format_call_statement("sample", sample, **stretched_options)
    rest = code_style.format_rest(beats)
    if method != "bpm":
        return LoopBody([play, rest], beats)
    beat_count = {"num_beats": str(beats)} if rng.sample_boolean(0.7) else {}
    nodes: list[CodeNode] = [
        code_style.format_call_statement("use_sample_bpm", sample, **beat_count),
        code_style.format_call_statement("sample", sample, **options),
        code_style.format_sleep(str(beats) if beat_count else "1"),
    ]
    return LoopBody(nodes, state.seconds_to_beats(sample_seconds))


def _write_whole_loop(
    state: CompositionState,
    sample: str,
    amp_option: dict[str, str],
    changes_rate: bool,
    sample_seconds: float,
) -> LoopBody:
    code_style = state.code_style
    rate = 1.0
    if changes_rate:
        rate = state.rng.pick_option((0.5, 0.75, 0.8, 0.9, 1.1, 1.2, 1.5, 2.0, -1.0, -0.5))
    beats = round(state.seconds_to_beats(sample_seconds / abs(rate)) * 4) / 4 or 0.25
    options = amp_option
    if changes_rate:
        options = {"rate": code_style.format_number(rate), **amp_option}
    play = code_style.format_call_statement("sample", sample, **options)
    return LoopBody([play, code_style.format_rest(beats)], beats)


def _write_sliced_loop(
    state: CompositionState,
    sample: str,
    options: dict[str, str],
    method: str,
    sample_seconds: float,
) -> LoopBody:
    rng, code_style = state.rng, state.code_style
    step_beats = state.sample_step_beats(1, max(0.12, min(0.5, sample_seconds / 6)))
    if method == "slice":
        slice_options = _pick_random_slice_options(state)
    elif method == "onset":
        onset = rng.pick_option(("pick", "tick", "rand_i(8)", str(rng.sample_integer(0, 3))))
        slice_options = {"onset": onset}
    else:
        start = rng.sample_uniform(0.0, 0.75)
        width = (
            rng.pick_option((0.125, 0.25)) if sample_seconds < 5 else rng.pick_option((0.05, 0.1))
        )
        slice_options = {
            "start": code_style.format_number(start),
            "finish": code_style.format_number(round(start + width, 3)),
        }
        if rng.sample_boolean(0.4):
            starts = code_style.format_ruby_list(["0", "0.25", "0.5", "0.75"], as_ring=True)
            start_expression = f"{starts}.{rng.pick_option(('tick', 'choose'))}"
            slice_options = {"start": start_expression, "finish": "1"}
            sustain = code_style.format_beats(step_beats)
            options = {**options, "sustain": sustain, "release": "0.1"}
    if rng.sample_boolean(0.2) and "rate" not in options:
        rates = ("[1, 1, -1].choose", "0.8", "(ring 1, 1, 2).tick(:r)", "rrand(0.8, 1.2)")
        options = {**options, "rate": rng.pick_option(rates)}
    if rng.sample_boolean(0.75):
        rest = code_style.format_beats(step_beats)
    else:
        rests = [code_style.format_beats(step_beats), code_style.format_beats(step_beats * 2)]
        rest = code_style.format_ruby_list(rests) + ".choose"
    play = code_style.format_call_statement("sample", sample, **{**options, **slice_options})
    return LoopBody([play, code_style.format_sleep(rest)], step_beats)


def _pick_random_slice_options(state: CompositionState) -> dict[str, str]:
    rng = state.rng
    count = rng.pick_option((4, 8, 8, 16, 32))
    index = rng.pick_option(
        (
            f"rand_i({count})",
            "tick",
            f"dice({count}) - 1",
            f"rrand_i(0, {count - 1})",
            f"(0...{count}).to_a.shuffle.tick",
        )
    )
    return {"num_slices": str(count), "slice": index}


def compose_glitch_layer(state: CompositionState, always_sounds: bool) -> ProgramLayer:
    """Compose a layer of single short samples at irregular times.

    Parameters
    ----------
    state : CompositionState
        The program under composition.
    always_sounds : bool
        Whether every iteration must sound.
    """
    rng, code_style = state.rng, state.code_style
    group = rng.pick_option(("glitches", "blips", "percussion", "tablas", "glitches", "bass_hits"))
    sample_name = rng.pick_option(state.sounds.sample_groups[group])
    amp = synth_fx_and_sample_sets.compute_sample_amp(
        sample_name, group, state.sample_layer_loudness(0.9)
    )
    options = pick_random_sample_options(state) if rng.sample_boolean(0.6) else {}
    options |= pick_random_shortening_options(state, sample_name, options)
    hit = code_style.format_call_statement(
        "sample",
        f":{sample_name}",
        **pick_random_amp_option(state, amp),
        **options,
        **pick_random_pan_option(state, 0.4),
    )
    step_beats = state.sample_step_beats(rng.pick_option((1, 2, 3)), 1.5)
    body: list[CodeNode] = [hit]
    if not (always_sounds or rng.sample_boolean(0.4)):
        condition = f"one_in({rng.sample_integer(2, 6)})"
        body = (
            [Conditional(condition, [hit])]
            if rng.sample_boolean(0.5)
            else [f"{hit} if {condition}"]
        )
        if rng.sample_boolean(0.25):
            other_hit = code_style.format_call_statement(
                "sample",
                f":{rng.pick_option(state.sounds.sample_groups[group])}",
                amp=code_style.format_number(amp),
            )
            body = [Conditional(condition, [hit], [other_hit])]
    rest = _write_irregular_rest_length(state, step_beats)
    if rng.sample_boolean(0.1):
        shift = code_style.format_beats(step_beats / 2)
        body = [Block(code_style.format_call_statement("time_warp", shift), body)]
    loop_name = code_style.create_loop_name("glitch")
    body = [*body, code_style.format_sleep(rest)]
    return ProgramLayer("glitch", loop_name, body, step_beats * 0.5, [sample_name])


def _write_irregular_rest_length(state: CompositionState, step_beats: float) -> str:
    code_style = state.code_style
    # All three are written before one is picked; writing only one would change all programs.
    constant = code_style.format_beats(step_beats)
    lengths = [code_style.format_beats(step_beats * factor) for factor in (1, 2, 0.5)]
    choice = code_style.format_ruby_list(lengths) + ".choose"
    shortest = code_style.format_beats(step_beats * 0.5)
    longest = code_style.format_beats(step_beats * 1.5)
    uniform = code_style.format_call_expression("rrand", shortest, longest)
    return state.rng.pick_option((constant, choice, uniform))
