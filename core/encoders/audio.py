"""What all audio encoders need: a clip as one channel at the sample rate they were trained on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cache
from math import gcd
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import firwin, resample_poly

from core.encoders.base import EmbedError, Encoder

if TYPE_CHECKING:
    from core.encoders.registry import EncoderSpec
    from core.sonicpi.clip import Clip

# Of the low-pass when resampling: zero crossings on each side, and a Kaiser window's beta that
# keeps what folds back 80 dB down.
FILTER_ZERO_CROSSINGS = 24
KAISER_BETA = 8.0
# Shorter clips end in silence: below it some models have no frame to look at.
MIN_CLIP_SECONDS = 0.1  # seconds


class AudioEncoder(Encoder):
    """Embeds each clip by itself: on a CPU larger batches are no faster, and take more memory."""

    def __init__(self, entry: EncoderSpec, device: str = "cpu"):
        super().__init__(entry)
        self._device = device

    def _embed_batches(self, items: Sequence[Clip]) -> Iterator[tuple[list[int], np.ndarray]]:
        from core.encoders.parallel import map_items  # loads torch

        for place, vector in enumerate(map_items(self._vector, enumerate(items), self._device)):
            yield [place], vector[None]

    def _vector(self, numbered: tuple[int, Clip]) -> np.ndarray:
        place, clip = numbered
        waveform = resample(mix_to_mono(clip, place), clip.sample_rate, self.spec.sample_rate)
        shortest = int(MIN_CLIP_SECONDS * self.spec.sample_rate)
        if len(waveform) < shortest:
            waveform = np.pad(waveform, (0, shortest - len(waveform)))
        return self._embed_waveform(waveform)

    @abstractmethod
    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        """Embed one waveform; several threads do so at a time.

        Parameters
        ----------
        waveform : float32 [frames]
            At the entry's sample rate and the clip's own level; may be silent.

        Returns
        -------
        float32 [dim]
        """


def mix_to_mono(clip: Clip, item_index: int = 0) -> np.ndarray:
    """Mean of a clip's channels, float32 [frames].

    Parameters
    ----------
    clip : Clip
    item_index : int
        Of the clip among the items, for the message.

    Raises
    ------
    EmbedError
        When it is no clip, has no frames, or holds values that are not finite.
    """
    samples = getattr(clip, "samples", None)
    if not isinstance(samples, np.ndarray):
        raise EmbedError(f"A clip was expected, not {type(clip).__name__}.", item_index)
    if samples.size == 0:
        raise EmbedError("The clip has no samples.", item_index)
    waveform = _average_channels(samples) if samples.ndim == 2 else samples
    if not np.isfinite(waveform).all():
        raise EmbedError("The clip holds samples that are not finite.", item_index)
    return np.ascontiguousarray(waveform, np.float32)


def _average_channels(samples: np.ndarray) -> np.ndarray:
    """Mean over the channels, float32 [frames]."""
    if samples.shape[1] == 2:  # thirty times as fast as the general way, bit for bit the same
        return (samples[:, 0] + samples[:, 1]) * np.float32(0.5)
    return samples.mean(axis=1, dtype=np.float32)


def resample(waveform: np.ndarray, source_rate: int, target_rate: int) -> np.ndarray:
    """Change the sample rate by a polyphase low-pass.

    Parameters
    ----------
    waveform : float32 [frames]
    source_rate, target_rate : int
        Sample rates in Hz.

    Returns
    -------
    float32 [ceil(frames * want / have)]
    """
    if source_rate == target_rate:
        return waveform
    common = gcd(source_rate, target_rate)
    up, down = target_rate // common, source_rate // common
    return resample_poly(waveform, up, down, window=_design_low_pass_filter(max(up, down)))


@cache
def _design_low_pass_filter(rate_ratio: int) -> np.ndarray:
    """Kernel that passes what both sample rates can hold, float32 [odd].

    The pass band ends at the half of the slower rate, reached at -6 dB.
    """
    taps = firwin(2 * FILTER_ZERO_CROSSINGS * rate_ratio + 1, 1 / rate_ratio, window=("kaiser", KAISER_BETA))
    return taps.astype(np.float32)
