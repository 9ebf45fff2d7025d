"""The table of sound profiles: how each synth, sample and FX of Sonic Pi sounds, in bands.

The table is stored in `sound_profiles.npz`, so that a simulation gives the same values everywhere
and needs no installed Sonic Pi. `sound_profile_measurement` creates the file again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from core.sonicpi.sonic_pi_inventory import get_default_synth_options

PROFILE_TABLE_PATH = Path(__file__).with_name("sound_profiles.npz")
PROFILE_NOTES = np.arange(28, 101, 8)  # MIDI
PROFILE_CUTOFFS = np.array([60.0, 85.0, 110.0, 130.0])  # MIDI
PROFILE_FRAMES = np.array([2, 6, 17, 43, 82])  # after the start; 0.05, 0.14, 0.4, 1 and 1.9 s
MIN_LEVEL_DB, LEVEL_STEP_DB = -120.0, 0.5  # of a stored byte


def encode_db_levels_as_bytes(levels_db: np.ndarray) -> np.ndarray:
    """Return levels in dB as bytes: uint8 of the same shape, in steps of 0.5 dB from -120 dB."""
    steps = np.round((np.asarray(levels_db) - MIN_LEVEL_DB) / LEVEL_STEP_DB)
    return np.clip(steps, 0, 255).astype(np.uint8)


def decode_db_levels_from_bytes(encoded: np.ndarray) -> np.ndarray:
    """Return the levels that `encode_db_levels_as_bytes` stored: float32 of the same shape."""
    return encoded.astype(np.float32) * np.float32(LEVEL_STEP_DB) + np.float32(MIN_LEVEL_DB)


@dataclass(frozen=True, eq=False)
class OptionEffect:
    """How an option of a synth changes the level of its bands.

    Attributes
    ----------
    values : float [values]
        Ascending; the default among them.
    gains : float32 [values, bands]
        Change in dB; 0 at the default.
    """

    values: np.ndarray
    gains: np.ndarray

    def interpolate_level_change(self, value: float) -> np.ndarray:
        """Return the change at a value in dB: float32 [bands]."""
        position = float(np.interp(value, self.values, np.arange(len(self.values))))
        low = min(int(position), len(self.values) - 2)
        share = np.float32(position - low)
        change: np.ndarray = (1 - share) * self.gains[low] + share * self.gains[low + 1]
        return change


@dataclass(frozen=True, eq=False)
class SoundProfile:
    """Sound of a synth or a sample at amp 1.

    Attributes
    ----------
    levels : float32
        Power per band in dB. Synths: [notes, cutoffs, times, bands]. Samples: [frames, bands].
    peaks : float32
        Highest squared sample in dB. Synths: [notes, cutoffs]. Samples: [frames].
    widths : float32
        Effective number of FFT bins that share the power of a band, in dB. Synths: [notes, bands].
        Samples: [bands].
    floors : float32
        Geometric mean over the FFT bins of a band by their mean, in dB; 0 for noise. As `widths`.
    side_share : float
        Energy of the side signal as a share of both; 0 for mono.
    envelope_exponent : float
        Power of the envelope's amplitude that the sound follows while it is released; 1 for most.
    option_effects : dict of str to OptionEffect
        By the name of the option.
    """

    levels: np.ndarray
    peaks: np.ndarray
    widths: np.ndarray
    floors: np.ndarray
    side_share: float
    envelope_exponent: float = 1.0
    option_effects: dict[str, OptionEffect] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class FxProfile:
    """Effect of an FX with its default options on steady noise.

    Attributes
    ----------
    gains : float32 [bands]
        Change of the level in dB.
    side_share : float
        Of the output, for a mono input.
    """

    gains: np.ndarray
    side_share: float


@dataclass(frozen=True, eq=False)
class ProfileTable:
    """Profiles by name of synth, sample and FX."""

    synths: dict[str, SoundProfile]
    samples: dict[str, SoundProfile]
    fx: dict[str, FxProfile]


@cache
def load_profile_table() -> ProfileTable:
    """Return the stored profiles.

    Examples
    --------
    >>> load_profile_table().synths["beep"].levels.shape
    (10, 4, 5, 27)
    """
    with np.load(PROFILE_TABLE_PATH, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return ProfileTable(
        _read_synth_profiles(arrays), _read_sample_profiles(arrays), _read_fx_profiles(arrays)
    )


def _read_synth_profiles(arrays: dict[str, np.ndarray]) -> dict[str, SoundProfile]:
    return {
        str(name): SoundProfile(
            decode_db_levels_from_bytes(arrays["synth_levels"][row]),
            decode_db_levels_from_bytes(arrays["synth_peaks"][row]),
            decode_db_levels_from_bytes(arrays["synth_widths"][row]),
            decode_db_levels_from_bytes(arrays["synth_floors"][row]),
            float(arrays["synth_side_shares"][row]),
            float(arrays["synth_envelope_exponents"][row]),
            _read_option_effects(arrays, str(name)),
        )
        for row, name in enumerate(arrays["synth_names"])
    }


def _read_option_effects(arrays: dict[str, np.ndarray], synth: str) -> dict[str, OptionEffect]:
    effects = {}
    defaults = get_default_synth_options(synth)
    for key in sorted(set(arrays["option_keys"].tolist())):
        name, option = key.split(".")
        if name != synth:
            continue
        rows = np.flatnonzero(arrays["option_keys"] == key)
        values = arrays["option_values"][rows]
        gains = arrays["option_gains"][rows].astype(np.float32) * np.float32(LEVEL_STEP_DB)
        is_other = np.abs(values - defaults[option]) > 1e-6
        values = np.append(values[is_other], np.float32(defaults[option]))
        gains = np.concatenate([gains[is_other], np.zeros((1, gains.shape[1]), np.float32)])
        order = np.argsort(values)
        if len(order) > 1:
            effects[option] = OptionEffect(values[order], gains[order])
    return effects


def _read_sample_profiles(arrays: dict[str, np.ndarray]) -> dict[str, SoundProfile]:
    starts = np.concatenate([[0], np.cumsum(arrays["sample_frame_counts"])])
    return {
        str(name): SoundProfile(
            decode_db_levels_from_bytes(arrays["sample_levels"][starts[row] : starts[row + 1]]),
            decode_db_levels_from_bytes(arrays["sample_peaks"][starts[row] : starts[row + 1]]),
            decode_db_levels_from_bytes(arrays["sample_widths"][row]),
            decode_db_levels_from_bytes(arrays["sample_floors"][row]),
            float(arrays["sample_side_shares"][row]),
        )
        for row, name in enumerate(arrays["sample_names"])
    }


def _read_fx_profiles(arrays: dict[str, np.ndarray]) -> dict[str, FxProfile]:
    return {
        str(name): FxProfile(
            decode_db_levels_from_bytes(arrays["fx_gains"][row]),
            float(arrays["fx_side_shares"][row]),
        )
        for row, name in enumerate(arrays["fx_names"])
    }
