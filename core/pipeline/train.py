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

from core.alignment import AlignmentConfig, TrainingPairs, TrainingResult, ValidationPairs
from core.alignment import train as train_heads
from core.corpus import Corpus, EmbeddingPairs
from core.errors import EarshotError
from core.progress import Progress, ignore_progress
from core.search.aligned_corpus import UNSEEN_SPLIT, AlignedCorpus, EmbeddedCorpus, open_embedded_corpus
from core.pipeline.evaluate import evaluate_heads, fingerprint_evaluation_data, load_held_out_audio_embeddings
from core.pipeline.map import compute_map
from core.search.confidence import CONFIDENCE_KEY, TrainingSet, fit_calibration
from core.workspace import refuse_if_read_only

PROGRESS_STEP = "Training"
MIN_TRAINING_PROGRAMS = 12  # programs with a clip: below, no split of them says anything
RECORDED_PACKAGES = ("torch", "numpy", "scikit-learn", "umap-learn")


def train(
    corpus: Corpus,
    config: AlignmentConfig | None = None,
    progress: Progress = ignore_progress,
    *,
    code_encoder: str | None = None,
    audio_encoder: str | None = None,
    unseen_templates: Sequence[str] | int = (),
) -> AlignedCorpus:
    """Train projection heads on a corpus's training programs and judge them on the others.

    Parameters
    ----------
    corpus : Corpus
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
    AlignedCorpus
        The corpus with the new alignment, which is saved with config, heads, metrics, history
        and map.

    Raises
    ------
    KeyboardInterrupt
        When SIGINT or SIGTERM asked it to stop (Ctrl+C, or a job's cancel). The best heads
        so far are then kept first, as an alignment that is not judged and has no map, which
        `evaluate` and `map` make good; its metrics say ``"stopped": "cancelled"`` unless the
        training itself was over. A second signal while training ends at once, and nothing
        is kept.
    EarshotError
        When the corpus has fewer than 12 programs with a clip, or isn't
        embedded by the encoders; when a template is unknown; when training diverges.
    """
    refuse_if_read_only("Training")
    config = config or AlignmentConfig()
    embedded_corpus = open_training_corpus(corpus, code_encoder, audio_encoder)
    pairs, encoders = embedded_corpus.pairs, embedded_corpus.describe_encoders()
    unseen_templates = _resolve_held_out_templates(corpus, unseen_templates)
    splits = embedded_corpus.assign_splits(unseen_templates)
    if (splits == "train").sum() < 2:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {(splits == 'train').sum()} programs to train on.",
            remedy="Hold out fewer templates, or add programs.",
        )
    with _handle_stop_signals() as signals:
        trained = _train_with_progress(pairs, splits, config, progress, signals)
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
                **{package: version(package) for package in RECORDED_PACKAGES},
            },
        }
        came = {
            "best_epoch": trained.best_epoch,
            "epochs": len(trained.history),
            "stopped": trained.stop_reason,
        }
        kept = (about, trained.heads.to_tensors())
        try:
            signals.raise_immediately()
            heard = load_held_out_audio_embeddings(corpus, pairs, encoders["audio"]["id"])
            metrics = evaluate_heads(trained.heads, pairs, splits, heard, progress)
            points = compute_map(trained.heads, pairs, progress)
            sureness = _fit_confidence(corpus, pairs, splits, config, trained, progress)
        except KeyboardInterrupt:
            unjudged = {**came, "measured_on": None, "readings": []}
            alignment_id = corpus.save_alignment(*kept, unjudged, trained.history)
            progress(PROGRESS_STEP, came["epochs"], config.epochs, f"stopped; kept as {alignment_id}")
            raise
    judgement = {
        "measured_on": fingerprint_evaluation_data(pairs, splits, heard),
        "readings": metrics.to_dict(orient="records"),
        CONFIDENCE_KEY: sureness,
    }
    alignment_id = corpus.save_alignment(*kept, {**came, **judgement}, trained.history, points)
    return AlignedCorpus.open(corpus, corpus.load_alignment(alignment_id), pairs)


def _fit_confidence(
    corpus: Corpus,
    pairs: EmbeddingPairs,
    splits: np.ndarray,
    config: AlignmentConfig,
    trained: TrainingResult,
    progress: Progress,
) -> dict[str, Any] | None:
    """How sure such heads can be of a snippet, for the page Listen: a calibration's fields."""
    known = splits != UNSEEN_SPLIT
    groups = corpus.load_programs().set_index("program")["template"][pairs.program_ids][known]
    taught = TrainingSet(pairs.code_embeddings[known], pairs.audio_embeddings[known], splits[known] == "validation")
    as_long = replace(config, epochs=max(trained.best_epoch, 1), patience=0)
    found = fit_calibration(taught, list(groups), as_long, progress)
    return None if found is None else found.to_dict()


def open_training_corpus(
    corpus: Corpus, code_encoder: str | None, audio_encoder: str | None
) -> EmbeddedCorpus:
    """Open the embeddings of a corpus that has enough programs to train on.

    Raises
    ------
    EarshotError
        When fewer than 12 programs have a clip and both embeddings.
    """
    counts = corpus.count_programs_by_state()
    if counts["ok"] < MIN_TRAINING_PROGRAMS:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {counts['ok']} programs with a clip"
            f" ({counts['failed']} failed, {counts['pending']} are not rendered yet);"
            f" training takes at least {MIN_TRAINING_PROGRAMS}, and some hundreds to be of use.",
            remedy=f"To add programs: ./run build {corpus.name} --per-template 8",
        )
    embedded_corpus = open_embedded_corpus(corpus, code_encoder, audio_encoder)
    pair_count = len(embedded_corpus.pairs)
    if pair_count < MIN_TRAINING_PROGRAMS:
        code, audio = embedded_corpus.code_encoder.id, embedded_corpus.audio_encoder.id
        raise EarshotError(
            f"Only {pair_count} of {counts['ok']} programs with a clip are embedded by"
            f" {code} and {audio}; training takes at least {MIN_TRAINING_PROGRAMS}.",
            remedy=f"To embed the rest: ./run embed {corpus.name}"
            f" --code-encoder {code} --audio-encoder {audio}",
        )
    return embedded_corpus


def _resolve_held_out_templates(corpus: Corpus, templates_or_count: Sequence[str] | int) -> list[str]:
    """Ids of the templates to hold out whole: those that are named, or so many drawn by seed."""
    known = sorted(set(corpus.load_programs()["template"]) - {""})
    if isinstance(templates_or_count, int):
        if not 0 <= templates_or_count <= len(known):
            raise EarshotError(
                f"{templates_or_count} templates can't be held out.",
                remedy=f"Corpus '{corpus.name}' has {len(known)}.",
            )
        drawn = np.random.default_rng(corpus.settings["seed"]).permutation(len(known))[:templates_or_count]
        return sorted(known[place] for place in drawn)
    for template in templates_or_count:
        if template not in known:
            raise EarshotError(
                f"Corpus '{corpus.name}' has no program of template {template!r}.",
                remedy=f"It has: {', '.join(known)}.",
            )
    return sorted(set(templates_or_count))


def _train_with_progress(
    pairs: EmbeddingPairs,
    splits: np.ndarray,
    config: AlignmentConfig,
    progress: Progress,
    signals: _StopSignalHandler,
) -> TrainingResult:
    def report_epoch(epoch_metrics: dict[str, float]) -> bool:
        data: dict[str, Any] = {
            name: value if math.isfinite(value) else None for name, value in epoch_metrics.items()
        }
        note = f"loss {epoch_metrics['loss']:.3f}"
        if data["validation_loss"] is not None:
            note += f", validation {epoch_metrics['validation_loss']:.3f}, CKA {epoch_metrics['cka']:.2f}"
        try:
            progress(PROGRESS_STEP, epoch_metrics["epoch"], config.epochs, note, data)
        except KeyboardInterrupt:  # how a job hears that it is to end
            signals.request_stop()
        return signals.was_received

    progress(PROGRESS_STEP, 0, config.epochs)
    train, validation = splits == "train", splits == "validation"
    code, audio = torch.from_numpy(pairs.code_embeddings), torch.from_numpy(pairs.audio_embeddings)
    trained = train_heads(
        TrainingPairs(code[train], audio[train]),
        ValidationPairs(code[validation], audio[validation]),
        config,
        report_epoch,
    )
    if trained.stop_reason == "cancelled":
        return trained
    early = f", no better for {config.patience} more" if trained.stop_reason == "patience" else ""
    progress(PROGRESS_STEP, config.epochs, config.epochs, f"best epoch {trained.best_epoch}{early}")
    return trained


class _StopSignalHandler:
    """Whether SIGINT or SIGTERM came; the first is a wish, until it should raise at once."""

    def __init__(self) -> None:
        self.was_received = self._raises_immediately = self._was_requested = False

    def request_stop(self) -> None:
        """Take note that it is to stop; the signal that follows to press for it says no more."""
        self.was_received = self._was_requested = True

    def __call__(self, signal_number: int, frame: object) -> None:
        if self._was_requested:
            self._was_requested = False
            return
        if self.was_received or self._raises_immediately:
            raise KeyboardInterrupt
        self.was_received = True

    def raise_immediately(self) -> None:
        """From here on a signal interrupts what is being done; one that came does so now."""
        self._raises_immediately = True
        if self.was_received:
            raise KeyboardInterrupt


@contextmanager
def _handle_stop_signals() -> Iterator[_StopSignalHandler]:
    """Listen to SIGINT and SIGTERM; outside the main thread Python lets nobody do that."""
    signals = _StopSignalHandler()
    here = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if here else ()
    before = {number: signal.signal(number, signals) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def pivot_metrics(metrics: pd.DataFrame, split: str = "test") -> pd.DataFrame:
    """One row a metric, one column a reading: the values of one split, for a reader."""
    chosen = metrics[metrics["split"] == split]
    return chosen.pivot(index="metric", columns="reading", values="value").loc[
        chosen["metric"].unique(), chosen["reading"].unique()
    ]
