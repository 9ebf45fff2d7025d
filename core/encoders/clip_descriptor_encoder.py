"""The `descriptors` encoder: measured properties of a clip, such as its loudness and onset rate.

The vector holds the values of `CLIP_DESCRIPTORS` in their order, each shifted and divided by about
its standard deviation over programs, so that all carry equal weight in a similarity.
`core.encoders.clip_descriptor_definitions.decode_descriptors` returns the values in their units.
"""

from __future__ import annotations

import math
import warnings
from functools import cache

import numpy as np
from scipy.fft import rfft
from scipy.signal import resample_poly

from core.encoders.audio_encoder_base import ParallelClipEncoder, mix_to_mono, resample_waveform
from core.encoders.clip_descriptor_definitions import (
    CLIP_DESCRIPTORS,
    DESCRIPTOR_NAMES,
    LEVEL_SEGMENT_COUNT,
    MIN_LEVEL_DB,
    MIN_ONSET_RATE,
)
from core.sonicpi.audio_clip_and_render_result import SAMPLE_RATE, Clip

FFT_SIZE, HOP_LENGTH = 4096, 1024  # samples
MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ = 30.0, 16_000.0
MEL_BAND_COUNT = 64
SILENT_FRAME_DB = -60.0
MIN_CLIP_SECONDS = 0.5  # shorter clips are padded with silence: one gating block lasts 0.4 s
PEAK_WINDOW = 1024  # samples around each of the highest peaks that are oversampled
OVERSAMPLED_PEAK_COUNT = 4
OVERSAMPLING = 4  # as BS.1770 recommends for true peaks
MIN_ONSETS_OF_A_TEMPO = 4
# An absolute limit: relative to the strongest onset, as by default in librosa, one loud entry hides
# all others, and the beating of a drone counts as notes.
MIN_ONSET_RISE_DB = 1.0  # mean over the mel bands
ONSET_RANGE_DB = 60.0  # below the loudest band, within which a rise counts
INITIAL_FRAMES = 3  # that overlap the start of the clip, where every sound rises
# Frames before and after a peak: of which it is the highest, and above whose mean it has to be.
PEAK_NEIGHBOURHOOD = {"pre_max": 2, "post_max": 1, "pre_avg": 4, "post_avg": 5, "wait": 1}
POWER_FLOOR = 1e-12


class ClipDescriptorEncoder(ParallelClipEncoder):
    """Standardized values of `CLIP_DESCRIPTORS`; no neural network and no weights."""

    def _embed_clip(self, indexed_clip: tuple[int, Clip]) -> np.ndarray:
        index, clip = indexed_clip
        mix_to_mono(clip, index)  # Raises the error of an empty or invalid clip.
        values = measure_clip_descriptors(clip)
        return np.array(
            [
                0.0
                if math.isnan(values[descriptor.name])
                else descriptor.standardize_descriptor_values(np.array(values[descriptor.name]))
                for descriptor in CLIP_DESCRIPTORS
            ],
            dtype=np.float32,
        )


def measure_clip_descriptors(clip: Clip) -> dict[str, float]:
    """Measure the descriptors of a clip.

    Parameters
    ----------
    clip : Clip
        Stereo or mono, of any sample rate.

    Returns
    -------
    dict of str to float
        By the names of `CLIP_DESCRIPTORS`, in their units:

        - ``loudness``: integrated loudness by ITU-R BS.1770-4, -70 LUFS for silence.
        - ``peak``: highest sample, the highest ones oversampled four times.
        - ``silence``: share of frames of 23 ms below -60 dBFS.
        - ``onset_rate``: onsets per second; 0.05 for none. An onset is a peak of `librosa`'s
          spectral flux of at least 1 dB in the mean over the mel bands, beside the sound with
          which the clip begins.
        - ``tempo``: tempo as heard, by the autocorrelation of the onset strength
          (`librosa.feature.tempo`); nan with fewer than 4 onsets.
        - ``register``: frequency below which half of the energy lies, as a MIDI note.
        - ``brightness``: spectral centroid, weighted by the level of the frames.
        - ``noisiness``: spectral flatness; 0 dB for white noise, much lower for a tone.
        - ``stereo_width``: energy of the side signal as a share of both; 0 for mono, 50 for
          independent channels.
        - ``level_1`` to ``level_6``: RMS level of each sixth of the clip.

        nan for what a silent clip leaves undefined.

    Examples
    --------
    >>> seconds = np.arange(88_200) / 44_100
    >>> tone = 0.1 * np.sin(2 * np.pi * 440 * seconds).astype(np.float32)
    >>> values = measure_clip_descriptors(Clip(np.stack([tone, tone], axis=1)))
    >>> round(values["peak"]), round(values["register"]), round(values["stereo_width"])
    (-20, 69, 0)
    """
    samples = _prepare_stereo_samples(clip)  # [frames, 2]
    mono = (samples[:, 0] + samples[:, 1]) * np.float32(0.5)
    values = {name: math.nan for name in DESCRIPTOR_NAMES}
    values["loudness"] = _measure_loudness_lufs(samples)
    values["peak"] = _measure_true_peak_dbfs(samples)
    power = _compute_power_spectrogram(mono)  # [frames, bins]
    values["silence"] = _measure_silent_share(samples)
    for number, level in enumerate(_measure_segment_levels(samples)):
        values[f"level_{number + 1}"] = level
    # Two channels of opposite phase leave a silent mono mix.
    if values["loudness"] > MIN_LEVEL_DB and power.max() > POWER_FLOOR:
        values |= _measure_onset_rate_and_tempo(power, len(mono) / SAMPLE_RATE)
        values |= _measure_spectral_descriptors(power)
    if values["loudness"] > MIN_LEVEL_DB:
        values["stereo_width"] = _measure_stereo_width(samples)
    return values


def measure_integrated_loudness(clip: Clip) -> float:
    """Return the integrated loudness of a clip by ITU-R BS.1770-4, in LUFS; -70 for silence."""
    return _measure_loudness_lufs(_prepare_stereo_samples(clip))


def _prepare_stereo_samples(clip: Clip) -> np.ndarray:
    """Return samples [frames, 2] at `SAMPLE_RATE`, at least `MIN_CLIP_SECONDS` long."""
    samples = clip.samples if clip.samples.ndim == 2 else clip.samples[:, None]
    channels = [samples[:, 0], samples[:, min(1, samples.shape[1] - 1)]]
    if clip.sample_rate != SAMPLE_RATE:
        channels = [
            resample_waveform(np.ascontiguousarray(channel), clip.sample_rate, SAMPLE_RATE)
            for channel in channels
        ]
    stereo = np.stack(channels, axis=1).astype(np.float32)
    missing = int(MIN_CLIP_SECONDS * SAMPLE_RATE) - len(stereo)
    return np.pad(stereo, ((0, missing), (0, 0))) if missing > 0 else stereo


def _convert_power_to_db(power: float) -> float:
    return max(MIN_LEVEL_DB, 10 * math.log10(max(power, POWER_FLOOR)))


def _measure_loudness_lufs(samples: np.ndarray) -> float:
    """Return the integrated loudness in LUFS."""
    import pyloudnorm

    with warnings.catch_warnings():  # It warns of clipped samples, and of log10(0) in silence.
        warnings.simplefilter("ignore")
        loudness = pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(samples)
    return max(MIN_LEVEL_DB, float(loudness)) if math.isfinite(loudness) else MIN_LEVEL_DB


def _measure_true_peak_dbfs(samples: np.ndarray) -> float:
    """Return the peak in dBFS: the windows with the highest samples are oversampled."""
    magnitudes = np.abs(samples).max(axis=1)
    window_count = len(magnitudes) // PEAK_WINDOW
    window_peaks = magnitudes[: window_count * PEAK_WINDOW].reshape(window_count, -1).max(axis=1)
    peak = float(magnitudes.max())
    for window in np.argsort(window_peaks)[-OVERSAMPLED_PEAK_COUNT:]:
        start = max(0, window * PEAK_WINDOW - 32)
        part = samples[start : (window + 1) * PEAK_WINDOW + 32]
        oversampled = resample_poly(part, OVERSAMPLING, 1, axis=0)
        # The ends of the part ring, because the samples beyond them are missing.
        peak = max(peak, float(np.abs(oversampled[64:-64]).max()))
    return _convert_power_to_db(peak**2)


def _measure_silent_share(samples: np.ndarray) -> float:
    """Return the share of silent frames in percent."""
    frame_count = len(samples) // HOP_LENGTH
    frames = samples[: frame_count * HOP_LENGTH].reshape(frame_count, -1)
    mean_squares = np.einsum("ij,ij->i", frames, frames) / frames.shape[1]
    return 100 * float((mean_squares < 10 ** (SILENT_FRAME_DB / 10)).mean())


def _measure_segment_levels(samples: np.ndarray) -> list[float]:
    """Return the RMS level of each sixth of the clip in dBFS."""
    return [
        _convert_power_to_db(float(np.mean(np.square(segment, dtype=np.float64))))
        for segment in np.array_split(samples, LEVEL_SEGMENT_COUNT)
    ]


def _measure_stereo_width(samples: np.ndarray) -> float:
    """Return the share of the side signal's energy in percent."""
    middle, side = samples[:, 0] + samples[:, 1], samples[:, 0] - samples[:, 1]
    side_energy = float(side @ side)
    return 100 * side_energy / (side_energy + float(middle @ middle) + POWER_FLOOR)


def _compute_power_spectrogram(mono: np.ndarray) -> np.ndarray:
    """Return the power of centred frames, float32 [frames, FFT_SIZE // 2 + 1]."""
    padded = np.pad(mono, FFT_SIZE // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE)[::HOP_LENGTH]
    spectrum = rfft(frames * _build_hann_window(), axis=1)
    power: np.ndarray = np.square(spectrum.real) + np.square(spectrum.imag)
    return power


@cache
def _build_hann_window() -> np.ndarray:
    """Return a window with which a full-scale sine has a power of 1."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE)
    return (window / (window.sum() / 2)).astype(np.float32)


@cache
def _build_mel_filters() -> np.ndarray:
    """Return the mel filters, float32 [FFT_SIZE // 2 + 1, MEL_BAND_COUNT]."""
    from librosa.filters import mel

    filters: np.ndarray = mel(
        sr=SAMPLE_RATE,
        n_fft=FFT_SIZE,
        n_mels=MEL_BAND_COUNT,
        fmin=MIN_FREQUENCY_HZ,
        fmax=MAX_FREQUENCY_HZ,
    )
    return np.ascontiguousarray(filters.T)


def _measure_onset_rate_and_tempo(power: np.ndarray, seconds: float) -> dict[str, float]:
    """Return onsets per second and tempo of a power spectrogram [frames, bins]."""
    from librosa import power_to_db
    from librosa.feature import tempo as estimate_tempo
    from librosa.onset import onset_strength
    from librosa.util import peak_pick

    mel_levels = power_to_db((power @ _build_mel_filters()).T, ref=np.max, top_db=ONSET_RANGE_DB)
    strength = onset_strength(S=mel_levels, sr=SAMPLE_RATE, hop_length=HOP_LENGTH)
    # A sound that starts with the clip is counted apart.
    strength[:INITIAL_FRAMES] = 0
    onsets = peak_pick(strength, **PEAK_NEIGHBOURHOOD, delta=MIN_ONSET_RISE_DB)
    has_initial_onset = bool(mel_levels[:, :INITIAL_FRAMES].max() > -20)
    onset_count = len(onsets) + int(has_initial_onset)
    tempo = math.nan
    if onset_count >= MIN_ONSETS_OF_A_TEMPO:
        tempo = float(
            estimate_tempo(onset_envelope=strength, sr=SAMPLE_RATE, hop_length=HOP_LENGTH)[0]
        )
    return {"onset_rate": max(MIN_ONSET_RATE, onset_count / seconds), "tempo": tempo}


def _measure_spectral_descriptors(power: np.ndarray) -> dict[str, float]:
    """Return register, brightness and noisiness of a power spectrogram [frames, bins]."""
    frequencies = np.arange(power.shape[1]) * SAMPLE_RATE / FFT_SIZE
    in_range = (frequencies >= MIN_FREQUENCY_HZ) & (frequencies <= MAX_FREQUENCY_HZ)
    frequencies, power = frequencies[in_range], power[:, in_range]
    mean_power = power.mean(axis=0, dtype=np.float64)
    cumulative = np.cumsum(mean_power) / mean_power.sum()
    median_hz = float(np.interp(0.5, cumulative, frequencies))
    magnitudes = np.sqrt(power)
    centroid_hz = float((magnitudes @ frequencies).sum() / magnitudes.sum(dtype=np.float64))
    floored = mean_power + 1e-10 * mean_power.max()
    return {
        "register": 69 + 12 * math.log2(median_hz / 440),
        "brightness": centroid_hz,
        "noisiness": float(10 * (np.log10(floored).mean() - np.log10(floored.mean()))),
    }
