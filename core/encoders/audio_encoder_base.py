"""Base classes of the audio encoders, with mixing to mono and resampling."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cache
from math import gcd

import numpy as np
from scipy.signal import firwin, resample_poly

from core.encoders.encoder_interface import EmbedError, Encoder
from core.encoders.encoder_spec import EncoderSpec
from core.encoders.parallel_map import map_in_parallel
from core.sonicpi.audio_clip_and_render_result import Clip

# Low-pass filter for resampling: zero crossings on each side, and the Kaiser window's beta that
# keeps aliasing 80 dB down.
FILTER_ZERO_CROSSINGS = 24
KAISER_BETA = 8.0
# Shorter clips are padded with silence: some models need that much for one frame.
MIN_CLIP_SECONDS = 0.1


class ParallelClipEncoder(Encoder):
    """Base class that passes clips one by one to `_embed_clip`, in parallel.

    Larger batches are no faster on a CPU and take more memory.

    Parameters
    ----------
    spec : EncoderSpec
    """

    _device = "cpu"

    def _iterate_embedded_batches(
        self, items: Sequence[Clip]
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        vectors = map_in_parallel(self._embed_clip, enumerate(items), self._device)
        for index, vector in enumerate(vectors):
            yield [index], vector[None]

    @abstractmethod
    def _embed_clip(self, indexed_clip: tuple[int, Clip]) -> np.ndarray:
        """Return the vector, float32 [dim], of a clip given with its position among the items."""


class AudioEncoder(ParallelClipEncoder):
    """Base class that passes mono waveforms of one sample rate to `_embed_waveform`.

    Parameters
    ----------
    spec : EncoderSpec
        With a sample rate.
    device : {"cpu", "cuda"}
    """

    def __init__(self, spec: EncoderSpec, device: str):
        super().__init__(spec)
        if spec.sample_rate is None:
            raise ValueError(f"The spec of {spec.id} has no sample rate.")
        self._sample_rate = spec.sample_rate
        self._device = device

    def _embed_clip(self, indexed_clip: tuple[int, Clip]) -> np.ndarray:
        index, clip = indexed_clip
        waveform = resample_waveform(mix_to_mono(clip, index), clip.sample_rate, self._sample_rate)
        min_frames = int(MIN_CLIP_SECONDS * self._sample_rate)
        if len(waveform) < min_frames:
            waveform = np.pad(waveform, (0, min_frames - len(waveform)))
        return self._embed_waveform(waveform)

    @abstractmethod
    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        """Return the vector of a waveform; several threads call this at a time.

        Parameters
        ----------
        waveform : float32 [frames]
            At the spec's sample rate and the clip's own level; may be silent.

        Returns
        -------
        float32 [dim]
        """


def mix_to_mono(clip: Clip, item_index: int = 0) -> np.ndarray:
    """Return the mean of a clip's channels.

    Parameters
    ----------
    clip : Clip
    item_index : int
        Position of the clip among the items, for the error message.

    Returns
    -------
    float32 [frames]

    Raises
    ------
    EmbedError
        If it is not a clip, is empty, or has samples that are not finite.
    """
    samples = getattr(clip, "samples", None)
    if not isinstance(samples, np.ndarray):
        raise EmbedError(f"Expected a clip, not {type(clip).__name__}.", item_index)
    if samples.size == 0:
        raise EmbedError("The clip has no samples.", item_index)
    waveform = _average_channels(samples) if samples.ndim == 2 else samples
    if not np.isfinite(waveform).all():
        raise EmbedError("The clip has samples that are not finite.", item_index)
    return np.ascontiguousarray(waveform, np.float32)


def _average_channels(samples: np.ndarray) -> np.ndarray:
    """Return the mean over the channels, float32 [frames]."""
    if samples.shape[1] == 2:  # thirty times as fast as the general case, and bit-identical
        return (samples[:, 0] + samples[:, 1]) * np.float32(0.5)
    return samples.mean(axis=1, dtype=np.float32)


def resample_waveform(waveform: np.ndarray, source_rate: int, target_rate: int) -> np.ndarray:
    """Change the sample rate with a polyphase low-pass filter.

    Parameters
    ----------
    waveform : float32 [frames]
    source_rate, target_rate : int
        Sample rates in Hz.

    Returns
    -------
    float32 [ceil(frames * target_rate / source_rate)]
    """
    if source_rate == target_rate:
        return waveform
    divisor = gcd(source_rate, target_rate)
    up, down = target_rate // divisor, source_rate // divisor
    coefficients = _design_low_pass_filter(max(up, down))
    # scipy-stubs do not know that `window` may hold a filter's coefficients.
    return resample_poly(waveform, up, down, window=coefficients)  # type: ignore[call-overload]  # not in the stubs


@cache
def _design_low_pass_filter(rate_ratio: int) -> np.ndarray:
    """Return the coefficients of a filter that passes what both sample rates can represent.

    Parameters
    ----------
    rate_ratio : int
        Cutoff: the Nyquist frequency divided by this, at -6 dB.

    Returns
    -------
    float32 [2 * FILTER_ZERO_CROSSINGS * rate_ratio + 1]
    """
    tap_count = 2 * FILTER_ZERO_CROSSINGS * rate_ratio + 1
    coefficients = firwin(tap_count, 1 / rate_ratio, window=("kaiser", KAISER_BETA))
    return coefficients.astype(np.float32)
