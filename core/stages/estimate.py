"""What making a corpus will take, said before it is begun."""

from __future__ import annotations

import os
from dataclasses import dataclass

# Seconds for one program of 18 s, over the starter corpus on two cores with bf16: one core renders
# it, all of them hear and read it.
RENDER_S = 0.35
EMBED_S = {"offline": 0.22, "paper": 0.9}
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
    programs: int, clip_seconds: float = CLIP_S, preset: str | None = "offline", cores: int | None = None
) -> Estimate:
    """Estimate what rendering and embedding programs will take.

    Parameters
    ----------
    programs : int
        Those that are still to be made.
    clip_seconds : float
        Length of a clip.
    preset : {"offline", "paper"} or None
        Which encoders; None only renders.
    cores : int, optional
        Default: those that this process may use.
    """
    if not programs:
        return Estimate(0, 0.0, 0)
    cores = cores or len(os.sched_getaffinity(0))
    share = clip_seconds / CLIP_S
    embed = EMBED_S.get(preset, EMBED_S["paper"]) if preset else 0.0
    each = RENDER_S / cores + embed
    return Estimate(
        programs, START_S + programs * each * share, round(programs * CLIP_BYTES * share)
    )
