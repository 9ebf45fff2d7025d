"""Simulation of FX: how each changes power per frame and band, stereo width and noisiness."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from core.encoders.simulation.dry_and_wet_sound_mixing import (
    MixedSound,
    add_two_sounds,
    mix_dry_and_wet,
    scale_sound_power,
)
from core.encoders.simulation.event_simulation import (
    compute_side_share_after_panning,
    shift_levels_by_bands,
)
from core.encoders.simulation.fx_filters import (
    apply_band_pass,
    apply_equalizer,
    apply_high_pass,
    apply_low_pass,
    apply_resonant_high_pass,
    apply_resonant_low_pass,
    apply_swept_filter,
    filter_sound_bands,
)
from core.encoders.simulation.modulation_wave import (
    WAVE_STEPS_PER_FRAME,
    Options,
    compute_modulation_wave,
)
from core.encoders.simulation.sound_profile_table import load_profile_table
from core.encoders.simulation.third_octave_bands import (
    BAND_COUNT,
    FRAME_SECONDS,
    SEMITONES_PER_BAND,
)
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory

MAX_GAIN = 1000.0
# Decay of 60 dB per second of reverberation, fitted to renders of a snare through each FX.
REVERB_COMB_SECONDS = 0.21  # 60 dB of decay, times the logarithm of the comb filters' feedback
REVERB_ENERGY = 0.14  # of the tail, by the energy of the sound; for a feedback of 0
GVERB_ENERGY = 18.0
REVERB_SIDE_SHARE = 0.03
MASTER_GAIN = 0.3  # from the amplitude in an FX to that of the output
MONO_GAIN = 0.5  # in power: panning to the centre divides by the root of 2
COMPRESSOR_FOLLOWER = 0.5  # of the peak: it follows a mean over some milliseconds
MAX_NORMALISER_GAIN = 1e5
# What the measured effect on noise misses, for saws and drums.
MEASURED_CORRECTIONS_DB = {"krush": -4.0, "octaver": -3.0, "whammy": -4.0, "vowel": -1.5}


def apply_fx(sound: MixedSound, name: str, options: Options) -> MixedSound:
    """Return a sound after an FX.

    Parameters
    ----------
    sound : MixedSound
    name : str
        Without "fx_".
    options : dict of str to float
        Those that the program sets.
    """
    defaults = load_sonic_pi_inventory()["fx"].get(name, {})
    values = {**defaults, **options}
    before = _clamp_fx_gain(values.get("pre_amp", 1.0) * values.get("pre_mix", 1.0))
    after = _clamp_fx_gain(values.get("amp", 1.0))
    mix = min(max(values.get("mix", 1.0), 0.0), 1.0)
    dry = scale_sound_power(sound, before**2)
    wet = apply_fx_effect(dry, name, values)
    mixed = mix_dry_and_wet(name, dry, wet, mix)
    return scale_sound_power(mixed, after**2)


def apply_fx_effect(sound: MixedSound, name: str, options: Options) -> MixedSound:
    """Return the wet sound of an FX, without its gains; options come with their defaults."""
    effect = _EFFECTS.get(name, _make_measured_default_effect(name))
    return effect(sound, options)


def _clamp_fx_gain(gain: float) -> float:
    return min(abs(gain), MAX_GAIN)


def _apply_ixi_techno(sound: MixedSound, options: Options) -> MixedSound:
    """Sweep a filter by a sine that begins at its lowest value."""
    return apply_swept_filter(sound, {**options, "wave": 3.0, "phase_offset": 0.75})


def _apply_reverb(sound: MixedSound, options: Options) -> MixedSound:
    room = min(max(options.get("room", 0.6), 0.0), 1.0)
    feedback = 0.7 + 0.28 * room  # Freeverb's
    seconds = REVERB_COMB_SECONDS / -math.log(feedback)
    tail = _compute_tail_power_per_frame(sound, seconds, REVERB_ENERGY / (1 - feedback**2))
    damping = np.linspace(2, -8 * min(max(options.get("damp", 0.5), 0.0), 1.0), BAND_COUNT)
    wet = filter_sound_bands(replace(sound, power=tail), damping.astype(np.float32))
    return replace(wet, side_share=max(sound.side_share, REVERB_SIDE_SHARE))


def _apply_gverb(sound: MixedSound, options: Options) -> MixedSound:
    seconds = min(max(options.get("release", 3.0), 0.1), 30.0)
    room = min(max(options.get("room", 10.0), 1.0), 300.0)
    tail = _compute_tail_power_per_frame(
        sound, seconds, GVERB_ENERGY * seconds / 3 * math.sqrt(10 / room)
    )
    damping = np.linspace(3, -12, BAND_COUNT).astype(np.float32)
    dry = scale_sound_power(sound, _clamp_fx_gain(options.get("dry", 1.0)) ** 2)
    return add_two_sounds(dry, filter_sound_bands(replace(sound, power=tail), damping))


def _compute_tail_power_per_frame(sound: MixedSound, seconds: float, energy: float) -> np.ndarray:
    """Return the power of an exponential tail that falls by 60 dB in `seconds`.

    Parameters
    ----------
    sound : MixedSound
    seconds : float
    energy : float
        Of the whole tail, by that of the sound.
    """
    from scipy.signal import lfilter

    decay = 10 ** (-6 * FRAME_SECONDS / seconds)
    tail: np.ndarray = lfilter([0.0, energy * (1 - decay)], [1.0, -decay], sound.power, axis=0)
    return tail.astype(np.float32)


def _apply_echo(sound: MixedSound, options: Options) -> MixedSound:
    phase = max(options.get("phase", 0.25), 0.02)
    decay = max(options.get("decay", 2.0), 0.01)
    repetitions = _add_echo_repetitions(sound.power, phase, 10 ** (-6 * phase / decay))
    # The first echo is as loud as the sound.
    return replace(sound, power=sound.power + _delay_power_by_seconds(repetitions, phase))


def _apply_ping_pong(sound: MixedSound, options: Options) -> MixedSound:
    gain = min(max(options.get("feedback", 0.5), 0.0), 0.99) ** 2
    phase = max(options.get("phase", 0.25), 0.02)
    echoes = gain * _delay_power_by_seconds(_add_echo_repetitions(sound.power, phase, gain), phase)
    return add_two_sounds(sound, replace(sound, power=echoes, side_share=0.5))


def _delay_power_by_seconds(power: np.ndarray, seconds: float) -> np.ndarray:
    delayed = np.zeros_like(power)
    step = max(1, round(seconds / FRAME_SECONDS))
    delayed[step:] = power[: max(0, len(power) - step)]
    return delayed


def _add_echo_repetitions(power: np.ndarray, phase: float, gain: float) -> np.ndarray:
    """Return power with repetitions after each `phase` seconds, each with `gain` times as much."""
    step = max(1, round(phase / FRAME_SECONDS))
    repeated = power.copy()
    for start in range(step, len(power), step):
        block = repeated[start : start + step]
        block += np.float32(gain) * repeated[start - step : start - step + len(block)]
    return repeated


def _apply_slicer(sound: MixedSound, options: Options) -> MixedSound:
    """Switch the sound on and off; with a smooth wave, move between the two levels."""
    low, high = (
        _clamp_fx_gain(options.get(name, default))
        for name, default in (("amp_min", 0.0), ("amp_max", 1.0))
    )
    shape = compute_modulation_wave(options, len(sound.power), 1)
    gains = ((low + (high - low) * shape) ** 2).reshape(-1, WAVE_STEPS_PER_FRAME).mean(axis=1)
    kernel = np.array([0.1, 0.25, 0.3, 0.25, 0.1])  # the window of a frame overlaps its neighbours
    gains = np.convolve(np.pad(gains, 2, mode="edge"), kernel, mode="valid").astype(np.float32)
    return replace(sound, power=sound.power * gains[:, None])


def _apply_panslicer(sound: MixedSound, options: Options) -> MixedSound:
    span = options.get("pan_max", 1.0) - options.get("pan_min", -1.0)
    panned = scale_sound_power(sound, MONO_GAIN)
    return replace(panned, side_share=min(0.5, 0.25 * abs(span)))


def _apply_tremolo(sound: MixedSound, options: Options) -> MixedSound:
    depth = min(max(options.get("depth", 0.5), 0.0), 1.0)
    tremolo = {"amp_min": 1 - depth, "amp_max": 1.0, "wave": options.get("wave", 2.0)}
    return _apply_slicer(sound, {"phase": options.get("phase", 4.0), **tremolo})


def _apply_pan(sound: MixedSound, options: Options) -> MixedSound:
    side_share = compute_side_share_after_panning(sound.side_share, options.get("pan", 0.0))
    return replace(scale_sound_power(sound, MONO_GAIN), side_share=side_share)


def _apply_mono(sound: MixedSound, options: Options) -> MixedSound:
    return _apply_pan(replace(sound, side_share=0.0), options)


def _shift_pitch(sound: MixedSound, semitones: float) -> MixedSound:
    levels = 10 * np.log10(sound.power[:, :BAND_COUNT] + 1e-12)
    power = sound.power.copy()
    power[:, :BAND_COUNT] = 10 ** (
        shift_levels_by_bands(levels, semitones / SEMITONES_PER_BAND) / 10
    )
    return replace(sound, power=power)


def _apply_pitch_shift(sound: MixedSound, options: Options) -> MixedSound:
    return _shift_pitch(sound, options.get("pitch", 0.0))


def _apply_whammy(sound: MixedSound, options: Options) -> MixedSound:
    shifted = _shift_pitch(sound, options.get("transpose", 12.0))
    quieter = scale_sound_power(shifted, 10 ** (MEASURED_CORRECTIONS_DB["whammy"] / 10))
    return replace(quieter, side_share=0.5)


def _apply_normaliser(sound: MixedSound, options: Options) -> MixedSound:
    """Scale the sound to the level, frame by frame; silence stays silent."""
    peaks = sound.power[:, BAND_COUNT]
    level = (_clamp_fx_gain(options.get("level", 1.0)) * MASTER_GAIN) ** 2
    gains = np.minimum(level / np.maximum(peaks, 1e-12), MAX_NORMALISER_GAIN)
    return replace(sound, power=sound.power * gains.astype(np.float32)[:, None])


def _apply_compressor(sound: MixedSound, options: Options) -> MixedSound:
    """Reduce what is above the threshold by the slope."""
    threshold = max(options.get("threshold", 0.2), 1e-3) * MASTER_GAIN
    slope = min(max(options.get("slope_above", 0.5), 0.0), 4.0)
    amplitudes = COMPRESSOR_FOLLOWER * np.sqrt(sound.power[:, BAND_COUNT])
    over = np.maximum(amplitudes / threshold, 1)
    gains = over ** (2 * (slope - 1))
    return replace(sound, power=sound.power * gains.astype(np.float32)[:, None])


def _apply_distortion(sound: MixedSound, options: Options) -> MixedSound:
    """Raise the level by waveshaping, (1 + k) x / (1 + k |x|), and add harmonics."""
    distort = min(max(options.get("distort", 0.5), 0.0), 0.99)
    shape = 2 * distort / (1 - distort)
    return _apply_saturation_to_band_powers(
        sound, lambda amplitudes: (1 + shape) / (1 + shape * amplitudes)
    )


def _apply_tanh(sound: MixedSound, options: Options) -> MixedSound:
    krunch = min(max(options.get("krunch", 5.0), 0.01), 100.0)
    # Louder than tanh(k x) / k by the root of k, as measured.
    return _apply_saturation_to_band_powers(
        sound,
        lambda amplitudes: (
            np.tanh(krunch * amplitudes) / np.maximum(math.sqrt(krunch) * amplitudes, 1e-4)
        ),
    )


def _apply_saturation_to_band_powers(
    sound: MixedSound, compute_gain: Callable[[np.ndarray], np.ndarray]
) -> MixedSound:
    """Apply a gain that depends on the amplitude; part of the power moves to higher bands."""
    amplitudes = np.sqrt(sound.power[:, BAND_COUNT]) / MASTER_GAIN
    gains = (compute_gain(amplitudes) ** 2).astype(np.float32)
    power = sound.power * gains[:, None]
    harmonics = np.zeros((len(power), BAND_COUNT), np.float32)
    for shift, share in ((5, 0.08), (7, 0.04), (9, 0.02)):  # about the 3rd, 5th, 8th harmonic
        harmonics[:, shift:] += np.float32(share) * power[:, : BAND_COUNT - shift]
    power[:, :BAND_COUNT] += harmonics
    return replace(sound, power=power)


def _normalise_sound_after_effect(
    effect: Callable[[MixedSound, Options], MixedSound],
) -> Callable[[MixedSound, Options], MixedSound]:
    return lambda sound, options: _apply_normaliser(effect(sound, options), {"level": 1.0})


def _make_measured_default_effect(name: str) -> Callable[[MixedSound, Options], MixedSound]:
    """Return the effect that was measured with default options; none for an unknown name."""
    profile = load_profile_table().fx.get(name)
    if profile is None:
        return lambda sound, _options: sound

    def apply_measured_effect(sound: MixedSound, _options: Options) -> MixedSound:
        side_share = max(sound.side_share, profile.side_share)
        gains = profile.gains + np.float32(MEASURED_CORRECTIONS_DB.get(name, 0.0))
        return replace(filter_sound_bands(sound, gains), side_share=side_share)

    return apply_measured_effect


def _leave_sound_unchanged(sound: MixedSound, _options: Options) -> MixedSound:
    return sound


_EFFECTS: dict[str, Callable[[MixedSound, Options], MixedSound]] = {
    "lpf": apply_low_pass,
    "hpf": apply_high_pass,
    "rlpf": apply_resonant_low_pass,
    "rhpf": apply_resonant_high_pass,
    **dict.fromkeys(("bpf", "rbpf"), apply_band_pass),
    # Those with an "n" are normalised.
    "nlpf": _normalise_sound_after_effect(apply_low_pass),
    "nhpf": _normalise_sound_after_effect(apply_high_pass),
    "nrlpf": _normalise_sound_after_effect(apply_resonant_low_pass),
    "nrhpf": _normalise_sound_after_effect(apply_resonant_high_pass),
    **dict.fromkeys(("nbpf", "nrbpf"), _normalise_sound_after_effect(apply_band_pass)),
    "wobble": apply_swept_filter,
    "ixi_techno": _apply_ixi_techno,
    **dict.fromkeys(("level", "record", "sound_out", "sound_out_stereo"), _leave_sound_unchanged),
    "eq": apply_equalizer,
    "reverb": _apply_reverb,
    "gverb": _apply_gverb,
    "echo": _apply_echo,
    "ping_pong": _apply_ping_pong,
    "slicer": _apply_slicer,
    "panslicer": _apply_panslicer,
    "tremolo": _apply_tremolo,
    "pan": _apply_pan,
    "mono": _apply_mono,
    "pitch_shift": _apply_pitch_shift,
    "whammy": _apply_whammy,
    "normaliser": _apply_normaliser,
    "compressor": _apply_compressor,
    "distortion": _apply_distortion,
    "tanh": _apply_tanh,
}
