"""Worker processes of a sweep: each trains and evaluates one configuration after the other."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from core.alignment import TrainingPairs, ValidationPairs
from core.alignment import train as train_heads
from core.alignment.sweep_grids import Trial
from core.corpus import Corpus, EmbeddingPairs
from core.errors import EarshotError
from core.file_locks_and_atomic_writes import atomic_write, remove_partial_files
from core.pipeline.evaluate import (
    ComparedSpaces,
    build_aligned_embedding_spaces,
    evaluate_held_out_splits,
)

FEWER_CCA_DIRECTIONS = (5, 3, 2, 1)
"""A narrow configuration has fewer than ten pairs of directions; the sweep then compares at one of
these numbers, which all configurations have."""
ROW_COLUMNS = ("split", "reading", "metric", "value", "low", "high", "null_mean", "calibrated")


@dataclass(frozen=True)
class WorkerInputs:
    """What a worker process opens; names instead of objects, because it is another process."""

    corpus_name: str
    code_encoder: str
    audio_encoder: str
    folder: Path


def run_trials_in_processes(
    inputs: WorkerInputs, trials: list[Trial], pending_runs: list[tuple[int, int]], workers: int
) -> Iterator[tuple[int, int]]:
    """Yield (number, seed) of each pending run once it is finished."""
    if not pending_runs:
        return
    context = multiprocessing.get_context("spawn")  # A fork may hang once torch has threads.
    previous_threads = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    worker_count = min(workers, len(pending_runs))
    pool = ProcessPoolExecutor(worker_count, context, _initialize_sweep_worker, (inputs,))
    try:
        run_by_future = {
            pool.submit(_run_sweep_trial, trials[number], number, seed): (number, seed)
            for number, seed in pending_runs
        }
        for future in as_completed(run_by_future):
            future.result()
            yield run_by_future[future]
    except BrokenProcessPool as error:
        raise EarshotError(
            "A process of the sweep was killed, by someone or for lack of memory.",
            remedy="Start it again: finished runs are kept. With --workers 1 it takes less memory.",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        if previous_threads is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = previous_threads


class _WorkerState:
    """The open corpus of a worker process; pairs are read once per code encoder."""

    def __init__(self, inputs: WorkerInputs):
        self.folder = inputs.folder
        self._corpus = Corpus.open(inputs.corpus_name)
        self._inputs = inputs
        self._pairs_by_encoder: dict[str, EmbeddingPairs] = {}

    def load_embedding_pairs(self, code_encoder: str | None) -> EmbeddingPairs:
        code_encoder = code_encoder or self._inputs.code_encoder
        if code_encoder not in self._pairs_by_encoder:
            self._pairs_by_encoder[code_encoder] = self._corpus.load_embedding_pairs(
                code_encoder, self._inputs.audio_encoder
            )
        return self._pairs_by_encoder[code_encoder]


_worker_state: _WorkerState | None = None


def _initialize_sweep_worker(inputs: WorkerInputs) -> None:
    global _worker_state
    _exit_when_parent_exits()
    torch.set_num_threads(1)
    _worker_state = _WorkerState(inputs)


def _exit_when_parent_exits() -> None:
    """End this process when its parent has ended, even if the parent was killed."""
    parent = multiprocessing.parent_process()
    if parent is None:  # In tests, workers are threads.
        return

    def wait_for_parent_and_exit() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait_for_parent_and_exit, daemon=True).start()


def _run_sweep_trial(trial: Trial, trial_number: int, seed: int) -> None:
    """Train and evaluate one configuration with one seed, and write its file."""
    assert _worker_state is not None, "set by _initialize_sweep_worker"
    pairs = _worker_state.load_embedding_pairs(trial.code_encoder)
    start = time.monotonic()
    is_training, is_validation = pairs.splits == "train", pairs.splits == "validation"
    code, audio = torch.from_numpy(pairs.code_embeddings), torch.from_numpy(pairs.audio_embeddings)
    result = train_heads(
        TrainingPairs(code[is_training], audio[is_training]),
        ValidationPairs(code[is_validation], audio[is_validation]),
        trial.build_alignment_config(seed),
    )
    seconds = time.monotonic() - start
    write_json_atomically(
        make_sweep_run_path(_worker_state.folder, trial_number, seed),
        {
            "number": trial_number,
            "seed": seed,
            "seconds": seconds,
            "epochs": len(result.history),
            # The interval over programs is much the same for every seed.
            "rows": compute_metric_rows(
                pairs,
                build_aligned_embedding_spaces(result.heads, pairs),
                with_intervals=seed == 0,
            ),
        },
    )


def compute_metric_rows(
    pairs: EmbeddingPairs,
    spaces: dict[str, ComparedSpaces],
    *,
    with_intervals: bool = False,
    permutations: int = 0,
) -> list[dict[str, Any]]:
    """Evaluate some readings; return one row per split, reading and metric.

    Parameters
    ----------
    pairs : EmbeddingPairs
    spaces : dict of reading to ComparedSpaces
    with_intervals : bool
        Whether rows of test programs have the interval over programs.
    permutations : int
        Permutations of pairs for the rows with intervals.
    """
    table = evaluate_held_out_splits(
        spaces,
        pairs.splits,
        interval_splits=("test",) if with_intervals else (),
        permutations=permutations,
        fewer_cca_directions=FEWER_CCA_DIRECTIONS,
    )
    columns = table[[*ROW_COLUMNS]]
    return [dict(zip(ROW_COLUMNS, row)) for row in columns.itertuples(index=False)]


def make_sweep_run_path(folder: Path, trial_number: int, seed: int) -> Path:
    """Return the file of one run."""
    return folder / f"run-{trial_number:03d}-{seed:02d}.json"


def write_json_atomically(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file atomically."""
    remove_partial_files(path)
    with atomic_write(path, "w") as file:
        json.dump(value, file, indent=1)
