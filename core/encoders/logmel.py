"""Statistics of a mel spectrogram: an audio encoder that learned nothing, to compare with."""

from __future__ import annotations

import numpy as np
from scipy.fft import rfft
from scipy.sparse import csr_array

from core.encoders.audio import AudioEncoder
from core.encoders.mel_filters import build_mel_filterbank
from core.encoders.registry import EncoderSpec

FFT_SIZE, HOP_LENGTH, MEL_BAND_COUNT = 2048, 512, 64  # samples, samples, mel bands
MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ = 30.0, 16_000.0  # Hz
TARGET_RMS = 0.1  # RMS to which a clip is brought: -20 dB
MIN_LEVEL_DB = -80.0  # dB under a full-scale sine
FRAME_BATCH_SIZE = 4096


class LogMelEncoder(AudioEncoder):
    """Of each of 64 mel bands: mean level, its spread, and how fast it changes.

    At equal loudness, in dB. Each kind is divided by about the spread it has
    among programs, so that all three count. Silence is the floor everywhere.
    """

    def __init__(self, spec: EncoderSpec, compute: object = None):
        super().__init__(spec)
        # Sparse, as most of it is 0; and unlike a dense product's, its sums do not depend on how
        # many threads there are.
        self._mel_filterbank = csr_array(build_mel_filterbank(MEL_BAND_COUNT, FFT_SIZE, spec.sample_rate, MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ))  # [64, 1025]
        taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE)
        self._hann_window = (taper / (taper.sum() / 2)).astype(np.float32)  # a full-scale sine: 0 dB

    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        rms = np.sqrt(np.mean(np.square(waveform, dtype=np.float64)))
        if rms > 0:
            waveform = waveform * np.float32(TARGET_RMS / rms)
        level = self._compute_mel_levels(waveform)  # dB [frames, 64]
        change = np.abs(np.diff(level, axis=0)).mean(axis=0) if len(level) > 1 else 0 * level[0]
        parts = ((level.mean(axis=0) + 50) / 15, level.std(axis=0) / 5, change / 2)
        return np.concatenate(parts).astype(np.float32)

    def _compute_mel_levels(self, waveform: np.ndarray) -> np.ndarray:
        padded = np.pad(waveform, FFT_SIZE // 2)
        frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE)[::HOP_LENGTH]
        power = [
            (self._mel_filterbank @ np.square(np.abs(rfft(part * self._hann_window, axis=1))).T).T
            for part in np.split(frames, range(FRAME_BATCH_SIZE, len(frames), FRAME_BATCH_SIZE))
        ]
        return 10 * np.log10(np.maximum(np.concatenate(power), 10 ** (MIN_LEVEL_DB / 10)))
