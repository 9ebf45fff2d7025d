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
RENDER_SECONDS_PER_PROGRAM = 0.25
EMBED_SECONDS_BY_PRESET = {"offline": 0.08, "paper": 1.6}
# What encoding and reading back takes besides.
ENCODE_SECONDS_BY_FORMAT = {"flac": 0.0, "ogg": 0.25}
REFERENCE_CLIP_SECONDS = 18.0
BUILD_STARTUP_SECONDS = 15.0  # encoders and Sonic Pi, before the first program
# Of a clip of 18 s, mean over 100 variants of each template; its row and two embeddings, of which
# the offline one of code fills a page of the database.
CLIP_BYTES_BY_FORMAT = {"flac": 700_000, "ogg": 195_000}
BYTES_PER_PROGRAM_ROW = 21_000


@dataclass(frozen=True)
class BuildEstimate:
    """What a build will take, roughly.

    Attributes
    ----------
    program_count : int
    seconds : float
        On an otherwise idle machine; a busy one takes longer.
    size_bytes : int
        On disk.
    audio_format : {"flac", "ogg"}
        Of the clips.
    """

    program_count: int
    seconds: float
    size_bytes: int
    audio_format: str = "flac"


def estimate_build(
    program_count: int,
    clip_seconds: float = REFERENCE_CLIP_SECONDS,
    preset: str | None = "offline",
    cores: int | None = None,
    audio_format: str = "flac",
) -> BuildEstimate:
    """Estimate what rendering and embedding programs will take.

    Parameters
    ----------
    program_count : int
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
    if not program_count:
        return BuildEstimate(0, 0.0, 0, audio_format)
    cores = cores or len(os.sched_getaffinity(0))
    share = clip_seconds / REFERENCE_CLIP_SECONDS
    embed = EMBED_SECONDS_BY_PRESET.get(preset, EMBED_SECONDS_BY_PRESET["paper"]) if preset else 0.0
    each = (RENDER_SECONDS_PER_PROGRAM + ENCODE_SECONDS_BY_FORMAT[audio_format] + embed) * share / cores
    size = CLIP_BYTES_BY_FORMAT[audio_format] * share + BYTES_PER_PROGRAM_ROW
    seconds = BUILD_STARTUP_SECONDS + program_count * each
    return BuildEstimate(program_count, seconds, round(program_count * size), audio_format)


# Seconds of a training, from a few single ones and not fitted: a pair once, with heads of the
# default size; then what judging and the map take besides, by program.
TRAINING_SECONDS_PER_PAIR = 9e-5
DEFAULT_HEAD_WEIGHT_COUNT = 3 * 512**2  # weights of a head's hidden layers by default, roughly
EVALUATION_SECONDS_PER_PROGRAM = 5e-3
TRAINING_STARTUP_SECONDS = 16.0  # torch, and the compiler that the map brings
TRAINING_SPLIT_FRACTION = 0.8


def estimate_training_seconds(program_count: int, config: AlignmentConfig, cores: int | None = None) -> float:
    """Estimate what training, judging and laying out the map will take.

    Parameters
    ----------
    program_count : int
        With a clip.
    config : AlignmentConfig
        All of its epochs are counted: training may stop earlier.
    cores : int, optional
        Default: those that this process may use.
    """
    cores = cores or len(os.sched_getaffinity(0))
    # Half of a small network's step is not its multiplications.
    size = 0.5 + 0.5 * config.layers * config.width**2 / DEFAULT_HEAD_WEIGHT_COUNT
    pairs = TRAINING_SPLIT_FRACTION * program_count * config.epochs
    return TRAINING_STARTUP_SECONDS + pairs * TRAINING_SECONDS_PER_PAIR * size * 2 / cores + EVALUATION_SECONDS_PER_PROGRAM * program_count


def estimate_sweep_seconds(
    program_count: int, configs: Sequence[AlignmentConfig], seed_count: int, workers: int
) -> float:
    """Estimate what training each config with each seed will take, `workers` at a time."""
    alone = [estimate_training_seconds(program_count, config, 1) - TRAINING_STARTUP_SECONDS for config in configs]
    return TRAINING_STARTUP_SECONDS + seed_count * sum(alone) / workers
