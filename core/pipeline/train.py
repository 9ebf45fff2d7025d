"""Train an alignment of a corpus, judge it, lay out its map, and keep all of that."""

from __future__ import annotations

import math
import platform
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import torch

from core.alignment import AlignmentConfig, Trained
from core.alignment import train as train_heads
from core.corpus import AlignmentRecord, Corpus, Pairs
from core.errors import EarshotError
from core.progress import Progress, silent
from core.search.loaded_alignment import UNSEEN, check_embedded, chosen_encoders, described
from core.pipeline.evaluate import judged, measured_on, other_ears, splits_of
from core.pipeline.map import laid_out
from core.search.confidence import KEPT, Taught, calibrated
from core.workspace import refuse_if_read_only

STEP = "Training"
FEWEST = 12  # programs with a clip: below, no split of them says anything
PACKAGES = ("torch", "numpy", "scikit-learn", "umap-learn")


def train(
    corpus_name: str,
    config: AlignmentConfig | None = None,
    progress: Progress = silent,
    *,
    code_encoder: str | None = None,
    audio_encoder: str | None = None,
    unseen_templates: Sequence[str] | int = (),
) -> AlignmentRecord:
    """Train projection heads on a corpus's training programs and judge them on the others.

    Parameters
    ----------
    corpus_name : str
    config : AlignmentConfig, optional
        Without it, all defaults.
    progress : Progress
        Called after every epoch of step "Training" with data "epoch", "loss",
        "validation_loss", "cka", "cka_raw", "recall_at_1", "temperature",
        "learning_rate" (`core.alignment.Trained`; None where undefined).
    code_encoder, audio_encoder : str, optional
        Encoder ids. Default: those that the corpus was built with.
    unseen_templates : sequence of str, or int
        Ids of templates that are held out whole: no program of theirs is trained or
        stopped on, and they are judged as a split of their own. A number: so many, drawn by
        the corpus's seed, so that every training of it holds out the same.

    Returns
    -------
    AlignmentRecord
        As it lies in the corpus: with config, heads, metrics, history and map.

    Raises
    ------
    KeyboardInterrupt
        When SIGINT or SIGTERM asked it to stop (Ctrl+C, or a job's cancel). The best heads
        so far are then kept first, as an alignment that is not judged and has no map, which
        `evaluate` and `map` make good; its metrics say ``"stopped": "asked"`` unless the
        training itself was over. A second signal while training ends at once, and nothing
        is kept.
    EarshotError
        When the corpus isn't there, has fewer than 12 programs with a clip, or isn't
        embedded by the encoders; when a template is unknown; when training diverges.
    """
    refuse_if_read_only("Training")
    corpus = Corpus.open(corpus_name)
    config = config or AlignmentConfig()
    pairs, encoders = embedded_pairs(corpus, code_encoder, audio_encoder)
    unseen_templates = _held_out(corpus, unseen_templates)
    splits = splits_of(corpus, pairs, unseen_templates)
    if (splits == "train").sum() < 2:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {(splits == 'train').sum()} programs to train on.",
            remedy="Hold out fewer templates, or add programs.",
        )
    with _stop_signals() as signals:
        trained = _train(pairs, splits, config, progress, signals)
        about = {
            "alignment": config.to_dict(),
            "encoders": encoders,
            "corpus": {"name": corpus.name, "split_seed": corpus.settings["seed"]},
            "split": {
                "programs": dict(Counter(splits.tolist())),
                "unseen_templates": unseen_templates,
            },
            "versions": {
                "python": platform.python_version(),
                **{package: version(package) for package in PACKAGES},
            },
        }
        came = {
            "best_epoch": trained.best_epoch,
            "epochs": len(trained.history),
            "stopped": trained.stopped,
        }
        kept = (about, trained.heads.tensors())
        try:
            signals.raise_at_once()
            heard = other_ears(corpus, pairs, encoders["audio"]["id"])
            metrics = judged(trained.heads, pairs, splits, heard, progress)
            points = laid_out(trained.heads, pairs, progress)
            sureness = _sureness(corpus, pairs, splits, config, trained, progress)
        except KeyboardInterrupt:
            unjudged = {**came, "measured_on": None, "readings": []}
            alignment_id = corpus.save_alignment(*kept, unjudged, trained.history)
            progress(STEP, came["epochs"], config.epochs, f"stopped; kept as {alignment_id}")
            raise
    judgement = {
        "measured_on": measured_on(pairs, splits, heard),
        "readings": metrics.to_dict(orient="records"),
        KEPT: sureness,
    }
    alignment_id = corpus.save_alignment(*kept, {**came, **judgement}, trained.history, points)
    return corpus.load_alignment(alignment_id)


def _sureness(
    corpus: Corpus,
    pairs: Pairs,
    splits: np.ndarray,
    config: AlignmentConfig,
    trained: Trained,
    progress: Progress,
) -> dict[str, Any] | None:
    """How sure such heads can be of a snippet, for the page Listen: a calibration's fields."""
    known = splits != UNSEEN
    groups = corpus.programs().set_index("program")["template"][pairs.programs][known]
    taught = Taught(pairs.code[known], pairs.audio[known], splits[known] == "validation")
    as_long = replace(config, epochs=max(trained.best_epoch, 1), patience=0)
    found = calibrated(taught, list(groups), as_long, progress)
    return None if found is None else found.to_dict()


def embedded_pairs(
    corpus: Corpus, code_encoder: str | None, audio_encoder: str | None
) -> tuple[Pairs, dict[str, dict]]:
    """The corpus's pairs, and what is to be remembered of their encoders."""
    counts = corpus.counts()
    if counts["ok"] < FEWEST:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {counts['ok']} programs with a clip"
            f" ({counts['failed']} failed, {counts['pending']} are not rendered yet);"
            f" training takes at least {FEWEST}, and some hundreds to be of use.",
            remedy=f"To add programs: ./run build {corpus.name} --per-template 8",
        )
    code, audio = chosen_encoders(corpus, code_encoder, audio_encoder)
    pairs = corpus.pairs(code, audio)
    if len(pairs) < FEWEST:
        raise EarshotError(
            f"Only {len(pairs)} of {counts['ok']} programs with a clip are embedded by"
            f" {code} and {audio}; training takes at least {FEWEST}.",
            remedy=f"To embed the rest: ./run embed {corpus.name}"
            f" --code-encoder {code} --audio-encoder {audio}",
        )
    encoders = {
        "code": described(code, pairs.code.shape[1]),
        "audio": described(audio, pairs.audio.shape[1]),
    }
    for encoder in encoders.values():
        check_embedded(corpus, encoder["id"], encoder["revision"])
    return pairs, encoders


def _held_out(corpus: Corpus, wanted: Sequence[str] | int) -> list[str]:
    """Ids of the templates to hold out whole: those that are named, or so many drawn by seed."""
    known = sorted(set(corpus.programs()["template"]) - {""})
    if isinstance(wanted, int):
        if not 0 <= wanted <= len(known):
            raise EarshotError(
                f"{wanted} templates can't be held out.",
                remedy=f"Corpus '{corpus.name}' has {len(known)}.",
            )
        drawn = np.random.default_rng(corpus.settings["seed"]).permutation(len(known))[:wanted]
        return sorted(known[place] for place in drawn)
    for template in wanted:
        if template not in known:
            raise EarshotError(
                f"Corpus '{corpus.name}' has no program of template {template!r}.",
                remedy=f"It has: {', '.join(known)}.",
            )
    return sorted(set(wanted))


def _train(
    pairs: Pairs,
    splits: np.ndarray,
    config: AlignmentConfig,
    progress: Progress,
    signals: _StopSignals,
) -> Trained:
    def tell(row: dict[str, float]) -> bool:
        data: dict[str, Any] = {
            name: value if math.isfinite(value) else None for name, value in row.items()
        }
        note = f"loss {row['loss']:.3f}"
        if data["validation_loss"] is not None:
            note += f", validation {row['validation_loss']:.3f}, CKA {row['cka']:.2f}"
        try:
            progress(STEP, row["epoch"], config.epochs, note, data)
        except KeyboardInterrupt:  # how a job hears that it is to end
            signals.wish()
        return signals.came

    progress(STEP, 0, config.epochs)
    train, validation = splits == "train", splits == "validation"
    code, audio = torch.from_numpy(pairs.code), torch.from_numpy(pairs.audio)
    trained = train_heads(
        code[train], audio[train], code[validation], audio[validation], config, tell
    )
    if trained.stopped == "asked":
        return trained
    early = f", no better for {config.patience} more" if trained.stopped == "patience" else ""
    progress(STEP, config.epochs, config.epochs, f"best epoch {trained.best_epoch}{early}")
    return trained


class _StopSignals:
    """Whether SIGINT or SIGTERM came; the first is a wish, until it should raise at once."""

    def __init__(self) -> None:
        self.came = self._at_once = self._wished = False

    def wish(self) -> None:
        """Take note that it is to stop; the signal that follows to press for it says no more."""
        self.came = self._wished = True

    def __call__(self, number: int, frame: object) -> None:
        if self._wished:
            self._wished = False
            return
        if self.came or self._at_once:
            raise KeyboardInterrupt
        self.came = True

    def raise_at_once(self) -> None:
        """From here on a signal interrupts what is being done; one that came does so now."""
        self._at_once = True
        if self.came:
            raise KeyboardInterrupt


@contextmanager
def _stop_signals() -> Iterator[_StopSignals]:
    """Listen to SIGINT and SIGTERM; outside the main thread Python lets nobody do that."""
    signals = _StopSignals()
    here = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if here else ()
    before = {number: signal.signal(number, signals) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def summary(metrics: pd.DataFrame, split: str = "test") -> pd.DataFrame:
    """One row a metric, one column a reading: the values of one split, for a reader."""
    chosen = metrics[metrics["split"] == split]
    return chosen.pivot(index="metric", columns="reading", values="value").loc[
        chosen["metric"].unique(), chosen["reading"].unique()
    ]
