"""Statistics of a mel spectrogram: an audio encoder that learned nothing, to compare with."""

from __future__ import annotations

import numpy as np
from scipy.fft import rfft
from scipy.sparse import csr_array

from core.encoders.audio import AudioEncoder
from core.encoders.mel_filters import mel_bank
from core.encoders.registry import EncoderEntry

FFT, HOP, BANDS = 2048, 512, 64  # samples, samples, mel bands
LOW, HIGH = 30.0, 16_000.0  # Hz
LEVEL = 0.1  # RMS to which a clip is brought: -20 dB
FLOOR = -80.0  # dB under a full-scale sine
FRAMES_AT_ONCE = 4096


class LogMelEncoder(AudioEncoder):
    """Of each of 64 mel bands: mean level, its spread, and how fast it changes.

    At equal loudness, in dB. Each kind is divided by about the spread it has
    among programs, so that all three count. Silence is the floor everywhere.
    """

    def __init__(self, entry: EncoderEntry, compute: object = None):
        super().__init__(entry)
        # Sparse, as most of it is 0; and unlike a dense product's, its sums do not depend on how
        # many threads there are.
        self._bank = csr_array(mel_bank(BANDS, FFT, entry.sample_rate, LOW, HIGH))  # [64, 1025]
        taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)
        self._taper = (taper / (taper.sum() / 2)).astype(np.float32)  # a full-scale sine: 0 dB

    def _hear(self, waveform: np.ndarray) -> np.ndarray:
        rms = np.sqrt(np.mean(np.square(waveform, dtype=np.float64)))
        if rms > 0:
            waveform = waveform * np.float32(LEVEL / rms)
        level = self._levels(waveform)  # dB [frames, 64]
        change = np.abs(np.diff(level, axis=0)).mean(axis=0) if len(level) > 1 else 0 * level[0]
        parts = ((level.mean(axis=0) + 50) / 15, level.std(axis=0) / 5, change / 2)
        return np.concatenate(parts).astype(np.float32)

    def _levels(self, waveform: np.ndarray) -> np.ndarray:
        padded = np.pad(waveform, FFT // 2)
        frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
        power = [
            (self._bank @ np.square(np.abs(rfft(part * self._taper, axis=1))).T).T
            for part in np.split(frames, range(FRAMES_AT_ONCE, len(frames), FRAMES_AT_ONCE))
        ]
        return 10 * np.log10(np.maximum(np.concatenate(power), 10 ** (FLOOR / 10)))
