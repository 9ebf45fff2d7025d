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
from core.alignment import train as train_heads
from core.alignment.grid import COMMON, SEEDS, Trial, trials
from core.corpus import Corpus, Pairs
from core.encoders.concat import part_ids
from core.errors import EarshotError
from core.evaluation.metrics_table import AGAINST_RAW, ALIGNED
from core.progress import Progress, silent
from core.search.loaded_alignment import fingerprint
from core.pipeline.evaluate import Spaces, measured, spaces_after, spaces_before
from core.pipeline.train import embedded_pairs
from core.workspace import atomic_write, refuse_if_read_only
from core.workspace import sweep as sweep_partials

STEP = "Sweep"
BASELINE = "unaligned"
PARTS = ("validation", "test")
WORKERS = 2  # of one thread each: the fastest on two cores


def sweep(
    corpus_name: str,
    grid: str = "paper",
    progress: Progress = silent,
    *,
    seeds: int = SEEDS,
    workers: int = WORKERS,
    code_encoder: str | None = None,
    audio_encoder: str | None = None,
) -> str:
    """Run what is not yet done of a sweep; every run that is finished stays.

    Parameters
    ----------
    corpus_name : str
    grid : {"paper", "ablation", "trade"}
        `core.alignment.grid` holds them.
    progress : Progress
        Called after every run with data "name", "seed", "seconds", "epochs", "metrics"
        (a dict of the validation programs' metrics, aligned code ~ aligned audio) and
        "sweep", the id.
    seeds : int
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
        When there is no such corpus, grid or embedding, or a training diverges.
    """
    refuse_if_read_only("A sweep")
    corpus = Corpus.open(corpus_name)
    if seeds < 1 or workers < 1:
        raise EarshotError("A sweep takes at least 1 seed and 1 worker.")
    pairs, described = embedded_pairs(corpus, code_encoder, audio_encoder)
    code, audio = described["code"]["id"], described["audio"]["id"]
    plan = [trial for trial in trials(grid) if _is_embedded(corpus, trial.code)]
    what = {
        "grid": grid,
        "encoders": described,
        "common": COMMON,
        "trials": [[trial.name, trial.config(0).to_dict()] for trial in plan],
        "codes": [trial.code or code for trial in plan],
    }
    sweep_id = f"{grid}-{_digest(what, pairs)}"
    folder = corpus.path / "sweeps" / sweep_id
    _write(folder / "sweep.json", what)
    if not (folder / "baseline.json").exists():
        _write(folder / "baseline.json", {"rows": _baselines(corpus, what["codes"], code, audio)})
    todo = [
        (number, seed)
        for seed in range(seeds)
        for number in range(len(plan))
        if not _place(folder, number, seed).exists()
    ]
    total = seeds * len(plan)
    progress(STEP, total - len(todo), total, "", {"sweep": sweep_id})
    prepared = (corpus_name, code, audio, str(folder))
    for done, (number, seed) in enumerate(_runs(prepared, plan, todo, workers), 1):
        run = json.loads(_place(folder, number, seed).read_text("utf-8"))
        data = {
            "sweep": sweep_id,
            "name": plan[number].name,
            "seed": seed,
            **{key: run[key] for key in ("seconds", "epochs")},
            "metrics": _told(run),
        }
        note = f"{plan[number].name.strip()}, seed {seed}: CKA {data['metrics']['cka']:.2f}"
        progress(STEP, total - len(todo) + done, total, note, data)
    return sweep_id


def sweeps(corpus_name: str) -> list[str]:
    """Ids of a corpus's sweeps, the one last worked on last."""
    folder = Corpus.open(corpus_name).path / "sweeps"
    found = [path for path in folder.glob("*/sweep.json")]
    return [path.parent.name for path in sorted(found, key=lambda path: path.stat().st_mtime)]


def load(corpus_name: str, sweep_id: str | None = None) -> pd.DataFrame:
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
    known = sweeps(corpus_name)
    if sweep_id is None and known:
        sweep_id = known[-1]
    if sweep_id not in known:
        raise EarshotError(
            f"Corpus '{corpus_name}' has no sweep{'' if sweep_id is None else f' {sweep_id!r}'}.",
            remedy=f"To run one: ./run sweep {corpus_name}",
        )
    folder = Corpus.open(corpus_name).path / "sweeps" / sweep_id
    names = [name for name, _ in json.loads((folder / "sweep.json").read_text("utf-8"))["trials"]]
    rows = json.loads((folder / "baseline.json").read_text("utf-8"))["rows"]
    for path in sorted(folder.glob("run-*.json")):
        run = json.loads(path.read_text("utf-8"))
        about = {"name": names[run["number"]], "number": run["number"], "seed": run["seed"]}
        rows += [{**about, **row} for row in run["rows"]]
        rows += [
            {**about, "split": part, "reading": reading, "metric": metric, "value": run[metric]}
            for part in PARTS
            for reading in (ALIGNED, AGAINST_RAW)
            for metric in ("seconds", "epochs")
        ]
    return pd.DataFrame(rows)


def summary(found: pd.DataFrame, split: str = "validation", reading: str = ALIGNED) -> pd.DataFrame:
    """Mean and standard deviation over seeds: one row a configuration, the baseline first.

    Returns
    -------
    DataFrame
        Index: number and name. Columns: (metric, "mean" or "sd"); of one seed sd is nan.
    """
    chosen = (found["reading"] == reading) | (found["number"] < 0)
    part = found[chosen & (found["split"] == split)]
    by = part.groupby(["number", "name", "metric"])["value"]
    table = pd.DataFrame({"mean": by.mean(), "sd": by.std()}).unstack("metric")
    table = table.loc[sorted(table.index, key=lambda at: (at[0] >= 0, abs(at[0])))]
    order = list(dict.fromkeys(part["metric"]))
    return table.swaplevel(axis=1).reindex(columns=[(m, s) for m in order for s in ("mean", "sd")])


def best(found: pd.DataFrame, metric: str, split: str = "validation") -> int:
    """Number of the configuration with the highest mean of a metric."""
    table = summary(found, split)
    table = table[table.index.get_level_values("number") >= 0]
    if table.empty:
        raise EarshotError("No run of this sweep is done yet.")
    return int(table[(metric, "mean")].idxmax()[0])


def _runs(
    prepared: tuple, plan: list[Trial], todo: list[tuple[int, int]], workers: int
) -> Iterator[tuple[int, int]]:
    if not todo:
        return
    context = multiprocessing.get_context("spawn")  # forking after torch has threads may hang
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    pool = ProcessPoolExecutor(min(workers, len(todo)), context, _prepare, prepared)
    try:
        waiting = {
            pool.submit(_run, plan[number], number, seed): (number, seed) for number, seed in todo
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


class _Mine:
    """What a worker process works on; pairs are read once for each code encoder."""

    def __init__(self, corpus_name: str, code: str, audio: str, folder: str):
        self.corpus, self.folder = Corpus.open(corpus_name), Path(folder)
        self._code, self._audio = code, audio
        self._kept: dict[str, Pairs] = {}

    def pairs(self, code: str | None) -> Pairs:
        code = code or self._code
        if code not in self._kept:
            self._kept[code] = self.corpus.pairs(code, self._audio)
        return self._kept[code]


_mine: _Mine | None = None


def _end_with_parent() -> None:
    """Let this process end when the one that began it is gone, however that ended."""

    parent = multiprocessing.parent_process()
    if parent is None:  # it is a thread of whoever sweeps
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _prepare(*about: str) -> None:
    global _mine
    _end_with_parent()
    torch.set_num_threads(1)
    _mine = _Mine(*about)


def _run(trial: Trial, number: int, seed: int) -> None:
    """Train and measure one configuration with one seed; its file is there when it is done."""
    pairs, folder = _mine.pairs(trial.code), _mine.folder
    start = time.monotonic()
    train, validation = pairs.split == "train", pairs.split == "validation"
    code, audio = torch.from_numpy(pairs.code), torch.from_numpy(pairs.audio)
    trained = train_heads(
        code[train], audio[train], code[validation], audio[validation], trial.config(seed)
    )
    seconds = time.monotonic() - start
    _write(
        _place(folder, number, seed),
        {
            "number": number,
            "seed": seed,
            "seconds": seconds,
            "epochs": len(trained.history),
            "rows": _rows(pairs, spaces_after(trained.heads, pairs)),
        },
    )


def _rows(pairs: Pairs, spaces: Spaces) -> list[dict]:
    table = measured(spaces, pairs.split, intervals=False)
    return table[["split", "reading", "metric", "value"]].to_dict(orient="records")


def _is_embedded(corpus: Corpus, code: str | None) -> bool:
    """Whether a trial's own code encoder, if it names one, has embedded the corpus as it is now."""
    there = {name for name, _, count in corpus.encoders() if count}
    return code is None or all(
        part in there and corpus.encoder_revision(part) == encoders.entry(part).revision
        for part in part_ids(code)
    )


def _baselines(corpus: Corpus, codes: list[str], own: str, audio: str) -> list[dict]:
    """What raw embeddings score: by the sweep's own code encoder first, then by the others."""
    rows = []
    for place, code in enumerate(dict.fromkeys([own, *codes]), 1):
        pairs = corpus.pairs(code, audio)
        name = BASELINE if code == own else f"{BASELINE}, {code}"
        rows += [
            {"name": name, "number": -place, "seed": 0, **row}
            for row in _rows(pairs, spaces_before(pairs))
        ]
    return rows


def _told(run: dict) -> dict[str, float]:
    return {
        row["metric"]: row["value"]
        for row in run["rows"]
        if row["split"] == "validation" and row["reading"] == ALIGNED
    }


def _digest(what: dict, pairs: Pairs) -> str:
    return fingerprint(json.dumps(what, sort_keys=True), np.array(pairs.programs), pairs.split)


def _place(folder: Path, number: int, seed: int) -> Path:
    return folder / f"run-{number:03d}-{seed:02d}.json"


def _write(path: Path, value: dict) -> None:
    sweep_partials(path)
    with atomic_write(path, "w") as file:
        json.dump(value, file, indent=1)
