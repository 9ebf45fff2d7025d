"""Clips of a result, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.sonicpi import Clip
from core.studies.store import clip_file

REST = 1 / 3  # s between two clips


def joined(paths: Sequence[str], seconds: float) -> Clip | None:
    """The beginnings of clips, one after the other with a short rest between.

    Parameters
    ----------
    paths : sequence of str
        As results keep them, relative to the workspace's folder; at least one.
    seconds : float
        Of each.

    Returns
    -------
    Clip or None
        None when one of them is gone.
    """
    parts: list[np.ndarray] = []
    rate = 0
    for path in paths:
        file = clip_file(path)
        if file is None:
            return None
        clip = Clip.load(file)
        rate = clip.sample_rate
        parts += [clip.samples[: int(seconds * rate)], np.zeros((int(REST * rate), 2), np.float32)]
    return Clip(np.concatenate(parts[:-1]), rate)


def small(clip: Clip) -> Clip:
    """The clip in mono at half its sample rate, for where bytes count."""
    mono = clip.samples.mean(axis=1)
    mono = mono[: len(mono) // 2 * 2].reshape(-1, 2).mean(axis=1)
    return Clip(np.repeat(mono[:, None], 2, axis=1).astype(np.float32), clip.sample_rate // 2)
