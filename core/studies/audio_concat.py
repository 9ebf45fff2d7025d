"""Clips of a result, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.sonicpi import Clip
from core.studies.store import resolve_clip_path

CLIP_GAP_SECONDS = 1 / 3  # s between two clips


def concatenate_clips(clip_paths: Sequence[str], seconds_per_clip: float) -> Clip | None:
    """The beginnings of clips, one after the other with a short rest between.

    Parameters
    ----------
    clip_paths : sequence of str
        As results keep them, relative to the workspace's folder; at least one.
    seconds_per_clip : float
        Of each.

    Returns
    -------
    Clip or None
        None when one of them is gone.
    """
    parts: list[np.ndarray] = []
    rate = 0
    for path in clip_paths:
        file = resolve_clip_path(path)
        if file is None:
            return None
        clip = Clip.load(file)
        rate = clip.sample_rate
        parts += [clip.samples[: int(seconds_per_clip * rate)], np.zeros((int(CLIP_GAP_SECONDS * rate), 2), np.float32)]
    return Clip(np.concatenate(parts[:-1]), rate)


def downsample_to_mono(clip: Clip) -> Clip:
    """The clip in mono at half its sample rate, for where bytes count."""
    mono = clip.samples.mean(axis=1)
    mono = mono[: len(mono) // 2 * 2].reshape(-1, 2).mean(axis=1)
    return Clip(np.repeat(mono[:, None], 2, axis=1).astype(np.float32), clip.sample_rate // 2)
