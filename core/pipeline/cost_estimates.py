"""Estimates of the time and disk space that a build, a training or a sweep takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import encoders
from core.clip_length_limits import DEFAULT_CLIP_SECONDS
from core.encoders.concatenated_encoders import split_encoder_id

if TYPE_CHECKING:
    from core.alignment import AlignmentConfig

REFERENCE_CLIP_SECONDS = 18.0  # Length of the clips that were measured.
# Processor seconds per program of the reference length, measured on the paper's corpus with bf16;
# `./run bench build` prints their sum.
RENDER_SECONDS_PER_PROGRAM = 0.30  # rendering, and encoding as FLAC
EMBED_SECONDS_BY_PRESET = {"offline": 0.28, "paper": 1.6}
ENCODE_SECONDS_BY_FORMAT = {"flac": 0.0, "ogg": 0.25}  # in addition to FLAC
BUILD_STARTUP_SECONDS = 8.0  # loading the encoders and Sonic Pi
# Bytes of a clip of the reference length: mean over 100 variants of each template.
CLIP_BYTES_BY_FORMAT = {"flac": 700_000, "ogg": 195_000}
# Bytes of a program and its two embeddings in the database.
BYTES_PER_PROGRAM_ROW = 21_000

# Training, from a few single measurements.
TRAINING_SECONDS_PER_PAIR = 9e-5  # one pair in one epoch, with heads of the default size
DEFAULT_HEAD_WEIGHT_COUNT = 3 * 512**2  # in the hidden layers, roughly
EVALUATION_SECONDS_PER_PROGRAM = 5e-3  # evaluation and map
TRAINING_STARTUP_SECONDS = 16.0  # loading torch and compiling UMAP
TRAINING_SPLIT_FRACTION = 0.8


@dataclass(frozen=True)
class BuildEstimate:
    """Rough cost of a build.

    Attributes
    ----------
    program_count : int
    seconds : float
        On an otherwise idle machine.
    size_bytes : int
        On disk.
    audio_format : {"flac", "ogg"}
        Of the clips.
    """

    program_count: int
    seconds: float
    size_bytes: int
    audio_format: str = "flac"


def find_cost_preset_name(code_encoder: str, audio_encoder: str) -> str:
    """Return the preset that takes about as long as a pair of encoders; "other" for any other pair.

    Examples
    --------
    >>> find_cost_preset_name("sonicpi", "aisfx")  # The offline preset until it was a consensus.
    'offline'
    """
    offline = encoders.PRESETS["offline"]
    offline_components = {offline.code_encoder, *split_encoder_id(offline.audio_encoder)}
    if {code_encoder, *split_encoder_id(audio_encoder)} <= offline_components:
        return offline.name
    return encoders.find_encoder_preset_name(code_encoder, audio_encoder) or "other"


def estimate_build_cost(
    program_count: int,
    clip_seconds: float = DEFAULT_CLIP_SECONDS,
    preset: str | None = "offline",
    cores: int | None = None,
    audio_format: str = "flac",
) -> BuildEstimate:
    """Estimate the cost of rendering and embedding programs.

    Parameters
    ----------
    program_count : int
        Programs that are still missing.
    clip_seconds : float
        Length of a clip.
    preset : {"offline", "paper"} or None
        The encoders; None only renders. Unknown presets cost as much as the paper's.
    cores : int, optional
        Default: those that this process may use.
    audio_format : {"flac", "ogg"}
        Of the clips.
    """
    if not program_count:
        return BuildEstimate(0, 0.0, 0, audio_format)
    cores = cores or len(os.sched_getaffinity(0))
    length_ratio = clip_seconds / REFERENCE_CLIP_SECONDS
    embed_seconds = 0.0
    if preset:
        embed_seconds = EMBED_SECONDS_BY_PRESET.get(preset, EMBED_SECONDS_BY_PRESET["paper"])
    core_seconds = (
        RENDER_SECONDS_PER_PROGRAM + ENCODE_SECONDS_BY_FORMAT[audio_format] + embed_seconds
    )
    seconds_per_program = core_seconds * length_ratio / cores
    bytes_per_program = CLIP_BYTES_BY_FORMAT[audio_format] * length_ratio + BYTES_PER_PROGRAM_ROW
    return BuildEstimate(
        program_count,
        BUILD_STARTUP_SECONDS + program_count * seconds_per_program,
        round(program_count * bytes_per_program),
        audio_format,
    )


def estimate_training_seconds(
    program_count: int, config: AlignmentConfig, cores: int | None = None
) -> float:
    """Estimate the seconds that training, evaluation and the map take.

    Parameters
    ----------
    program_count : int
        Programs with a clip.
    config : AlignmentConfig
        All of its epochs are counted, although training may stop earlier.
    cores : int, optional
        Default: those that this process may use.
    """
    cores = cores or len(os.sched_getaffinity(0))
    weight_count = config.layers * config.width**2
    # In a small network, half of the time of a step does not depend on the number of weights.
    size_factor = 0.5 + 0.5 * weight_count / DEFAULT_HEAD_WEIGHT_COUNT
    pair_count = TRAINING_SPLIT_FRACTION * program_count * config.epochs
    training_seconds = pair_count * TRAINING_SECONDS_PER_PAIR * size_factor * 2 / cores
    evaluation_seconds = EVALUATION_SECONDS_PER_PROGRAM * program_count
    return TRAINING_STARTUP_SECONDS + training_seconds + evaluation_seconds


def estimate_sweep_seconds(
    program_count: int, configs: Sequence[AlignmentConfig], seed_count: int, workers: int
) -> float:
    """Estimate the seconds of a sweep that trains each config with each seed."""
    seconds_per_run = [
        estimate_training_seconds(program_count, config, 1) - TRAINING_STARTUP_SECONDS
        for config in configs
    ]
    return TRAINING_STARTUP_SECONDS + seed_count * sum(seconds_per_run) / workers
