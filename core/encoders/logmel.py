"""The `log-mel` encoder: mel-spectrogram statistics, an untrained baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import rfft
from scipy.sparse import csr_array

from core.encoders.audio_encoder_base import AudioEncoder
from core.encoders.encoder_spec import EncoderSpec
from core.encoders.mel_filters import build_mel_filterbank

if TYPE_CHECKING:  # importing it loads torch
    from core.encoders.encoder_device_and_precision import ComputeConfig

FFT_SIZE, HOP_LENGTH = 2048, 512  # samples
MEL_BAND_COUNT = 64
MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ = 30.0, 16_000.0
TARGET_RMS = 0.1  # -20 dB: the level to which clips are scaled
MIN_LEVEL_DB = -80.0  # relative to a full-scale sine
FRAME_BATCH_SIZE = 4096


class LogMelEncoder(AudioEncoder):
    """Mean level, standard deviation and mean absolute change of 64 mel bands.

    Levels are in dB at equal loudness. Each kind of statistic is divided by about its standard
    deviation over programs, so that all three carry equal weight. Silence is `MIN_LEVEL_DB` in all
    bands.
    """

    def __init__(self, spec: EncoderSpec, _compute: ComputeConfig | None = None):
        super().__init__(spec, device="cpu")  # numpy computes it on any machine
        filters = build_mel_filterbank(
            MEL_BAND_COUNT, FFT_SIZE, self._sample_rate, MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ
        )
        # Sparse, as most entries are 0. Unlike those of a dense product, its sums do not depend on
        # the number of threads.
        self._mel_filterbank = csr_array(filters)  # [64, 1025]
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE)
        # Scaled so that a full-scale sine is at 0 dB.
        self._hann_window = (window / (window.sum() / 2)).astype(np.float32)

    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        rms = np.sqrt(np.mean(np.square(waveform, dtype=np.float64)))
        if rms > 0:
            waveform = waveform * np.float32(TARGET_RMS / rms)
        levels = self._compute_mel_spectrogram_db(waveform)
        changes = np.abs(np.diff(levels, axis=0)).mean(axis=0) if len(levels) > 1 else 0 * levels[0]
        statistics = ((levels.mean(axis=0) + 50) / 15, levels.std(axis=0) / 5, changes / 2)
        return np.concatenate(statistics).astype(np.float32)

    def _compute_mel_spectrogram_db(self, waveform: np.ndarray) -> np.ndarray:
        """Return the mel spectrogram of a waveform in dB, [frames, 64]."""
        padded = np.pad(waveform, FFT_SIZE // 2)
        frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE)[::HOP_LENGTH]
        power = [
            (self._mel_filterbank @ np.square(np.abs(rfft(batch * self._hann_window, axis=1))).T).T
            for batch in np.split(frames, range(FRAME_BATCH_SIZE, len(frames), FRAME_BATCH_SIZE))
        ]
        return 10 * np.log10(np.maximum(np.concatenate(power), 10 ** (MIN_LEVEL_DB / 10)))
