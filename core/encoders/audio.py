"""What all audio encoders need: a clip as one channel at the sample rate they were trained on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cache
from math import gcd
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import firwin, resample_poly

from core.encoders.encoder import EmbedError, Encoder

if TYPE_CHECKING:
    from core.encoders.registry import EncoderEntry
    from core.sonicpi.clip import Clip

# Of the low-pass when resampling: zero crossings on each side, and a Kaiser window's beta that
# keeps what folds back 80 dB down.
CROSSINGS = 24
BETA = 8.0
# Shorter clips end in silence: below it some models have no frame to look at.
SHORTEST = 0.1  # seconds


class AudioEncoder(Encoder):
    """Embeds each clip by itself: on a CPU larger batches are no faster, and take more memory."""

    def __init__(self, entry: EncoderEntry, device: str = "cpu"):
        super().__init__(entry)
        self._device = device

    def _embedded(self, items: Sequence[Clip]) -> Iterator[tuple[list[int], np.ndarray]]:
        from core.encoders.parallel import map_items  # loads torch

        for place, vector in enumerate(map_items(self._vector, enumerate(items), self._device)):
            yield [place], vector[None]

    def _vector(self, numbered: tuple[int, Clip]) -> np.ndarray:
        place, clip = numbered
        waveform = resample(mono(clip, place), clip.sample_rate, self.entry.sample_rate)
        shortest = int(SHORTEST * self.entry.sample_rate)
        if len(waveform) < shortest:
            waveform = np.pad(waveform, (0, shortest - len(waveform)))
        return self._hear(waveform)

    @abstractmethod
    def _hear(self, waveform: np.ndarray) -> np.ndarray:
        """Embed one waveform; several threads do so at a time.

        Parameters
        ----------
        waveform : float32 [frames]
            At the entry's sample rate and the clip's own level; may be silent.

        Returns
        -------
        float32 [dim]
        """


def mono(clip: Clip, place: int = 0) -> np.ndarray:
    """Mean of a clip's channels, float32 [frames].

    Parameters
    ----------
    clip : Clip
    place : int
        Of the clip among the items, for the message.

    Raises
    ------
    EmbedError
        When it is no clip, has no frames, or holds values that are not finite.
    """
    samples = getattr(clip, "samples", None)
    if not isinstance(samples, np.ndarray):
        raise EmbedError(f"A clip was expected, not {type(clip).__name__}.", place)
    if samples.size == 0:
        raise EmbedError("The clip has no samples.", place)
    waveform = _mean(samples) if samples.ndim == 2 else samples
    if not np.isfinite(waveform).all():
        raise EmbedError("The clip holds samples that are not finite.", place)
    return np.ascontiguousarray(waveform, np.float32)


def _mean(samples: np.ndarray) -> np.ndarray:
    """Mean over the channels, float32 [frames]."""
    if samples.shape[1] == 2:  # thirty times as fast as the general way, bit for bit the same
        return (samples[:, 0] + samples[:, 1]) * np.float32(0.5)
    return samples.mean(axis=1, dtype=np.float32)


def resample(waveform: np.ndarray, have: int, want: int) -> np.ndarray:
    """Change the sample rate by a polyphase low-pass.

    Parameters
    ----------
    waveform : float32 [frames]
    have, want : int
        Sample rates in Hz.

    Returns
    -------
    float32 [ceil(frames * want / have)]
    """
    if have == want:
        return waveform
    common = gcd(have, want)
    up, down = want // common, have // common
    return resample_poly(waveform, up, down, window=_low_pass(max(up, down)))


@cache
def _low_pass(ratio: int) -> np.ndarray:
    """Kernel that passes what both sample rates can hold, float32 [odd].

    The pass band ends at the half of the slower rate, reached at -6 dB.
    """
    taps = firwin(2 * CROSSINGS * ratio + 1, 1 / ratio, window=("kaiser", BETA))
    return taps.astype(np.float32)
