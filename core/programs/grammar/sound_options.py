"""Options of synths, samples and FX in a grammar program: envelope, amp, pan and others."""

from __future__ import annotations

from core.programs.grammar import synth_fx_and_sample_sets
from core.programs.grammar.composition_state import CompositionState
from core.programs.grammar.statement_tree_nodes import Block, CodeNode

_VARYING_SYNTH_OPTIONS = (
    "cutoff",
    "pulse_width",
    "detune",
    "res",
    "depth",
    "mod_range",
    "freq_band",
)


def write_constant_or_random_number(
    state: CompositionState, lo: float, hi: float, constant_probability: float = 0.6
) -> str:
    """Write a number that is constant, or an expression that varies between two numbers.

    Parameters
    ----------
    state : CompositionState
        The program under composition.
    lo, hi : float
        Range of the number.
    constant_probability : float
        Probability of a constant.
    """
    rng, code_style = state.rng, state.code_style
    if rng.sample_boolean(constant_probability):
        return code_style.format_number(rng.sample_round_number(lo, hi))
    low, high = sorted((rng.sample_round_number(lo, hi), rng.sample_round_number(lo, hi)))
    if high <= low:
        return code_style.format_number(low)
    low_text, high_text = code_style.format_number(low), code_style.format_number(high)
    notation = rng.pick_option_by_weight(
        {"rrand": 6, "choose": 3, "line": 3, "ring": 2, "range": 1, "rdist": 0.7}
    )
    if notation in ("choose", "ring"):
        third_text = code_style.format_number(rng.sample_round_number(lo, hi))
        if notation == "choose":
            return code_style.format_ruby_list([low_text, high_text, third_text]) + ".choose"
        ring = code_style.format_ruby_list([high_text, low_text, third_text], as_ring=True)
        return ring + rng.pick_option((".tick", ".look"))
    if notation == "line":
        chain = rng.pick_option(
            (".tick", ".mirror.tick", ".look", ".reverse.tick", ".mirror.look", ".ramp.tick")
        )
        steps = str(rng.pick_option((4, 8, 16, 32, 64)))
        line = code_style.format_call_expression("line", low_text, high_text, steps=steps)
        return line + chain
    if notation == "range" and high - low > 4:
        step = rng.pick_option(("5", "2"))
        values = code_style.format_call_expression("range", low_text, high_text, step=step)
        return values + rng.pick_option((".mirror.tick", ".tick"))
    if notation == "rdist" and high - low > 0.1:
        deviation = code_style.format_call_expression("rdist", f"{(high - low) / 2:.2g}")
        return code_style.format_infix_operation(deviation, "+", f"{(low + high) / 2:.3g}")
    return code_style.format_call_expression("rrand", low_text, high_text)


def pick_random_synth_options(
    state: CompositionState, synth_name: str, max_count: int = 2
) -> dict[str, str]:
    """Draw up to `max_count` of a synth's specific options."""
    rng = state.rng
    options: dict[str, str] = {}
    candidates = synth_fx_and_sample_sets.list_synth_options(synth_name)
    for option in rng.pick_options_without_replacement(
        candidates, rng.pick_option_by_weight({0: 3, 1: 4, 2: 2, 3: 0.6})
    ):
        if option.name in _VARYING_SYNTH_OPTIONS and not option.choices:
            options[option.name] = write_constant_or_random_number(state, option.lo, option.hi)
        else:
            options[option.name] = option.write_random_option_value(rng)
        if len(options) == max_count:
            break
    return options


def limit_normalized_synth_amp(state: CompositionState, options: dict[str, str]) -> dict[str, str]:
    """Return the options with a low `amp` if `norm: 1` would make a quiet synth loud."""
    if options.get("norm") == "1":
        return options | {"amp": state.code_style.format_number(0.2)}
    return options


def pick_random_envelope_options(
    state: CompositionState, seconds: float, is_sustained: bool = False
) -> dict[str, str]:
    """Draw envelope options for a note.

    Parameters
    ----------
    state : CompositionState
        The program under composition.
    seconds : float
        Approximate duration of the note, in seconds.
    is_sustained : bool
        Whether the note fades in and out, instead of decaying from its start.
    """
    beats = state.seconds_to_beats(seconds)
    if is_sustained:
        return _pick_random_sustained_envelope(state, beats)
    return _pick_random_decaying_envelope(state, beats)


def _pick_random_decaying_envelope(state: CompositionState, beats: float) -> dict[str, str]:
    rng, code_style = state.rng, state.code_style
    if rng.sample_boolean(0.3) and 0.5 <= beats <= 2:
        return {}
    # An unused draw: without it, the later draws and so all programs would change.
    rng.sample_log_uniform(0.5, 1.6)
    release = max(0.05, round(beats * rng.sample_log_uniform(0.5, 1.6), 2))
    options = {"release": code_style.format_number(release)}
    if rng.sample_boolean(0.15):
        options["attack"] = code_style.format_number(rng.sample_uniform(0.01, 0.1))
    if rng.sample_boolean(0.12):
        sustain = round(beats * rng.sample_uniform(0.1, 0.5), 2)
        options["sustain"] = code_style.format_number(sustain)
    if rng.sample_boolean(0.05):
        options |= {
            "decay": code_style.format_number(rng.sample_uniform(0.05, 0.3)),
            "sustain_level": code_style.format_number(rng.sample_uniform(0.3, 0.8, 1)),
        }
    if rng.sample_boolean(0.03):
        options["env_curve"] = rng.pick_option(("1", "3", "6", "7"))
    return options


def _pick_random_sustained_envelope(state: CompositionState, beats: float) -> dict[str, str]:
    rng, code_style = state.rng, state.code_style
    attack, release = beats * rng.sample_uniform(0.05, 0.4), beats * rng.sample_uniform(0.2, 0.6)
    options = {
        "attack": code_style.format_number(round(attack, 1) or 0.1),
        "release": code_style.format_number(round(release, 1) or 0.2),
    }
    if rng.sample_boolean(0.7):
        options["sustain"] = code_style.format_number(round(max(beats - attack, 0.2), 1))
    if rng.sample_boolean(0.06):
        options |= {
            "attack_level": code_style.format_number(rng.sample_uniform(0.6, 1, 1)),
            "decay": code_style.format_number(rng.sample_uniform(0.2, 1, 1)),
            "sustain_level": code_style.format_number(rng.sample_uniform(0.5, 0.9, 1)),
        }
    return options


def pick_random_amp_option(state: CompositionState, amp: float) -> dict[str, str]:
    """Draw the option `amp`: a constant, a random expression, or none if it is near 1."""
    rng, code_style = state.rng, state.code_style
    if 0.85 < amp < 1.2 and rng.sample_boolean(0.6):
        return {}
    if amp < 0.85 and rng.sample_boolean(0.12):
        softest = code_style.format_number(round(amp * 0.6, 2))
        loudest = code_style.format_number(round(amp, 2))
        return {"amp": code_style.format_call_expression("rrand", softest, loudest)}
    return {
        "amp": state.maybe_extract_variable("amp", code_style.format_number(round(amp, 2)), 0.6)
    }


def pick_random_pan_option(state: CompositionState, probability: float = 0.15) -> dict[str, str]:
    """Draw the option `pan`, or with the remaining probability no option."""
    if not state.rng.sample_boolean(probability):
        return {}
    choices = (
        write_constant_or_random_number(state, -0.8, 0.8),
        state.code_style.format_call_expression("rrand", "-1", "1"),
        "[-0.5, 0.5].choose",
    )
    return {"pan": state.rng.pick_option(choices)}


def wrap_in_fx(state: CompositionState, body: list[CodeNode], fx_kind: str | None = None) -> Block:
    """Return a `with_fx` block around statements.

    Parameters
    ----------
    state : CompositionState
        The program under composition.
    body : list of CodeNode
        Statements inside the FX.
    fx_kind : str, optional
        A key of `instruments.FX_BY_KIND`. Default: drawn by the music style.
    """
    rng, code_style = state.rng, state.code_style
    fx_kind = fx_kind or rng.pick_option_by_weight(state.style.fx_weights)
    fx_name = rng.pick_option(synth_fx_and_sample_sets.FX_BY_KIND[fx_kind])
    option_count = rng.pick_option_by_weight({0: 2, 1: 4, 2: 3, 3: 1})
    drawn_options = rng.pick_options_without_replacement(
        synth_fx_and_sample_sets.FX_OPTIONS[fx_name], option_count
    )
    options = {option.name: option.write_random_option_value(rng) for option in drawn_options}
    amp_factor = synth_fx_and_sample_sets.FX_AMP_FACTORS.get(fx_name, 1.0)
    if amp_factor < 0.8 and "amp" not in options:
        options["amp"] = code_style.format_number(amp_factor)
    if (
        fx_kind == "chop"
        and "phase" not in options
        and fx_name != "ixi_techno"
        and rng.sample_boolean(0.5)
    ):
        options["phase"] = code_style.format_beats(rng.pick_option((0.125, 0.25, 0.5)))
    return Block(code_style.format_call_statement("with_fx", f":{fx_name}", **options), body)
