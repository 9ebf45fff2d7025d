"""Features of a simulated sound: the descriptors of clips, and the spectrum, rhythm and pitch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from core.encoders.clip_descriptor_definitions import (
    CLIP_DESCRIPTORS,
    LEVEL_SEGMENT_COUNT,
    MAX_TEMPO_BPM,
    MIN_LEVEL_DB,
    MIN_ONSET_RATE,
    MIN_TEMPO_BPM,
)
from core.encoders.simulation.dry_and_wet_sound_mixing import MixedSound
from core.encoders.simulation.onset_strength import (
    DYNAMIC_RANGE_DB,
    INITIAL_FRAMES,
    LAG_SECONDS,
    POWER_FLOOR,
    compute_autocorrelation,
    compute_level_over_time_steps,
    compute_mel_onset_strength,
    compute_onset_periodicity,
    convert_power_to_levels_db,
)
from core.encoders.simulation.third_octave_bands import (
    BAND_CENTRES_HZ,
    BAND_COUNT,
    FRAME_SECONDS,
    build_band_filters,
)
from core.sonicpi.score_events import ScoreEvent

SILENT_FRAME_DB = -60.0
MIN_ONSET_RISE_DB = 0.6  # of 1 dB in a clip, where noise and beating add to rises
FRAMES_BEFORE_MEAN, FRAMES_AFTER_MEAN, MIN_ONSET_GAP_FRAMES = 4, 5, 1
LEVEL_STEP_COUNT = 24
GATING_FRAMES = 17  # 0.4 s
TEMPO_PRIOR_BPM, TEMPO_PRIOR_OCTAVES = 120.0, 1.0
MIN_EVENT_GAP_SECONDS = 0.07  # nearer events are heard as one onset
DEFAULT_NOTE, MAX_NOTE = 52.0, 130.0
EVENT_FEATURE_COUNT = 6
DESCRIPTOR_WEIGHT, EVENT_WEIGHT = 4.0, 3.0
# Onsets are also counted with these limits, and with random rises added, as of beating and noise.
OTHER_ONSET_RISES_DB, RISE_NOISE_DB = (0.4, 1.1, 1.6, 2.5), (0.2, 0.6, 1.2)
ONSET_FEATURE_COUNT = len(OTHER_ONSET_RISES_DB) + len(RISE_NOISE_DB) + 3
SIMULATION_DIM = (
    len(CLIP_DESCRIPTORS)
    + EVENT_FEATURE_COUNT
    + 3 * BAND_COUNT
    + len(LAG_SECONDS)
    + LEVEL_STEP_COUNT
    + 12
    + ONSET_FEATURE_COUNT
)


def build_feature_weights() -> np.ndarray:
    """Return the weight of each feature in a distance, float32 [SIMULATION_DIM].

    Simulated descriptors and the features of events and onsets count more than the others, each
    of which is one of many.
    """
    weights = np.ones(SIMULATION_DIM, np.float32)
    weights[: len(CLIP_DESCRIPTORS)] = DESCRIPTOR_WEIGHT
    weights[len(CLIP_DESCRIPTORS) :][:EVENT_FEATURE_COUNT] = EVENT_WEIGHT
    weights[-ONSET_FEATURE_COUNT:] = EVENT_WEIGHT
    return weights


def compute_simulated_features(sound: MixedSound, events: list[ScoreEvent]) -> np.ndarray:
    """Return the features of a simulated sound.

    Parameters
    ----------
    sound : MixedSound
    events : list of ScoreEvent
        Its events.

    Returns
    -------
    float32 [SIMULATION_DIM]
        Simulated values of `CLIP_DESCRIPTORS`, standardized as those of clips; rates and pitches
        of the events; mean, spread and rises of the level per band; periodicity; level over
        time; pitch classes. About 1 in size.
    """
    power = sound.power[:, :BAND_COUNT]
    strength = compute_mel_onset_strength(power)
    descriptors = simulate_descriptors(sound, strength)
    levels = convert_power_to_levels_db(power)
    relative = np.maximum(levels - levels.max(), -DYNAMIC_RANGE_DB)
    rises = np.maximum(np.diff(relative, axis=0), 0).mean(axis=0)
    features = np.concatenate(
        [
            [
                descriptor.standardize_descriptor_values(np.array(descriptors[descriptor.name]))
                for descriptor in CLIP_DESCRIPTORS
            ],
            _compute_event_features(events, len(power) * FRAME_SECONDS),
            convert_power_to_levels_db(power.mean(axis=0)) / 20 + 2.5,
            relative.std(axis=0) / 20,
            rises / 2,
            compute_onset_periodicity(strength),
            compute_level_over_time_steps(power, LEVEL_STEP_COUNT),
            compute_pitch_class_shares(events),
            _compute_onset_features(strength, power.sum(axis=1)),
        ]
    )
    return features.astype(np.float32)


def simulate_descriptors(sound: MixedSound, strength: np.ndarray) -> dict[str, float]:
    """Return simulated values of `CLIP_DESCRIPTORS`, each defined, in their units.

    Parameters
    ----------
    sound : MixedSound
    strength : float [frames]
        By `compute_mel_onset_strength`.
    """
    power = sound.power[:, :BAND_COUNT]
    total = power.sum(axis=1)
    peak = float(np.sqrt(sound.power[:, BAND_COUNT].max()))
    segments = np.array_split(total, LEVEL_SEGMENT_COUNT)
    seconds = len(power) * FRAME_SECONDS
    return {
        "loudness": _compute_loudness_lufs(power),
        "peak": max(MIN_LEVEL_DB, 20 * math.log10(max(peak, 1e-6))),
        "silence": 100 * float((convert_power_to_levels_db(total) < SILENT_FRAME_DB).mean()),
        "onset_rate": max(MIN_ONSET_RATE, _count_spectral_onsets(strength, total)[0] / seconds),
        "tempo": _estimate_tempo(strength),
        **_compute_spectral_descriptors(sound),
        "stereo_width": 100 * sound.side_share,
        **{
            f"level_{number + 1}": max(
                MIN_LEVEL_DB, float(convert_power_to_levels_db(segment.mean()))
            )
            for number, segment in enumerate(segments)
        },
    }


@cache
def _get_k_weighting_gains() -> np.ndarray:
    """Return the gain of BS.1770's K weighting per band: float32 [bands]."""
    squares = BAND_CENTRES_HZ**2
    shelf = 1 + (10**0.4 - 1) * squares**2 / (squares**2 + 1500.0**4)
    high_pass = (squares / (squares + 38.0**2)) ** 2
    weights: np.ndarray = (shelf * high_pass).astype(np.float32)
    return weights


def _compute_loudness_lufs(power: np.ndarray) -> float:
    """Return the integrated loudness in LUFS, with the gates of BS.1770-4."""
    weighted = 2 * (power @ _get_k_weighting_gains())
    sums = np.concatenate([[0.0], np.cumsum(weighted, dtype=np.float64)])
    length = min(GATING_FRAMES, len(weighted))
    blocks = (sums[length:] - sums[:-length]) / length
    levels = -0.691 + convert_power_to_levels_db(blocks)
    blocks = blocks[levels > MIN_LEVEL_DB]
    if not len(blocks):
        return MIN_LEVEL_DB
    gate = -0.691 + float(convert_power_to_levels_db(blocks.mean())) - 10
    loud = blocks[-0.691 + convert_power_to_levels_db(blocks) > gate]
    return max(
        MIN_LEVEL_DB,
        -0.691 + float(convert_power_to_levels_db((loud if len(loud) else blocks).mean())),
    )


def _count_spectral_onsets(
    strength: np.ndarray, total: np.ndarray, min_rises_db: Sequence[float] = (MIN_ONSET_RISE_DB,)
) -> list[int]:
    """Return the number of onsets by each limit: peaks of the strength, and a sound at the start.

    Parameters
    ----------
    strength, total : float [frames]
    min_rises_db : sequence of float
        How far a peak rises above the mean around it.
    """
    sums = np.concatenate([[0.0], np.cumsum(strength)])
    low, high = _get_frames_around_each_frame(len(strength))
    means = (sums[high] - sums[low]) / (high - low)
    padded = np.pad(strength, 1)
    is_peak = (strength >= padded[:-2]) & (strength >= padded[2:])
    peaks = np.flatnonzero(is_peak)
    has_initial_onset = bool(total[:INITIAL_FRAMES].max() > 0.01 * total.max() > 0)
    counts = []
    for min_rise_db in min_rises_db:
        onsets = peaks[strength[peaks] >= means[peaks] + min_rise_db]
        gaps = np.diff(onsets, prepend=-10)
        counts.append(int((gaps > MIN_ONSET_GAP_FRAMES).sum()) + int(has_initial_onset))
    return counts


@cache
def _get_frames_around_each_frame(frame_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first frame of the mean around each frame, and the frame after the last."""
    frames = np.arange(frame_count)
    low = np.maximum(frames - FRAMES_BEFORE_MEAN, 0)
    return low, np.minimum(frames + FRAMES_AFTER_MEAN, frame_count)


@cache
def _build_onset_strength_noise(frame_count: int) -> np.ndarray:
    """Return reproducible noise, float [frames]."""
    return np.abs(np.random.default_rng(0).standard_normal(frame_count))


def _compute_onset_features(strength: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return log rates of onsets with noise, and height, mean and peakedness of the strength."""
    seconds = len(strength) * FRAME_SECONDS
    counts = _count_spectral_onsets(strength, total, OTHER_ONSET_RISES_DB)
    noise = _build_onset_strength_noise(len(strength))
    is_sounding = total > 1e-6 * total.max()
    for size in RISE_NOISE_DB:
        counts += _count_spectral_onsets(strength + size * noise * is_sounding, total)
    rates = [math.log2(count / seconds + 0.05) for count in counts]
    highest, mean = float(strength.max()), float(strength.mean())
    return np.array([*rates, math.log1p(highest), 2 * mean, mean / (highest + 0.01) * 5])


def _estimate_tempo(strength: np.ndarray) -> float:
    """Return the tempo in BPM with the highest autocorrelation, by a log-normal prior."""
    correlation = compute_autocorrelation(strength)
    lags = np.arange(1, len(correlation))
    tempos = 60 / (lags * FRAME_SECONDS)
    prior = -0.5 * (np.log2(tempos / TEMPO_PRIOR_BPM) / TEMPO_PRIOR_OCTAVES) ** 2
    scores = np.log1p(1e6 * np.maximum(correlation[1:], 0)) + prior
    return float(np.clip(tempos[int(scores.argmax())], MIN_TEMPO_BPM, MAX_TEMPO_BPM))


@cache
def _count_fft_bins_per_band() -> np.ndarray:
    bins: np.ndarray = build_band_filters().sum(axis=0)
    return bins


def _compute_spectral_descriptors(sound: MixedSound) -> dict[str, float]:
    """Return register, brightness and noisiness."""
    power = sound.power[:, :BAND_COUNT]
    energies = power.mean(axis=0, dtype=np.float64) + POWER_FLOOR * 1e-3
    cumulative = np.cumsum(energies) / energies.sum()
    median_hz = np.exp(np.interp(0.5, cumulative, np.log(BAND_CENTRES_HZ)))
    magnitudes = np.sqrt(power * np.maximum(sound.widths, 1))
    total = float(magnitudes.sum())
    centroid_hz = float((magnitudes @ BAND_CENTRES_HZ).sum()) / total if total > 0 else 1000.0
    bins = _count_fft_bins_per_band()
    means = energies / bins
    floors = np.maximum(means * np.maximum(sound.floors, 1e-9), 1e-10 * means.max())
    flatness = (bins * np.log10(floors)).sum() / bins.sum() - np.log10(energies.sum() / bins.sum())
    return {
        "register": 69 + 12 * math.log2(median_hz / 440),
        "brightness": centroid_hz,
        "noisiness": float(10 * flatness),
    }


def _compute_event_features(events: list[ScoreEvent], seconds: float) -> np.ndarray:
    """Return rates of events and onsets, shares of samples, mean and spread of pitch, chords."""
    features = np.zeros(EVENT_FEATURE_COUNT)
    times = np.sort([event.time for event in events])
    if not len(times):
        return features
    onsets, last = 0, -math.inf
    for time in times:
        if time - last >= MIN_EVENT_GAP_SECONDS:
            onsets, last = onsets + 1, time
    notes = _list_midi_notes(events)
    features[0] = math.log2(onsets / seconds + MIN_ONSET_RATE)
    features[1] = math.log2(len(events) / seconds + MIN_ONSET_RATE) / 2
    features[2] = 1 - len(notes) / len(events)
    if len(notes):
        features[3] = (float(notes.mean()) - 60) / 14
        features[4] = float(notes.std()) / 14
    features[5] = math.log2(len(events) / onsets)
    return features


def _list_midi_notes(events: list[ScoreEvent]) -> np.ndarray:
    """Return the MIDI notes of synths, in [0, 130]; a program may compute any number."""
    notes = np.array(
        [event.options.get("note", DEFAULT_NOTE) for event in events if event.kind == "synth"],
        dtype=np.float64,
    )
    return np.where(np.isnan(notes), DEFAULT_NOTE, np.clip(notes, 0.0, MAX_NOTE))


def compute_pitch_class_shares(events: list[ScoreEvent]) -> np.ndarray:
    """Return the share of each pitch class among the notes: float [12]."""
    classes = np.rint(_list_midi_notes(events)).astype(np.intp) % 12
    shares: np.ndarray = np.bincount(classes, minlength=12).astype(np.float64)
    return shares / (shares.sum() or 1)
