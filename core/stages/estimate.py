"""What making a corpus will take, said before it is begun."""

from __future__ import annotations

import os
from dataclasses import dataclass

# A processor's seconds for one program of 18 s: rendering it, hearing it, reading it. Measured
# with the offline preset over the starter corpus; the paper's encoders take about twice that.
RENDER_S = 0.35
EMBED_S = {"offline": 0.3, "paper": 1.1}
CLIP_S = 18.0
START_S = 15.0  # encoders and Sonic Pi, before the first program
# FLAC of 18 s, mean over the starter corpus, with two embeddings and a row.
CLIP_BYTES = 660_000


@dataclass(frozen=True)
class Estimate:
    """What a build will take, roughly.

    Attributes
    ----------
    programs : int
    seconds : float
        On an otherwise idle machine; a busy one takes longer.
    bytes : int
        On disk.
    """

    programs: int
    seconds: float
    bytes: int


def estimate(
    programs: int, clip_seconds: float = CLIP_S, preset: str = "offline", cores: int | None = None
) -> Estimate:
    """Estimate what rendering and embedding programs will take.

    Parameters
    ----------
    programs : int
        Those that are still to be made.
    clip_seconds : float
        Length of a clip.
    preset : {"offline", "paper"}
        Which encoders.
    cores : int, optional
        Default: those that this process may use.
    """
    if not programs:
        return Estimate(0, 0.0, 0)
    cores = cores or len(os.sched_getaffinity(0))
    share = clip_seconds / CLIP_S
    # Rendering spreads over the cores; an encoder computes one clip at a time on all of them.
    each = RENDER_S / cores + EMBED_S.get(preset, EMBED_S["paper"]) / min(cores, 4) * 2
    return Estimate(
        programs, START_S + programs * each * share, round(programs * CLIP_BYTES * share)
    )
