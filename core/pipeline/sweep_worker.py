"""Worker processes of a sweep: each trains and evaluates one configuration after the other."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from core.corpus import Corpus, EmbeddingPairs
from core.errors import EarshotError
from core.file_locks_and_atomic_writes import atomic_write, remove_partial_files
from core.pipeline.sweep_run_training import SweepRun, train_sweep_run


@dataclass(frozen=True)
class WorkerInputs:
    """What a worker process opens; names instead of objects, because it is another process."""

    corpus_name: str
    audio_encoder: str
    folder: Path


def run_trials_in_processes(
    inputs: WorkerInputs, pending_runs: list[SweepRun], workers: int
) -> Iterator[SweepRun]:
    """Yield each pending run once it is finished and saved."""
    if not pending_runs:
        return
    context = multiprocessing.get_context("spawn")  # A fork may hang once torch has threads.
    previous_threads = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    worker_count = min(workers, len(pending_runs))
    pool = ProcessPoolExecutor(worker_count, context, _initialize_sweep_worker, (inputs,))
    try:
        run_by_future = {pool.submit(_run_trial_and_save, run): run for run in pending_runs}
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

    def load_embedding_pairs(self, code_encoder: str) -> EmbeddingPairs:
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


def _run_trial_and_save(run: SweepRun) -> None:
    """Train and evaluate one configuration with one seed, and write its file."""
    assert _worker_state is not None, "set by _initialize_sweep_worker"
    record = train_sweep_run(_worker_state.load_embedding_pairs(run.code_encoder), run)
    write_json_atomically(make_sweep_run_path(_worker_state.folder, run.number, run.seed), record)


def make_sweep_run_path(folder: Path, trial_number: int, seed: int) -> Path:
    """Return the file of one run."""
    return folder / f"run-{trial_number:03d}-{seed:02d}.json"


def write_json_atomically(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file atomically."""
    remove_partial_files(path)
    with atomic_write(path, "w") as file:
        json.dump(value, file, indent=1)
