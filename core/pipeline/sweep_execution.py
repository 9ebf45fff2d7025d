"""Sweeps: training of every configuration of a grid with several seeds."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from core import encoders
from core.alignment.sweep_grids import COMMON_SETTINGS, SEED_COUNT, Trial, list_grid_trials
from core.corpus import Corpus, EmbeddingPairs
from core.corpus.legacy_saved_names import (
    translate_legacy_sweep_settings,
)
from core.encoders.concatenated_encoders import split_encoder_id
from core.errors import EarshotError
from core.evaluation.metrics_with_intervals import (
    ALIGNED_VS_ALIGNED,
)
from core.pipeline.cost_estimates import estimate_sweep_seconds
from core.pipeline.duration_history import record_duration
from core.pipeline.evaluate_alignment_on_held_out_programs import (
    compute_fingerprint,
)
from core.pipeline.executors import LocalExecutor
from core.pipeline.executors.executor_of_enclosing_block import get_default_executor
from core.pipeline.executors.ray_executor import RayExecutor
from core.pipeline.sweep_baseline_evaluation import (
    evaluate_linear_alignments_of_sweep,
    evaluate_raw_embeddings_of_sweep,
)
from core.pipeline.sweep_results import (
    LINEAR_ALIGNMENTS_FILE,
    RAW_EMBEDDINGS_FILE,
    read_sweep_file,
)
from core.pipeline.sweep_run_training import SweepRun
from core.pipeline.sweep_worker import (
    WorkerInputs,
    make_sweep_run_path,
    run_trials_in_processes,
    write_json_atomically,
)
from core.pipeline.train_and_evaluate_alignment import open_training_corpus
from core.progress_callback import Progress, ignore_progress
from core.search.embedded_corpus import EmbeddedCorpus
from core.workspace import require_writable_workspace

PROGRESS_STEP = "Running sweep"
DEFAULT_WORKERS = 2
"""With one thread each, the fastest on two cores."""


def run_sweep(
    corpus: Corpus,
    grid: str = "paper",
    progress: Progress = ignore_progress,
    *,
    seed_count: int = SEED_COUNT,
    workers: int = DEFAULT_WORKERS,
    code_encoder: str | None = None,
    audio_encoder: str | None = None,
) -> str:
    """Run the missing runs of a sweep; every finished run stays.

    In a block of `use_executor` with a `RayExecutor`, the
    trainings run on the workers of its cluster, in the precision that this machine's processor
    would choose. Otherwise they run in processes on this machine.

    Parameters
    ----------
    corpus : Corpus
    grid : {"paper", "ablation", "tradeoff"}
        One of `core.alignment.sweep_grids.GRIDS`.
    progress : Progress
        Called after every run with the data "sweep" (the id), "name", "seed", "seconds", "epochs"
        and "metrics" (those of the validation programs, aligned code ~ aligned audio).
    seed_count : int
        Runs per configuration, at least 1.
    workers : int
        Number of processes on this machine, with one thread each.
    code_encoder, audio_encoder : str, optional
        Encoder ids. Default: those that the corpus was built with.

    Returns
    -------
    str
        The sweep's id, a folder in the corpus's folder ``sweeps``. It is the same for the same
        grid, encoders and pairs, so a sweep resumes where an earlier one stopped.

    Raises
    ------
    EarshotError
        When there is no such grid or embedding, or a training diverges.

    Examples
    --------
    >>> sweep_id = run_sweep(Corpus.open("starter"), "paper", seed_count=2)  # doctest: +SKIP
    >>> results = load_sweep_results(Corpus.open("starter"), sweep_id)  # doctest: +SKIP
    >>> summarize_sweep_results(results)  # doctest: +SKIP
    """
    require_writable_workspace("A sweep")
    if seed_count < 1 or workers < 1:
        raise EarshotError("A sweep takes at least 1 seed and 1 worker.")
    embedded_corpus = open_training_corpus(corpus, code_encoder, audio_encoder)
    trials = [
        trial
        for trial in list_grid_trials(grid)
        if _has_code_embeddings(corpus, trial.code_encoder)
    ]
    settings = _build_sweep_settings(grid, embedded_corpus, trials)
    folder = _find_or_create_sweep_folder(embedded_corpus, settings)
    if not (folder / RAW_EMBEDDINGS_FILE).exists():
        baselines = evaluate_raw_embeddings_of_sweep(embedded_corpus, settings["codes"])
        write_json_atomically(
            folder / RAW_EMBEDDINGS_FILE,
            {"rows": baselines, "program_count": len(embedded_corpus.pairs.program_ids)},
        )
    if not (folder / LINEAR_ALIGNMENTS_FILE).exists():
        rows = evaluate_linear_alignments_of_sweep(embedded_corpus)
        write_json_atomically(folder / LINEAR_ALIGNMENTS_FILE, {"rows": rows})
    pending_runs = [
        SweepRun(number, seed, trial.build_alignment_config(seed), code_id)
        for seed in range(seed_count)
        for number, (trial, code_id) in enumerate(zip(trials, settings["codes"]))
        if not make_sweep_run_path(folder, number, seed).exists()
    ]
    total = seed_count * len(trials)
    done = total - len(pending_runs)
    progress(PROGRESS_STEP, done, total, "", {"sweep": folder.name})
    inputs = WorkerInputs(corpus.name, embedded_corpus.audio_encoder.id, folder)
    program_count = len(embedded_corpus.pairs.program_ids)
    # The time on a cluster says nothing about this machine's.
    is_measured = bool(pending_runs) and isinstance(get_default_executor(), LocalExecutor)
    pending_configs = [run.config for run in pending_runs]
    estimated_seconds = estimate_sweep_seconds(program_count, pending_configs, 1, workers)
    with (
        record_duration("sweep", estimated_seconds if is_measured else 0.0),
        closing(_train_runs(inputs, pending_runs, workers)) as finished_runs,
    ):
        for run in finished_runs:
            done += 1
            name = trials[run.number].name
            path = make_sweep_run_path(folder, run.number, run.seed)
            data = _summarize_sweep_run(read_sweep_file(path))
            data |= {"sweep": folder.name, "name": name, "seed": run.seed}
            note = f"{name.strip()}, seed {run.seed}: CKA {data['metrics']['cka']:.2f}"
            progress(PROGRESS_STEP, done, total, note, data)
    return folder.name


def _train_runs(inputs: WorkerInputs, runs: list[SweepRun], workers: int) -> Generator[SweepRun]:
    """Yield each run once it is finished and saved."""
    executor = get_default_executor()
    if not isinstance(executor, RayExecutor):
        yield from run_trials_in_processes(inputs, runs, workers)
        return
    corpus = Corpus.open(inputs.corpus_name)

    @cache
    def load_pairs(code_encoder: str) -> EmbeddingPairs:
        return corpus.load_embedding_pairs(code_encoder, inputs.audio_encoder)

    with executor.train_sweep_runs(load_pairs, runs) as results:
        for index, record in results:
            run = runs[index]
            write_json_atomically(make_sweep_run_path(inputs.folder, run.number, run.seed), record)
            yield run


def _build_sweep_settings(
    grid: str, embedded_corpus: EmbeddedCorpus, trials: list[Trial]
) -> dict[str, Any]:
    """Return the content of ``sweep.json``; the sweep's id is computed from it."""
    return {
        "grid": grid,
        "encoders": embedded_corpus.serialize_encoder_records(),
        "common": COMMON_SETTINGS,
        "trials": [[trial.name, trial.build_alignment_config(0).to_dict()] for trial in trials],
        "codes": [trial.code_encoder or embedded_corpus.code_encoder.id for trial in trials],
    }


def _find_or_create_sweep_folder(embedded_corpus: EmbeddedCorpus, settings: dict[str, Any]) -> Path:
    """Return the folder of the sweep with these settings on these pairs."""
    sweeps_folder = embedded_corpus.corpus.path / "sweeps"
    digest = _compute_sweep_digest(settings, embedded_corpus.pairs)
    folder = sweeps_folder / f"{settings['grid']}-{digest}"
    if not folder.exists():
        # An older version may have begun the same sweep under older names of its settings.
        for file in sweeps_folder.glob("*/sweep.json"):
            saved_settings = read_sweep_file(file)
            if translate_legacy_sweep_settings(saved_settings) == settings:
                saved_digest = _compute_sweep_digest(saved_settings, embedded_corpus.pairs)
                if file.parent.name.endswith(f"-{saved_digest}"):
                    file.touch()  # `list_sweep_ids` sorts by the time of the last resumption.
                    return file.parent
    write_json_atomically(folder / "sweep.json", settings)
    return folder


def _compute_sweep_digest(settings: dict[str, Any], pairs: EmbeddingPairs) -> str:
    settings_json = json.dumps(settings, sort_keys=True)
    return compute_fingerprint(settings_json, np.array(pairs.program_ids), pairs.splits)


def _has_code_embeddings(corpus: Corpus, code_encoder: str | None) -> bool:
    """Return whether a trial's own code encoder, if it has one, has embedded the corpus."""
    if code_encoder is None:
        return True
    embedded_by = {
        encoder_id for encoder_id, _, count in corpus.count_embeddings_by_encoder() if count
    }
    return all(
        part in embedded_by
        and encoders.find_encoder_spec(part).is_comparable_revision(
            corpus.get_encoder_revision(part) or ""
        )
        for part in split_encoder_id(code_encoder)
    )


def _summarize_sweep_run(run: dict[str, Any]) -> dict[str, Any]:
    """Return the duration of a run, and its metrics on the validation programs."""
    metrics = {
        row["metric"]: row["value"]
        for row in run["rows"]
        if row["split"] == "validation" and row["reading"] == ALIGNED_VS_ALIGNED
    }
    return {"seconds": run["seconds"], "epochs": run["epochs"], "metrics": metrics}
