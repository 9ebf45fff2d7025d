"""Simulation of the main mixer: volume, filters and limiter at the end of the signal path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.encoders.simulation.dry_and_wet_sound_mixing import MixedSound
from core.encoders.simulation.event_simulation import (
    compute_high_pass_response_db,
    compute_low_pass_response_db,
)
from core.encoders.simulation.fx_filters import filter_sound_bands
from core.encoders.simulation.options_over_time import (
    compute_option_values_over_time,
    list_option_states,
    mix_powers_of_states,
)
from core.encoders.simulation.third_octave_bands import BAND_COUNT, FRAME_SECONDS
from core.sonicpi.main_mixer import DEFAULT_MIXER_OPTIONS
from core.sonicpi.sound_options_and_control_changes import OptionChange

LIMITER_PEAK = 0.98
"""Sonic Pi's limiter lets no higher amplitude pass."""
CLIPPING_PEAK = 1.0
MAX_MIXER_GAIN = 1000.0
MAX_FILTER_STATES = 24
FILTER_OPTIONS = ("lpf", "lpf_bypass", "hpf", "hpf_bypass")
# Of the power by the squared peak, from its value without clipping to that of a square wave;
# measured for saws at gains of 5 and 20.
CLIPPED_CREST_EXPONENT = 0.7


def apply_main_mixer(
    sound: MixedSound, changes: Sequence[OptionChange], start: float
) -> MixedSound:
    """Return the sound of a program after the main mixer.

    Parameters
    ----------
    sound : MixedSound
    changes : sequence of OptionChange
        Of the mixer's options by the program, by time.
    start : float
        Time of the first frame on the axis of the changes, in seconds.
    """
    if not changes:
        return _apply_limiter(sound)
    frame_count = len(sound.power)
    times = start + np.arange(frame_count) * FRAME_SECONDS
    values = {
        name: np.full(frame_count, default) for name, default in DEFAULT_MIXER_OPTIONS.items()
    } | compute_option_values_over_time(DEFAULT_MIXER_OPTIONS, changes, times)
    sound = _scale_frames(sound, values["pre_amp"])
    sound = _apply_filters(sound, {name: values[name] for name in FILTER_OPTIONS})
    sound = _mix_channels(sound, values["force_mono"] >= 0.5)
    limited = _apply_limiter(sound)
    is_limited = (values["limiter_bypass"] < 0.5)[:, None]
    sound = replace(sound, power=np.where(is_limited, limited.power, sound.power))
    return _clip_peaks(_scale_frames(sound, values["amp"]))


def _scale_frames(sound: MixedSound, gains: np.ndarray) -> MixedSound:
    gains = np.clip(gains, 0, MAX_MIXER_GAIN) ** 2
    return replace(sound, power=sound.power * gains[:, None].astype(np.float32))


def _apply_filters(sound: MixedSound, values: dict[str, np.ndarray]) -> MixedSound:
    powers = []
    for state in list_option_states(values, len(sound.power), MAX_FILTER_STATES):
        options = state.options
        levels = np.zeros(BAND_COUNT, np.float32)
        if options["lpf_bypass"] < 0.5 and options["lpf"] < DEFAULT_MIXER_OPTIONS["lpf"]:
            levels = levels + compute_low_pass_response_db(options["lpf"])
        if options["hpf_bypass"] < 0.5 and options["hpf"] > DEFAULT_MIXER_OPTIONS["hpf"]:
            levels = levels + compute_high_pass_response_db(options["hpf"])
        part = replace(sound, power=sound.power[state.frames])
        powers.append((state, filter_sound_bands(part, levels).power))
    return replace(sound, power=mix_powers_of_states(powers, sound.power.shape))


def _mix_channels(sound: MixedSound, is_mono: np.ndarray) -> MixedSound:
    """Return a sound that is without its side signal in some frames, bool [frames]."""
    gains = np.where(is_mono, 1 - sound.side_share, 1).astype(np.float32)
    power = sound.power * gains[:, None]
    return replace(sound, power=power, side_share=sound.side_share * (1 - float(is_mono.mean())))


def _apply_limiter(sound: MixedSound) -> MixedSound:
    peaks = sound.power[:, BAND_COUNT]
    gains = np.minimum(1, LIMITER_PEAK**2 / np.maximum(peaks, 1e-12)).astype(np.float32)
    return replace(sound, power=sound.power * gains[:, None])


def _clip_peaks(sound: MixedSound) -> MixedSound:
    """Return a sound whose peaks are clipped; the more they are, the squarer are its waves."""
    peaks = sound.power[:, BAND_COUNT]
    is_clipped = peaks > CLIPPING_PEAK**2
    if not is_clipped.any():
        return sound
    power = sound.power.copy()
    clipped_peaks = peaks[is_clipped]
    totals = np.maximum(power[is_clipped, :BAND_COUNT].sum(axis=1), 1e-12)
    shares = np.minimum(totals / clipped_peaks, 1)
    ratios = CLIPPING_PEAK / np.sqrt(clipped_peaks)
    targets = CLIPPING_PEAK**2 * shares ** (ratios**CLIPPED_CREST_EXPONENT)
    power[is_clipped, :BAND_COUNT] *= (targets / totals)[:, None].astype(np.float32)
    power[is_clipped, BAND_COUNT] = CLIPPING_PEAK**2
    return replace(sound, power=power)
