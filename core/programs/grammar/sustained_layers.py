"""Layers of long sounds: drones, textures and noise."""

from __future__ import annotations

from core.programs.grammar import synth_fx_and_sample_sets
from core.programs.grammar.composition_state import CompositionState
from core.programs.grammar.note_expressions import write_note_expression
from core.programs.grammar.program_layer import ProgramLayer
from core.programs.grammar.sound_options import (
    limit_normalized_synth_amp,
    pick_random_amp_option,
    pick_random_pan_option,
    pick_random_synth_options,
    write_constant_or_random_number,
)
from core.programs.grammar.statement_tree_nodes import CodeNode, Conditional


def compose_drone_layer(state: CompositionState) -> ProgramLayer:
    """Compose a layer with one sustained note that is constant or changes slowly."""
    rng, code_style = state.rng, state.code_style
    synth_name = rng.pick_option(state.sounds.synth_groups["pads"])
    amp = synth_fx_and_sample_sets.compute_synth_amp(synth_name, state.sample_layer_loudness(0.7))
    beats = max(1, round(state.seconds_to_beats(rng.sample_uniform(3.0, 8.0, 1))))
    octave = rng.pick_option((2, 2, 3, 3, 4))
    options = limit_normalized_synth_amp(
        state,
        {
            **pick_random_amp_option(state, amp),
            **_pick_random_long_envelope(state, beats),
            **pick_random_synth_options(state, synth_name),
            **pick_random_pan_option(state, 0.2),
        },
    )
    if rng.sample_boolean(0.3):
        note = state.write_chord_expression(octave)
    else:
        note = write_note_expression(state, octave)
    variable = code_style.create_variable_name("node")
    body: list[CodeNode]
    if rng.sample_boolean(0.4):
        body = [code_style.format_call_statement("synth", f":{synth_name}", note=note, **options)]
    else:
        play = code_style.format_call_statement("play", note, **options)
        body = [code_style.format_call_statement("use_synth", f":{synth_name}"), play]
    if rng.sample_boolean(0.45):
        options = {"note": note, **options}
        body = _write_controlled_drone(state, synth_name, options, variable, octave, beats)
    else:
        body.append(code_style.format_rest(beats * rng.pick_option((1, 1, 0.75))))
    loop_name = code_style.create_loop_name("drone")
    return ProgramLayer("drone", loop_name, body, beats * 0.75, [synth_name])


def _write_controlled_drone(
    state: CompositionState,
    synth_name: str,
    options: dict[str, str],
    variable: str,
    octave: int,
    beats: float,
) -> list[CodeNode]:
    """Write a note whose cutoff, pitch or pan slides to new values."""
    rng, code_style = state.rng, state.code_style
    has_cutoff = any(
        option.name == "cutoff"
        for option in synth_fx_and_sample_sets.list_synth_options(synth_name)
    )
    if has_cutoff and rng.sample_boolean(0.6):
        name, value = "cutoff", code_style.format_number(rng.sample_round_number(60, 120))
    else:
        name, value = "pan", rng.pick_option(("-0.7", "0.7", "rrand(-1, 1)"))
    if rng.sample_boolean(0.2):
        midi = state.degree_to_midi(octave, rng.sample_integer(0, 5))
        name, value = "note", code_style.format_note(midi)
    slide_count = rng.pick_option((1, 2, 2, 4))
    slide = {f"{name}_slide": code_style.format_beats(beats / slide_count)}
    synth = code_style.format_call_statement("synth", f":{synth_name}", **options, **slide)
    body: list[CodeNode] = [code_style.format_assignment(variable, synth)]
    for _ in range(slide_count):
        body += [
            code_style.format_call_statement("control", variable, **{name: value}),
            code_style.format_rest(beats / slide_count),
        ]
        # All three are drawn every time; drawing only one would change all programs.
        next_values = {
            "cutoff": code_style.format_number(rng.sample_round_number(60, 120)),
            "note": code_style.format_note(state.degree_to_midi(octave, rng.sample_integer(0, 5))),
            "pan": code_style.format_number(rng.sample_uniform(-0.9, 0.9, 1)),
        }
        value = next_values[name]
    return body


def _pick_random_long_envelope(state: CompositionState, beats: float) -> dict[str, str]:
    rng, code_style = state.rng, state.code_style
    attack = round(beats * rng.sample_uniform(0.1, 0.5), 1)
    shape = rng.pick_option(("full", "full", "release", "ends"))
    if shape == "release":
        release = round(beats * rng.sample_uniform(1.0, 1.6), 1)
        return {"release": code_style.format_number(release)}
    if shape == "ends":
        return {
            "attack": code_style.format_number(attack),
            "release": code_style.format_number(round(beats, 1)),
        }
    return {
        "attack": code_style.format_number(attack),
        "sustain": code_style.format_number(round(beats * 0.6, 1)),
        "release": code_style.format_number(round(beats * rng.sample_uniform(0.3, 0.8), 1)),
    }


def compose_texture_layer(state: CompositionState, always_sounds: bool) -> ProgramLayer:
    """Compose a layer of long samples.

    Parameters
    ----------
    state : CompositionState
        The program under composition.
    always_sounds : bool
        Whether every iteration must sound.
    """
    rng, code_style = state.rng, state.code_style
    textures = state.sounds.sample_groups["textures"]
    long_textures = [
        name for name in textures if synth_fx_and_sample_sets.SAMPLE_SECONDS[name] >= 1.5
    ]
    sample_name = rng.pick_option(long_textures if always_sounds else textures)
    amp = synth_fx_and_sample_sets.compute_sample_amp(
        sample_name, "textures", state.sample_layer_loudness(0.8)
    )
    rate = rng.pick_option((1, 1, 1, 0.5, 0.75, 0.25, -1, -0.5, 1.5, 0.8, 0.4))
    options = pick_random_amp_option(state, amp)
    if rate != 1:
        options["rate"] = code_style.format_number(rate)
    seconds = synth_fx_and_sample_sets.SAMPLE_SECONDS[sample_name] / abs(rate)
    effect = rng.pick_option_by_weight(
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
    options |= _pick_random_texture_options(state, effect, seconds)
    if effect == "part":
        seconds *= 0.4
    options |= pick_random_pan_option(state, 0.2)
    rest_beats = _sample_texture_rest_beats(state, seconds)
    if effect == "rate":
        options["rate"] = rng.pick_option(
            (
                "rrand(0.3, 1.0)",
                "[0.5, 1, -0.5].choose",
                "(ring 0.5, 1, 0.75).tick",
                "rrand(0.8, 1.2)",
            )
        )
    sample = f":{sample_name}"
    if effect == "several":
        other_names = rng.pick_options_with_replacement(long_textures, rng.sample_integer(1, 3))
        samples = code_style.format_ruby_list([sample, *(f":{name}" for name in other_names)])
        sample = state.maybe_extract_variable("samples", samples, 1.2)
        sample += rng.pick_option((".choose", ".tick", ".choose"))
    if effect == "stretch":
        options.pop("rate", None)
        options["beat_stretch"] = code_style.format_beats(rest_beats)
    body: list[CodeNode] = [
        code_style.format_call_statement("sample", sample, **options),
        code_style.format_rest(rest_beats),
    ]
    if effect == "control":
        body = _write_controlled_texture(state, sample, options, amp, rest_beats)
    if not always_sounds and rng.sample_boolean(0.2):
        body = [Conditional(f"one_in({rng.sample_integer(2, 3)})", body[:-1]), body[-1]]
    loop_name = code_style.create_loop_name("texture")
    return ProgramLayer("texture", loop_name, body, rest_beats, [sample_name])


def _pick_random_texture_options(
    state: CompositionState, effect: str, seconds: float
) -> dict[str, str]:
    rng, code_style = state.rng, state.code_style
    if effect == "fade" and seconds > 3:
        return {
            "attack": code_style.format_number(rng.sample_uniform(0.2, 1.0, 1)),
            "release": code_style.format_number(rng.sample_uniform(0.2, 1.5, 1)),
        }
    if effect == "part":
        return {
            "start": code_style.format_number(rng.sample_uniform(0, 0.3)),
            "finish": code_style.format_number(rng.sample_uniform(0.7, 1.0)),
        }
    if effect != "lpf":
        return {}
    options = {
        rng.pick_option(("lpf", "lpf", "cutoff")): write_constant_or_random_number(state, 70, 120)
    }
    if rng.sample_boolean(0.2) and "lpf" in options:
        options["lpf_attack"] = code_style.format_number(rng.sample_uniform(0.5, 3, 1))
        options["lpf_min"] = str(rng.sample_integer(50, 70))
    return options


def _sample_texture_rest_beats(state: CompositionState, seconds: float) -> float:
    """Draw the rest after a texture, in half beats from 0.5 to 5 seconds."""
    beats = state.seconds_to_beats(min(seconds, 5.5) * state.rng.pick_option((0.5, 0.8, 1)))
    beats = max(beats, state.seconds_to_beats(0.5))
    beats = min(beats, state.seconds_to_beats(5.0))
    return round(beats * 2) / 2 or 0.5


def _write_controlled_texture(
    state: CompositionState,
    sample: str,
    options: dict[str, str],
    amp: float,
    rest_beats: float,
) -> list[CodeNode]:
    """Write a sample whose amp or pan slides to a new value."""
    rng, code_style = state.rng, state.code_style
    variable = code_style.create_variable_name("node")
    name = "amp" if rng.sample_boolean(0.5) else "pan"
    slide = {f"{name}_slide": code_style.format_beats(rest_beats / 2)}
    if name == "amp":
        value = code_style.format_number(round(amp * rng.pick_option((0.4, 0.6, 1.2)), 2))
    else:
        value = rng.pick_option(("-1", "1", "0.5"))
    play = code_style.format_call_statement("sample", sample, **options, **slide)
    return [
        code_style.format_assignment(variable, play),
        code_style.format_rest(rest_beats / 2),
        code_style.format_call_statement("control", variable, **{name: value}),
        code_style.format_rest(rest_beats / 2),
    ]


def compose_noise_layer(state: CompositionState, always_sounds: bool) -> ProgramLayer:
    """Compose a layer of noise: waves, sweeps or short ticks.

    Parameters
    ----------
    state : CompositionState
        The program under composition.
    always_sounds : bool
        Whether every iteration must sound.
    """
    rng = state.rng
    synth_name = rng.pick_option(state.sounds.synth_groups["noises"])
    level = state.sample_layer_loudness(0.5 if synth_name in ("bnoise", "gnoise") else 0.35)
    amp = synth_fx_and_sample_sets.compute_synth_amp(synth_name, level)
    shape = rng.pick_option(("wave", "tick", "tick", "sweep"))
    synth_options = pick_random_synth_options(state, synth_name)
    body: list[CodeNode]
    if shape == "tick":
        beats = state.sample_step_beats(1, 0.6)
        body = _write_noise_tick(state, synth_name, amp, synth_options, beats)
        if not always_sounds and rng.sample_boolean(0.3):
            hit_count = str(rng.sample_integer(3, 7))
            ring = state.code_style.format_call_expression("spread", hit_count, "8")
            body[-2] = f"{body[-2]} if {ring}.tick"
    else:
        beats = max(1, round(state.seconds_to_beats(rng.sample_uniform(2.0, 5.0, 1))))
        options = {
            **pick_random_amp_option(state, amp),
            **_pick_random_long_envelope(state, beats),
            **synth_options,
            **pick_random_pan_option(state, 0.3),
        }
        is_sweep = shape == "sweep" and synth_name != "chipnoise"
        body = _write_noise_wave(state, synth_name, options, beats, is_sweep)
    loop_name = state.code_style.create_loop_name("noise")
    return ProgramLayer("noise", loop_name, body, beats, [synth_name])


def _write_noise_tick(
    state: CompositionState,
    synth_name: str,
    amp: float,
    synth_options: dict[str, str],
    step_beats: float,
) -> list[CodeNode]:
    rng, code_style = state.rng, state.code_style
    options = {
        **pick_random_amp_option(state, amp),
        "release": code_style.format_number(rng.sample_uniform(0.02, 0.2)),
        **synth_options,
        **pick_random_pan_option(state, 0.2),
    }
    tick = code_style.format_call_statement("synth", f":{synth_name}", **options)
    rest = code_style.format_rest(step_beats)
    if not rng.sample_boolean(0.4):
        return [tick, rest]
    return [
        code_style.format_call_statement("use_synth", f":{synth_name}"),
        code_style.format_call_statement("play", code_style.format_note(60), **options),
        rest,
    ]


def _write_noise_wave(
    state: CompositionState,
    synth_name: str,
    options: dict[str, str],
    beats: float,
    is_sweep: bool,
) -> list[CodeNode]:
    rng, code_style = state.rng, state.code_style
    wave = code_style.format_call_statement("synth", f":{synth_name}", **options)
    rest = code_style.format_rest(beats)
    if is_sweep:
        variable = code_style.create_variable_name("node")
        options = {
            **options,
            "cutoff": str(rng.sample_integer(60, 80)),
            "cutoff_slide": code_style.format_beats(beats),
        }
        sweep = code_style.format_call_statement("synth", f":{synth_name}", **options)
        cutoff = str(rng.sample_integer(90, 120))
        return [
            code_style.format_assignment(variable, sweep),
            code_style.format_call_statement("control", variable, cutoff=cutoff),
            code_style.format_rest(beats),
        ]
    if rng.sample_boolean(0.2):
        return [
            code_style.format_call_statement("use_synth", f":{synth_name}"),
            code_style.format_call_statement("play", ":c4", **options),
            rest,
        ]
    return [wave, rest]
