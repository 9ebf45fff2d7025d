"""Benchmark: training compared with a plain PyTorch loop, and the time of a sweep.

Both train the paper's model on the same pairs, alternately, without validation. The time of a
sweep (24 configurations x 5 seeds, two processes with one thread each) is the sum over its runs:
one epoch of each architecture and one evaluation are timed under these conditions, and multiplied.
Early stopping, which shortens a run, is not counted. The pairs are two noisy views of one latent
space with the dimensions of the offline preset.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from statistics import mean, median
from typing import Any

import _training
import torch

from core.alignment.sweep_grids import (
    COMMON_SETTINGS,
    HIDDEN_WIDTHS,
    LAYER_COUNTS,
    SEED_COUNT,
    list_grid_trials,
)

PROGRAM_COUNTS = (1_350, 13_500)
PROCESS_COUNT = 2


def run(variants: int = 3) -> list[tuple[str, str]]:
    """Measure training and a sweep; return (measure, value) rows.

    Parameters
    ----------
    variants : int
        Number of alternations, and of timed epochs.
    """
    rows = [("threads of trainer and plain loop", str(torch.get_num_threads()))]
    for program_count in PROGRAM_COUNTS:
        rows += _compare_with_plain_loop(program_count, variants)
        duration = _estimate_sweep(program_count, variants)
        rows.append((f"{program_count:,} programs: whole sweep", duration))
    return rows


def _compare_with_plain_loop(program_count: int, repetitions: int) -> list[tuple[str, str]]:
    trainer_seconds, plain_seconds = [], []
    for _ in range(repetitions):
        epochs = repetitions + 1  # the first epoch is not timed
        trainer_seconds.append(_training.time_trainer_epoch(program_count, epochs, False, {}))
        plain_seconds.append(_training.time_plain_epoch(program_count, repetitions))
    ratio = median(plain / trainer for trainer, plain in zip(trainer_seconds, plain_seconds))
    label = f"{program_count:,} programs"
    return [
        (f"{label}: epochs per second", f"{1 / median(trainer_seconds):.2f}"),
        (f"{label}: epochs per second of the plain loop", f"{1 / median(plain_seconds):.2f}"),
        (f"{label}: ratio", f"{ratio:.2f}"),
    ]


def _estimate_sweep(program_count: int, epochs: int) -> str:
    """Estimate the minutes of all runs with all epochs, in processes side by side."""
    run_count = SEED_COUNT * len(list_grid_trials("paper"))
    runs_per_architecture = run_count // (len(LAYER_COUNTS) * len(HIDDEN_WIDTHS))
    epochs_per_run = int(COMMON_SETTINGS["epochs"])
    training_seconds = 0.0
    context = multiprocessing.get_context("spawn")
    previous_threads = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(PROCESS_COUNT, context) as pool:
        for layers in LAYER_COUNTS:
            for width in HIDDEN_WIDTHS:
                overrides = {"layers": layers, "width": width}
                arguments = (program_count, epochs + 1, True, overrides)
                seconds = _measure_in_processes(pool, _training.time_trainer_epoch, arguments)
                training_seconds += runs_per_architecture * epochs_per_run * seconds
        evaluation_seconds = run_count * _measure_in_processes(
            pool, _training.time_evaluation, (program_count,)
        )
    if previous_threads is None:
        del os.environ["OMP_NUM_THREADS"]
    else:
        os.environ["OMP_NUM_THREADS"] = previous_threads
    total_minutes = (training_seconds + evaluation_seconds) / PROCESS_COUNT / 60
    return (
        f"{total_minutes:.1f} min ({run_count} runs of {epochs_per_run} epochs,"
        f" evaluation {evaluation_seconds / PROCESS_COUNT / 60:.1f} min)"
    )


def _measure_in_processes(
    pool: ProcessPoolExecutor, function: Callable[..., float], arguments: tuple[Any, ...]
) -> float:
    """Return the mean seconds of the same work in all processes at the same time."""
    futures = [
        pool.submit(_training.run_single_threaded, function, arguments)
        for _ in range(PROCESS_COUNT)
    ]
    return mean(future.result() for future in futures)
