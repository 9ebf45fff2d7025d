"""Measurement of the sound profiles with the installed Sonic Pi.

.venv/bin/python -m core.encoders.simulation.sound_profile_measurement
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.encoders.simulation.sound_profile_table import (
    PROFILE_CUTOFFS,
    PROFILE_FRAMES,
    PROFILE_NOTES,
    PROFILE_TABLE_PATH,
    encode_db_levels_as_bytes,
)
from core.encoders.simulation.third_octave_bands import (
    BAND_COUNT,
    HOP_LENGTH,
    build_band_filters,
    compute_frame_spectra,
)
from core.sonicpi import RenderError, render
from core.sonicpi.newer_sonic_pi_sounds import (
    find_sonic_pi_version_that_added_sound,
    load_newer_sample_seconds,
    load_newer_synth_options,
)
from core.sonicpi.renderer_versions_and_render_id import DEFAULT_SONIC_PI
from core.sonicpi.sonic_pi_inventory import (
    get_builtin_sample_duration,
    get_default_synth_options,
    load_sonic_pi_inventory,
)

LATEST_SONIC_PI = "5"
# Values of the options that change level or spectrum, besides pitch, envelope and cutoff.
OPTION_VALUES = {
    "coef": (0.0, 0.7, 0.95),
    "depth": (0.2, 3, 10, 20),
    "detune": (0.5, 5, 12),
    "disable_wave": (1,),
    "divisor": (0.25, 1, 4, 12),
    "freq_band": (5, 15),
    "hard": (0.0, 0.25, 0.75, 1.0),
    "mod_pulse_width": (0.1, 0.9),
    "mod_range": (1, 12, 24),
    "mod_wave": (0, 2, 3),
    "noise": (0, 2, 3, 4),
    "noise_amp": (0.2, 1),
    "pluck_decay": (5, 100),
    "pulse_width": (0.1, 0.25, 0.9),
    "range": (6, 48),
    "res": (0.0, 0.2, 0.4, 0.6, 0.8, 0.95),
    "ring": (0.0, 0.8),
    "sub_amp": (0, 2),
    "sub_detune": (-24, 0, 12),
    "vel": (0.0, 0.1, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0),
    "wave": (0, 1, 2, 3),
    "width": (1, 2),
}
OPTION_NOTE, OPTION_SECONDS = 55, 1.0
SMOOTHING_BANDS = 7
SYNTH_SECONDS, SUSTAIN_SECONDS = 2.2, 2.1
RELEASE_SECONDS = 1.0
REFERENCE_EXPONENT = 0.95  # measured for a linear envelope, of which a frame sees a part
TAIL_SECONDS = 0.1  # of silence after a sample, which its last frames overlap
POWER_FLOOR = 1e-12
FX_SECONDS, FX_STEADY_SECONDS = 3.0, 1.0
# What has no steady effect on noise, or none at all.
SKIPPED_FX = ("record", "sound_out", "sound_out_stereo")


@dataclass(frozen=True, eq=False)
class SoundMeasurement:
    """Measured sound of a clip.

    Attributes
    ----------
    levels : float [frames, bands]
        In dB, mean of both channels.
    peaks : float [frames]
        Highest squared sample per hop in dB.
    widths, floors : float [bands]
        As in `SoundProfile`.
    side_share : float
    """

    levels: np.ndarray
    peaks: np.ndarray
    widths: np.ndarray
    floors: np.ndarray
    side_share: float


def render_and_measure_sound(
    source: str, seconds: float, sonic_pi: str = DEFAULT_SONIC_PI
) -> SoundMeasurement:
    """Render a program and measure its clip."""
    try:
        samples = render(source, seconds, sonic_pi=sonic_pi).samples
    except RenderError:  # Some synths are silent at some notes.
        samples = np.zeros((int(seconds * 44_100), 2), np.float32)
    left, right = samples[:, 0], samples[:, 1]
    power = (compute_frame_spectra(left) + compute_frame_spectra(right)) / 2  # [frames, bins]
    filters = build_band_filters()
    bins_per_band = filters.sum(axis=0)
    bands = power @ filters
    magnitudes = np.sqrt(power) @ filters
    # Loud frames count more; the quotient of the sums is the width of the loudest ones.
    widths = (magnitudes**2).sum(axis=0) / (bands.sum(axis=0) + POWER_FLOOR)
    mean_power = power.mean(axis=0) + POWER_FLOOR
    geometric = np.exp((np.log(mean_power) @ filters) / bins_per_band)
    floors = geometric / ((mean_power @ filters) / bins_per_band)
    middle, side = left + right, left - right
    side_energy, middle_energy = float(side @ side), float(middle @ middle)
    hops = np.abs(samples[: len(samples) // HOP_LENGTH * HOP_LENGTH]).max(axis=1)
    peaks = hops.reshape(-1, HOP_LENGTH).max(axis=1) ** 2
    peaks = np.pad(peaks, (0, len(bands) - len(peaks)), mode="edge")
    return SoundMeasurement(
        _convert_power_to_db_levels(bands),
        _convert_power_to_db_levels(peaks),
        _convert_power_to_db_levels(widths),
        _convert_power_to_db_levels(floors),
        side_energy / (side_energy + middle_energy + POWER_FLOOR),
    )


def _convert_power_to_db_levels(power: np.ndarray) -> np.ndarray:
    levels: np.ndarray = 10 * np.log10(np.maximum(power, POWER_FLOOR))
    return levels


def measure_synth_profiles() -> dict[str, np.ndarray]:
    """Measure every synth at `PROFILE_NOTES` and, if it has a filter, at `PROFILE_CUTOFFS`."""
    names = sorted({*load_sonic_pi_inventory()["synths"], *load_newer_synth_options()})
    shape = (len(names), len(PROFILE_NOTES))
    levels = np.empty((*shape, len(PROFILE_CUTOFFS), len(PROFILE_FRAMES), BAND_COUNT))
    peaks = np.empty((*shape, len(PROFILE_CUTOFFS)))
    widths, floors = np.empty((*shape, BAND_COUNT)), np.empty((*shape, BAND_COUNT))
    sides, exponents = np.zeros(len(names)), np.ones(len(names))
    for row, name in enumerate(names):
        options = get_default_synth_options(name)
        has_cutoff = "cutoff" in options
        sonic_pi = (
            find_sonic_pi_version_that_added_sound(name) and LATEST_SONIC_PI or DEFAULT_SONIC_PI
        )
        for column, note in enumerate(PROFILE_NOTES):
            for number, cutoff in enumerate(PROFILE_CUTOFFS):
                if number and not has_cutoff:
                    levels[row, column, number] = levels[row, column, 0]
                    peaks[row, column, number] = peaks[row, column, 0]
                    continue
                source = f"synth :{name}, note: {note}"
                source += (
                    f", sustain: {SUSTAIN_SECONDS}, release: 0.05" if "sustain" in options else ""
                )
                source += f", cutoff: {cutoff}" if has_cutoff else ""
                sound = render_and_measure_sound(source, SYNTH_SECONDS, sonic_pi)
                levels[row, column, number] = sound.levels[PROFILE_FRAMES]
                peaks[row, column, number] = sound.peaks.max()
                widths[row, column], floors[row, column] = sound.widths, sound.floors
            sides[row] += sound.side_share / len(PROFILE_NOTES)
        if "release" in options:
            exponents[row] = _measure_envelope_exponent(name, sonic_pi)

    return {
        "synth_names": np.array(names),
        "synth_levels": encode_db_levels_as_bytes(levels),
        "synth_peaks": encode_db_levels_as_bytes(peaks),
        "synth_widths": encode_db_levels_as_bytes(widths),
        "synth_floors": encode_db_levels_as_bytes(floors),
        "synth_side_shares": sides.astype(np.float32),
        "synth_envelope_exponents": exponents.astype(np.float32),
    }


def _measure_envelope_exponent(name: str, sonic_pi: str) -> float:
    """Return the power of the envelope that the level follows in a release, in [0.5, 4]."""
    held = render_and_measure_sound(
        f"synth :{name}, note: 60, sustain: 1.5, release: 0.05", 1.2, sonic_pi
    )
    released = render_and_measure_sound(
        f"synth :{name}, note: 60, sustain: 0, release: {RELEASE_SECONDS}", 1.2, sonic_pi
    )
    frame = int(0.5 * RELEASE_SECONDS / 0.0232)
    frames = slice(frame - 3, frame + 4)
    level_drop = _convert_power_to_db_levels(10 ** (held.levels[frames] / 10)).max(
        axis=1
    ) - released.levels[frames].max(axis=1)
    return float(np.clip(np.median(level_drop) / (20 * np.log10(2)) / REFERENCE_EXPONENT, 0.5, 4))


def measure_synth_options() -> dict[str, np.ndarray]:
    """Measure how each option of a synth in `OPTION_VALUES` changes the level of its bands."""
    keys, values, gains = [], [], []
    for name in sorted({*load_sonic_pi_inventory()["synths"], *load_newer_synth_options()}):
        sonic_pi = (
            LATEST_SONIC_PI if find_sonic_pi_version_that_added_sound(name) else DEFAULT_SONIC_PI
        )
        options = get_default_synth_options(name)
        default = _measure_mean_levels(f"synth :{name}, note: {OPTION_NOTE}", sonic_pi)
        for option in sorted(set(options) & set(OPTION_VALUES)):
            for value in OPTION_VALUES[option]:
                source = f"synth :{name}, note: {OPTION_NOTE}, {option}: {value}"
                keys.append(f"{name}.{option}")
                values.append(value)
                gains.append(_measure_mean_levels(source, sonic_pi) - default)
    return {
        "option_keys": np.array(keys),
        "option_values": np.array(values, np.float32),
        "option_gains": np.clip(np.round(np.stack(gains) * 2), -127, 127).astype(np.int8),
    }


def _measure_mean_levels(source: str, sonic_pi: str) -> np.ndarray:
    """Return the mean level per band of a note in dB, averaged over neighbouring bands.

    Gains are measured at one note: at others, the partials lie in other bands.
    """
    sound = render_and_measure_sound(source, OPTION_SECONDS, sonic_pi)
    power = (10 ** (sound.levels / 10)).mean(axis=0)
    half = SMOOTHING_BANDS // 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(power, half), SMOOTHING_BANDS)
    levels = _convert_power_to_db_levels(windows.mean(axis=1))
    return np.maximum(levels, levels.max() - 60)


def measure_sample_profiles() -> dict[str, np.ndarray]:
    """Measure every sample over its length."""
    names = sorted({*load_sonic_pi_inventory()["samples"], *load_newer_sample_seconds()})
    sounds = [
        render_and_measure_sound(
            f"sample :{name}", get_builtin_sample_duration(name) + TAIL_SECONDS, LATEST_SONIC_PI
        )
        for name in names
    ]
    return {
        "sample_names": np.array(names),
        "sample_frame_counts": np.array([len(sound.levels) for sound in sounds]),
        "sample_levels": encode_db_levels_as_bytes(
            np.concatenate([sound.levels for sound in sounds])
        ),
        "sample_peaks": encode_db_levels_as_bytes(
            np.concatenate([sound.peaks for sound in sounds])
        ),
        "sample_widths": encode_db_levels_as_bytes(np.stack([sound.widths for sound in sounds])),
        "sample_floors": encode_db_levels_as_bytes(np.stack([sound.floors for sound in sounds])),
        "sample_side_shares": np.array([sound.side_share for sound in sounds], np.float32),
    }


def measure_fx_profiles() -> dict[str, np.ndarray]:
    """Measure the default effect of every FX on steady pink noise."""
    names = [name for name in load_sonic_pi_inventory()["fx"] if name not in SKIPPED_FX]
    noise = f"synth :pnoise, sustain: {FX_SECONDS}, amp: 0.5, cutoff: 130"
    dry = _measure_steady_band_levels(noise)[0]
    measured = [_measure_steady_band_levels(f"with_fx :{name} do\n{noise}\nend") for name in names]
    return {
        "fx_names": np.array(names),
        "fx_gains": encode_db_levels_as_bytes(np.stack([levels - dry for levels, _ in measured])),
        "fx_side_shares": np.array([side for _, side in measured], np.float32),
    }


def _measure_steady_band_levels(source: str) -> tuple[np.ndarray, float]:
    sound = render_and_measure_sound(source, FX_SECONDS)
    first = int(FX_STEADY_SECONDS * 44_100 / HOP_LENGTH)
    return _convert_power_to_db_levels(
        (10 ** (sound.levels[first:] / 10)).mean(axis=0)
    ), sound.side_share


def iterate_measured_profile_arrays() -> Iterator[dict[str, np.ndarray]]:
    """Yield the arrays of the table, kind by kind."""
    yield measure_fx_profiles()
    yield measure_sample_profiles()
    yield measure_synth_profiles()
    yield measure_synth_options()


def write_profile_table() -> None:
    """Measure all profiles and write the table."""
    arrays: dict[str, np.ndarray] = {}
    for part in iterate_measured_profile_arrays():
        arrays |= part
    with PROFILE_TABLE_PATH.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


if __name__ == "__main__":
    write_profile_table()
