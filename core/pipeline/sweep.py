"""Train every configuration of a grid with several seeds, and say what each reaches."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from core import encoders
from core.alignment import TrainingPairs, ValidationPairs
from core.alignment import train as train_heads
from core.alignment.grid import COMMON_SETTINGS, SEED_COUNT, Trial, list_trials
from core.corpus import Corpus, EmbeddingPairs
from core.corpus.legacy_names import translate_metric_rows
from core.encoders.concat import split_encoder_id
from core.errors import EarshotError
from core.evaluation.metrics_table import ALIGNED_VS_RAW, ALIGNED_VS_ALIGNED
from core.progress import Progress, ignore_progress
from core.pipeline.evaluate import EvaluationSpaces, compute_fingerprint, evaluate_splits, make_aligned_spaces, make_raw_spaces
from core.pipeline.train import open_training_corpus
from core.workspace import atomic_write, refuse_if_read_only
from core.workspace import remove_partial_files as sweep_partials

PROGRESS_STEP = "Sweep"
BASELINE_NAME = "unaligned"
EVALUATED_SPLITS = ("validation", "test")
DEFAULT_WORKERS = 2  # of one thread each: the fastest on two cores


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
    """Run what is not yet done of a sweep; every run that is finished stays.

    Parameters
    ----------
    corpus : Corpus
    grid : {"paper", "ablation", "trade"}
        `core.alignment.grid` holds them.
    progress : Progress
        Called after every run with data "name", "seed", "seconds", "epochs", "metrics"
        (a dict of the validation programs' metrics, aligned code ~ aligned audio) and
        "sweep", the id.
    seed_count : int
        Runs of each configuration, at least 1.
    workers : int
        Processes side by side, of one thread each.
    code_encoder, audio_encoder : str, optional
        Encoder ids. Default: those that the corpus was built with.

    Returns
    -------
    str
        The sweep's id, a folder of the corpus's ``sweeps``: the same for the same grid,
        encoders and pairs, so that it is gone on with and not begun anew.

    Raises
    ------
    EarshotError
        When there is no such grid or embedding, or a training diverges.
    """
    refuse_if_read_only("A sweep")
    if seed_count < 1 or workers < 1:
        raise EarshotError("A sweep takes at least 1 seed and 1 worker.")
    embedded_corpus = open_training_corpus(corpus, code_encoder, audio_encoder)
    pairs, described = embedded_corpus.pairs, embedded_corpus.describe_encoders()
    code, audio = embedded_corpus.code_encoder.id, embedded_corpus.audio_encoder.id
    plan = [trial for trial in list_trials(grid) if _is_embedded(corpus, trial.code_encoder)]
    what = {
        "grid": grid,
        "encoders": described,
        "common": COMMON_SETTINGS,
        "trials": [[trial.name, trial.build_config(0).to_dict()] for trial in plan],
        "codes": [trial.code_encoder or code for trial in plan],
    }
    sweep_id = f"{grid}-{_compute_sweep_digest(what, pairs)}"
    folder = corpus.path / "sweeps" / sweep_id
    _write_json(folder / "sweep.json", what)
    if not (folder / "baseline.json").exists():
        _write_json(folder / "baseline.json", {"rows": _evaluate_baselines(corpus, what["codes"], code, audio)})
    todo = [
        (number, seed)
        for seed in range(seed_count)
        for number in range(len(plan))
        if not _make_run_path(folder, number, seed).exists()
    ]
    total = seed_count * len(plan)
    progress(PROGRESS_STEP, total - len(todo), total, "", {"sweep": sweep_id})
    prepared = (corpus.name, code, audio, str(folder))
    for done, (number, seed) in enumerate(_run_in_processes(prepared, plan, todo, workers), 1):
        run = json.loads(_make_run_path(folder, number, seed).read_text("utf-8"))
        data = {
            "sweep": sweep_id,
            "name": plan[number].name,
            "seed": seed,
            **{key: run[key] for key in ("seconds", "epochs")},
            "metrics": _select_validation_metrics(run),
        }
        note = f"{plan[number].name.strip()}, seed {seed}: CKA {data['metrics']['cka']:.2f}"
        progress(PROGRESS_STEP, total - len(todo) + done, total, note, data)
    return sweep_id


def list_sweeps(corpus: Corpus) -> list[str]:
    """Ids of a corpus's sweeps, the one last worked on last."""
    folder = corpus.path / "sweeps"
    found = [path for path in folder.glob("*/sweep.json")]
    return [path.parent.name for path in sorted(found, key=lambda path: path.stat().st_mtime)]


def load_sweep(corpus: Corpus, sweep_id: str | None = None) -> pd.DataFrame:
    """All numbers of a sweep, as far as it is done.

    Returns
    -------
    DataFrame
        name, number (of the configuration; -1 the unaligned baseline, -2 and below those of
        other code encoders that the grid tries), seed, split, reading, metric, value. Beside
        the metrics of `judge` a run has "seconds" and "epochs" of its training. The fields
        of each configuration lie in ``sweep.json``.

    Raises
    ------
    EarshotError
        When there is no such sweep.
    """
    known = list_sweeps(corpus)
    if sweep_id is None and known:
        sweep_id = known[-1]
    if sweep_id not in known:
        raise EarshotError(
            f"Corpus '{corpus.name}' has no sweep{'' if sweep_id is None else f' {sweep_id!r}'}.",
            remedy=f"To run one: ./run sweep {corpus.name}",
        )
    folder = corpus.path / "sweeps" / sweep_id
    names = [name for name, _ in json.loads((folder / "sweep.json").read_text("utf-8"))["trials"]]
    rows = translate_metric_rows(json.loads((folder / "baseline.json").read_text("utf-8"))["rows"])
    for path in sorted(folder.glob("run-*.json")):
        run = json.loads(path.read_text("utf-8"))
        about = {"name": names[run["number"]], "number": run["number"], "seed": run["seed"]}
        rows += [{**about, **row} for row in translate_metric_rows(run["rows"])]
        rows += [
            {**about, "split": part, "reading": reading, "metric": metric, "value": run[metric]}
            for part in EVALUATED_SPLITS
            for reading in (ALIGNED_VS_ALIGNED, ALIGNED_VS_RAW)
            for metric in ("seconds", "epochs")
        ]
    return pd.DataFrame(rows)


def summarize_sweep(results: pd.DataFrame, split: str = "validation", reading: str = ALIGNED_VS_ALIGNED) -> pd.DataFrame:
    """Mean and standard deviation over seeds: one row a configuration, the baseline first.

    Returns
    -------
    DataFrame
        Index: number and name. Columns: (metric, "mean" or "sd"); of one seed sd is nan.
    """
    chosen = (results["reading"] == reading) | (results["number"] < 0)
    part = results[chosen & (results["split"] == split)]
    by = part.groupby(["number", "name", "metric"])["value"]
    table = pd.DataFrame({"mean": by.mean(), "sd": by.std()}).unstack("metric")
    table = table.loc[sorted(table.index, key=lambda at: (at[0] >= 0, abs(at[0])))]
    order = list(dict.fromkeys(part["metric"]))
    return table.swaplevel(axis=1).reindex(columns=[(m, s) for m in order for s in ("mean", "sd")])


def find_best_configuration(results: pd.DataFrame, metric: str, split: str = "validation") -> int:
    """Number of the configuration with the highest mean of a metric."""
    table = summarize_sweep(results, split)
    table = table[table.index.get_level_values("number") >= 0]
    if table.empty:
        raise EarshotError("No run of this sweep is done yet.")
    return int(table[(metric, "mean")].idxmax()[0])


def _run_in_processes(
    worker_arguments: tuple, planned_trials: list[Trial], pending_runs: list[tuple[int, int]], workers: int
) -> Iterator[tuple[int, int]]:
    if not pending_runs:
        return
    context = multiprocessing.get_context("spawn")  # forking after torch has threads may hang
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    pool = ProcessPoolExecutor(min(workers, len(pending_runs)), context, _initialize_worker, worker_arguments)
    try:
        waiting = {
            pool.submit(_run_trial, planned_trials[number], number, seed): (number, seed) for number, seed in pending_runs
        }
        for finished in as_completed(waiting):
            finished.result()
            yield waiting[finished]
    except BrokenProcessPool as error:
        raise EarshotError(
            "A process of the sweep was killed, by someone or for lack of memory.",
            remedy="Start it again: every run that is finished is kept. With --workers 1 it takes"
            " less memory.",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


class _WorkerState:
    """What a worker process works on; pairs are read once for each code encoder."""

    def __init__(self, corpus_name: str, code_encoder: str, audio_encoder: str, folder: str):
        self.corpus, self.folder = Corpus.open(corpus_name), Path(folder)
        self._code_encoder, self._audio_encoder = code_encoder, audio_encoder
        self._pairs_by_encoder: dict[str, EmbeddingPairs] = {}

    def load_embedding_pairs(self, code_encoder: str | None) -> EmbeddingPairs:
        code_encoder = code_encoder or self._code_encoder
        if code_encoder not in self._pairs_by_encoder:
            self._pairs_by_encoder[code_encoder] = self.corpus.load_embedding_pairs(code_encoder, self._audio_encoder)
        return self._pairs_by_encoder[code_encoder]


_worker_state: _WorkerState | None = None


def _exit_with_parent() -> None:
    """Let this process end when the one that began it is gone, however that ended."""

    parent = multiprocessing.parent_process()
    if parent is None:  # it is a thread of whoever sweeps
        return

    def exit_after_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=exit_after_parent, daemon=True).start()


def _initialize_worker(*state_arguments: str) -> None:
    global _worker_state
    _exit_with_parent()
    torch.set_num_threads(1)
    _worker_state = _WorkerState(*state_arguments)


def _run_trial(trial: Trial, trial_number: int, seed: int) -> None:
    """Train and measure one configuration with one seed; its file is there when it is done."""
    pairs, folder = _worker_state.load_embedding_pairs(trial.code_encoder), _worker_state.folder
    start = time.monotonic()
    train, validation = pairs.splits == "train", pairs.splits == "validation"
    code, audio = torch.from_numpy(pairs.code_embeddings), torch.from_numpy(pairs.audio_embeddings)
    trained = train_heads(
        TrainingPairs(code[train], audio[train]),
        ValidationPairs(code[validation], audio[validation]),
        trial.build_config(seed),
    )
    seconds = time.monotonic() - start
    _write_json(
        _make_run_path(folder, trial_number, seed),
        {
            "number": trial_number,
            "seed": seed,
            "seconds": seconds,
            "epochs": len(trained.history),
            "rows": _evaluate_to_rows(pairs, make_aligned_spaces(trained.heads, pairs)),
        },
    )


def _evaluate_to_rows(pairs: EmbeddingPairs, spaces: EvaluationSpaces) -> list[dict]:
    table = evaluate_splits(spaces, pairs.splits, with_intervals=False)
    return table[["split", "reading", "metric", "value"]].to_dict(orient="records")


def _is_embedded(corpus: Corpus, code_encoder: str | None) -> bool:
    """Whether a trial's own code encoder, if it names one, has embedded the corpus as it is now."""
    there = {name for name, _, count in corpus.list_encoders() if count}
    return code_encoder is None or all(
        part in there and corpus.get_encoder_revision(part) == encoders.find_encoder_spec(part).revision
        for part in split_encoder_id(code_encoder)
    )


def _evaluate_baselines(corpus: Corpus, code_encoders: list[str], default_code_encoder: str, audio_encoder: str) -> list[dict]:
    """What raw embeddings score: by the sweep's own code encoder first, then by the others."""
    rows = []
    for place, code in enumerate(dict.fromkeys([default_code_encoder, *code_encoders]), 1):
        pairs = corpus.load_embedding_pairs(code, audio_encoder)
        name = BASELINE_NAME if code == default_code_encoder else f"{BASELINE_NAME}, {code}"
        rows += [
            {"name": name, "number": -place, "seed": 0, **row}
            for row in _evaluate_to_rows(pairs, make_raw_spaces(pairs))
        ]
    return rows


def _select_validation_metrics(run: dict) -> dict[str, float]:
    return {
        row["metric"]: row["value"]
        for row in run["rows"]
        if row["split"] == "validation" and row["reading"] == ALIGNED_VS_ALIGNED
    }


def _compute_sweep_digest(sweep_settings: dict, pairs: EmbeddingPairs) -> str:
    return compute_fingerprint(json.dumps(sweep_settings, sort_keys=True), np.array(pairs.program_ids), pairs.splits)


def _make_run_path(folder: Path, trial_number: int, seed: int) -> Path:
    return folder / f"run-{trial_number:03d}-{seed:02d}.json"


def _write_json(path: Path, value: dict) -> None:
    sweep_partials(path)
    with atomic_write(path, "w") as file:
        json.dump(value, file, indent=1)
