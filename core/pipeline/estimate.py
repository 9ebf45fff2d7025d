"""What making a corpus will take, said before it is begun."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.alignment import AlignmentConfig

# Processor seconds for one program of 18 s, over the paper's corpus with bf16: rendering it and
# keeping its clip as FLAC; hearing and reading it. `./run bench build` gives the sum.
RENDER_S = 0.25
EMBED_S = {"offline": 0.08, "paper": 1.6}
# What encoding and reading back takes besides.
FORMAT_S = {"flac": 0.0, "ogg": 0.25}
CLIP_S = 18.0
START_S = 15.0  # encoders and Sonic Pi, before the first program
# Of a clip of 18 s, mean over 100 variants of each template; its row and two embeddings, of which
# the offline one of code fills a page of the database.
CLIP_BYTES = {"flac": 700_000, "ogg": 195_000}
ROW_BYTES = 21_000


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
    audio_format : {"flac", "ogg"}
        Of the clips.
    """

    programs: int
    seconds: float
    bytes: int
    audio_format: str = "flac"


def estimate(
    programs: int,
    clip_seconds: float = CLIP_S,
    preset: str | None = "offline",
    cores: int | None = None,
    audio_format: str = "flac",
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
    audio_format : {"flac", "ogg"}
        Of the clips.
    """
    if not programs:
        return Estimate(0, 0.0, 0, audio_format)
    cores = cores or len(os.sched_getaffinity(0))
    share = clip_seconds / CLIP_S
    embed = EMBED_S.get(preset, EMBED_S["paper"]) if preset else 0.0
    each = (RENDER_S + FORMAT_S[audio_format] + embed) * share / cores
    size = CLIP_BYTES[audio_format] * share + ROW_BYTES
    seconds = START_S + programs * each
    return Estimate(programs, seconds, round(programs * size), audio_format)


# Seconds of a training, from a few single ones and not fitted: a pair once, with heads of the
# default size; then what judging and the map take besides, by program.
PAIR_S = 9e-5
HEADS = 3 * 512**2  # weights of a head's hidden layers by default, roughly
AFTER_S = 5e-3
TRAIN_START_S = 16.0  # torch, and the compiler that the map brings
TRAINED_SHARE = 0.8


def training_seconds(programs: int, config: AlignmentConfig, cores: int | None = None) -> float:
    """Estimate what training, judging and laying out the map will take.

    Parameters
    ----------
    programs : int
        With a clip.
    config : AlignmentConfig
        All of its epochs are counted: training may stop earlier.
    cores : int, optional
        Default: those that this process may use.
    """
    cores = cores or len(os.sched_getaffinity(0))
    # Half of a small network's step is not its multiplications.
    size = 0.5 + 0.5 * config.layers * config.width**2 / HEADS
    pairs = TRAINED_SHARE * programs * config.epochs
    return TRAIN_START_S + pairs * PAIR_S * size * 2 / cores + AFTER_S * programs


def sweep_seconds(
    programs: int, configs: Sequence[AlignmentConfig], seeds: int, workers: int
) -> float:
    """Estimate what training each config with each seed will take, `workers` at a time."""
    alone = [training_seconds(programs, config, 1) - TRAIN_START_S for config in configs]
    return TRAIN_START_S + seeds * sum(alone) / workers
