"""Simulation of sounds and FX that `control` changes, or `kill` ends, while they run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.encoders.score_event_lengths import merge_default_event_options
from core.encoders.simulation.dry_and_wet_sound_mixing import MixedSound, mix_dry_and_wet
from core.encoders.simulation.event_simulation import (
    FRAMES_BEFORE_ONSET,
    MAX_AMPLITUDE,
    SimulatedEvent,
    compute_side_share_after_panning,
    simulate_event,
)
from core.encoders.simulation.fx_simulation import MAX_GAIN, apply_fx_effect
from core.encoders.simulation.options_over_time import (
    OptionState,
    compute_option_values_over_time,
    list_option_states,
    mix_powers_of_states,
)
from core.encoders.simulation.third_octave_bands import BAND_COUNT, FRAME_SECONDS
from core.sonicpi.score_events import ScoreEvent
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory
from core.sonicpi.sound_options_and_control_changes import (
    get_end_seconds,
    get_initial_options,
    list_control_changes_of_sound,
)

MAX_SOUND_STATES = 8
MAX_FX_STATES = 24
MAX_TIME_DEPENDENT_FX_STATES = 6
PAN_STEPS = 8
# Of these FX the output of a frame depends on the frames before, or on its time.
TIME_DEPENDENT_FX = frozenset(
    "reverb gverb echo ping_pong slicer panslicer tremolo wobble ixi_techno flanger".split()
)
# Options of which a running sound takes no notice, or that are applied apart from its states.
STARTING_OPTIONS = frozenset(
    "attack decay sustain release attack_level decay_level sustain_level env_curve start finish"
    " rate rpitch on slide".split()
)
LEVEL_OPTIONS = frozenset(("amp", "pre_amp", "pan"))
FX_LEVEL_OPTIONS = frozenset(("amp", "pre_amp", "pre_mix", "mix"))


def simulate_controlled_event(event: ScoreEvent) -> SimulatedEvent:
    """Return the sound of an event without its FX, with the changes of its options.

    Parameters
    ----------
    event : ScoreEvent
        With finite `SoundOptions`.
    """
    initial = get_initial_options(event.options)
    first = simulate_event(replace(event, options=initial))
    frame_count = len(first.power)
    times = event.time + (np.arange(frame_count) - FRAMES_BEFORE_ONSET) * FRAME_SECONDS
    defaults = merge_default_event_options(replace(event, options=initial))
    values = compute_option_values_over_time(
        defaults, list_control_changes_of_sound(event.options), times
    )
    levels = {name: values[name] for name in values if name in LEVEL_OPTIONS}
    states = {name: values[name] for name in values if name not in LEVEL_OPTIONS | STARTING_OPTIONS}
    unit = {**initial, "amp": 1.0, "pre_amp": 1.0}
    widths, floors = np.zeros_like(first.widths), np.zeros_like(first.floors)
    powers: list[tuple[OptionState, np.ndarray]] = []
    for state in list_option_states(states, frame_count, MAX_SOUND_STATES):
        sound = simulate_event(replace(event, options={**unit, **state.options}))
        state_power = np.zeros((len(state.frames), BAND_COUNT + 1), np.float32)
        inside = state.frames < len(sound.power)
        state_power[inside] = sound.power[state.frames[inside]]
        powers.append((state, state_power))
        widths += sound.widths * (float(state.shares.sum()) / frame_count)
        floors += sound.floors * (float(state.shares.sum()) / frame_count)
    power = mix_powers_of_states(powers, first.power.shape)
    gains = _get_values(levels, defaults, "amp", frame_count) * _get_values(
        levels, defaults, "pre_amp", frame_count
    )
    power *= (np.minimum(np.abs(gains), MAX_AMPLITUDE) ** 2)[:, None].astype(np.float32)
    power[times >= get_end_seconds(event.options)] = 0
    side_share = first.side_share
    if "pan" in levels:
        # At the start, the pan of the event has been applied; the changes begin from the middle.
        middle = simulate_event(replace(event, options={**initial, "pan": 0.0})).side_share
        pans = levels["pan"][:: max(1, frame_count // PAN_STEPS)]
        shares = [compute_side_share_after_panning(middle, float(pan)) for pan in pans]
        side_share = float(np.mean(shares))
    return SimulatedEvent(power, widths, floors, side_share, power[:, :BAND_COUNT].sum(axis=0))


def _get_values(
    values: dict[str, np.ndarray], defaults: dict[str, float], name: str, frame_count: int
) -> np.ndarray:
    if name in values:
        return values[name]
    return np.full(frame_count, defaults.get(name, 1.0))


def apply_controlled_fx(
    sound: MixedSound, name: str, options: dict[str, float], start: float
) -> MixedSound:
    """Return a sound after an FX whose options change.

    Parameters
    ----------
    sound : MixedSound
    name : str
        Without "fx_".
    options : dict of str to float
        `SoundOptions`, those that the program sets.
    start : float
        Time of the first frame on the axis of the changes, in seconds.
    """
    frame_count = len(sound.power)
    initial = {**load_sonic_pi_inventory()["fx"].get(name, {}), **get_initial_options(options)}
    initial = {"amp": 1.0, "pre_amp": 1.0, "pre_mix": 1.0, "mix": 1.0, **initial}
    times = start + np.arange(frame_count) * FRAME_SECONDS
    values = compute_option_values_over_time(initial, list_control_changes_of_sound(options), times)
    levels = {
        level: np.abs(_get_values(values, initial, level, frame_count))
        for level in FX_LEVEL_OPTIONS
    }
    before = np.minimum(levels["pre_amp"] * levels["pre_mix"], MAX_GAIN)
    dry = _scale_frames(sound, before)
    states = {option: values[option] for option in values if option not in FX_LEVEL_OPTIONS}
    wet = _apply_effect_by_states(dry, name, initial, states)
    wet = mix_dry_and_wet(name, dry, wet, np.minimum(levels["mix"], 1.0))
    return _scale_frames(wet, np.minimum(levels["amp"], MAX_GAIN))


def _scale_frames(sound: MixedSound, gains: np.ndarray) -> MixedSound:
    return replace(sound, power=sound.power * (gains**2)[:, None].astype(np.float32))


def _apply_effect_by_states(
    sound: MixedSound, name: str, initial: dict[str, float], states: dict[str, np.ndarray]
) -> MixedSound:
    """Return the wet sound: each frame after the effect with the options of its time."""
    frame_count = len(sound.power)
    is_time_dependent = name in TIME_DEPENDENT_FX
    max_count = MAX_TIME_DEPENDENT_FX_STATES if is_time_dependent else MAX_FX_STATES
    side_share = 0.0
    powers: list[tuple[OptionState, np.ndarray]] = []
    for state in list_option_states(states, frame_count, max_count):
        part = sound if is_time_dependent else replace(sound, power=sound.power[state.frames])
        wet = apply_fx_effect(part, name, {**initial, **state.options})
        powers.append((state, wet.power[state.frames] if is_time_dependent else wet.power))
        side_share += wet.side_share * float(state.shares.sum()) / frame_count
    power = mix_powers_of_states(powers, sound.power.shape)
    return replace(sound, power=power, side_share=side_share)
