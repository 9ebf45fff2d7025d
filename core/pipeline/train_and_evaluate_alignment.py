"""Training of an alignment of a corpus, with its evaluation, map and confidence calibration."""

from __future__ import annotations

import math
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from core.alignment import AlignmentConfig, TrainingPairs, TrainingResult, ValidationPairs
from core.alignment import train as train_heads
from core.alignment.config import JOINT_OBJECTIVES
from core.alignment.trainer import STOPPED_BY_CALLBACK, STOPPED_EARLY
from core.corpus import Corpus
from core.corpus.legacy_saved_names import translate_legacy_grammar_name
from core.errors import EarshotError
from core.package_versions import collect_package_versions
from core.pipeline.alignment_map_computation import compute_alignment_map
from core.pipeline.evaluate_alignment_on_held_out_programs import (
    EvaluationPairs,
    build_saved_evaluation_record,
    evaluate_projection_heads,
    fingerprint_evaluation_data,
    load_held_out_audio_embeddings,
)
from core.progress_callback import Progress, ignore_progress
from core.search.aligned_corpus import AlignedCorpus
from core.search.confidence_fitting import calibrate_confidence
from core.search.embedded_corpus import EmbeddedCorpus, open_embedded_corpus
from core.search.simulation_columns import (
    count_simulation_columns,
    join_simulation_to_code_encoder,
)
from core.search.unseen_program_splits import TRAINED_PROGRAMS_KEY, hash_trained_programs
from core.workspace import require_writable_workspace

PROGRESS_STEP = "Training"
MIN_TRAINING_PROGRAMS = 12
"""With fewer programs, the validation and test splits would be too small to mean anything."""
CHOSEN_CONSTANTS_KEY = "chosen_constants"
"""Key of what a closed-form fit chose on held-out training templates, among the metrics."""
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
    """Train projection heads on a corpus's training programs and evaluate them on the others.

    Parameters
    ----------
    corpus : Corpus
    config : AlignmentConfig, optional
        Default: all defaults.
    progress : Progress
        Called after every epoch with step "Training" and the data "epoch", "loss",
        "validation_loss", "cka", "cka_raw", "recall_at_1", "temperature" and "learning_rate", as
        `core.alignment.TrainingResult` documents them; None where undefined.
    code_encoder, audio_encoder : str, optional
        Encoder ids. Default: those that the corpus was built with. With a joint
        objective, the simulation is joined to the code encoder.
    unseen_templates : sequence of str, or int
        Ids of templates that are held out whole: their programs take no part in training or early
        stopping, and form a split of their own. A number holds out that many, drawn by the
        corpus's seed, the same in every training.

    Returns
    -------
    AlignedCorpus
        The corpus with the new alignment, which is saved with config, heads, metrics, history and
        map.

    Raises
    ------
    KeyboardInterrupt
        When SIGINT or SIGTERM arrives (Ctrl+C, or cancelling a job). The best heads so far are
        saved first, as an alignment without metrics and map, which `evaluate` and `map` can add;
        its metrics say ``"stopped": "cancelled"`` unless the training itself was complete. A
        second signal during training ends at once, and nothing is saved.
    EarshotError
        When fewer than 12 programs have a clip and both embeddings, a template is unknown,
        training diverges, or the objective needs simulations that are missing.

    Examples
    --------
    >>> config = AlignmentConfig.from_preset("soft_infonce", epochs=3)
    >>> aligned_corpus = train(Corpus.open("starter"), config)
    >>> aligned_corpus.record.metrics["stopped"]
    'epochs'
    """
    require_writable_workspace("Training")
    config = config or AlignmentConfig()
    if config.objective in JOINT_OBJECTIVES:
        code_encoder = join_simulation_to_code_encoder(corpus, code_encoder)
    embedded_corpus = open_training_corpus(corpus, code_encoder, audio_encoder)
    pairs = embedded_corpus.pairs
    unseen_ids = _choose_unseen_templates(corpus, unseen_templates)
    splits = embedded_corpus.assign_splits(unseen_ids)
    training_count = int((splits == "train").sum())
    if training_count < 2:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {training_count} programs to train on.",
            remedy="Hold out fewer templates, or add programs.",
        )
    with _handle_stop_signals() as signals:
        result = _train_with_progress(embedded_corpus, splits, config, progress, signals)
        settings = _build_alignment_metadata(embedded_corpus, splits, config, unseen_ids)
        heads = result.heads.get_tensors_to_save()
        metrics: dict[str, Any] = {
            "best_epoch": result.best_epoch,
            "epochs": len(result.history),
            "stopped": result.stop_reason,
        }
        if constants := result.heads.get_chosen_constants():
            metrics[CHOSEN_CONSTANTS_KEY] = constants
        try:
            signals.raise_on_stop_signal()
            held_out_audio = load_held_out_audio_embeddings(
                corpus, pairs, embedded_corpus.audio_encoder.id
            )
            evaluation_pairs = EvaluationPairs(
                pairs, splits, held_out_audio, embedded_corpus.templates
            )
            readings = evaluate_projection_heads(result.heads, evaluation_pairs, progress)
            points = compute_alignment_map(result.heads, pairs, progress)
            confidence = calibrate_confidence(
                embedded_corpus, splits, config, result.best_epoch, progress
            )
        except KeyboardInterrupt:
            metrics |= {"measured_on": None, "readings": []}
            alignment_id = corpus.save_alignment(settings, heads, metrics, result.history)
            note = f"stopped; saved as {alignment_id}"
            progress(PROGRESS_STEP, metrics["epochs"], config.epochs, note)
            # The command prints this reason, so that the log names what was kept.
            raise KeyboardInterrupt(note) from None
    metrics |= {
        **build_saved_evaluation_record(
            readings, fingerprint_evaluation_data(pairs, splits, held_out_audio)
        ),
        **confidence,
    }
    alignment_id = corpus.save_alignment(settings, heads, metrics, result.history, points)
    return AlignedCorpus.open_from_alignment_record(
        corpus, corpus.load_alignment(alignment_id), pairs
    )


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


def _build_alignment_metadata(
    embedded_corpus: EmbeddedCorpus,
    splits: np.ndarray,
    config: AlignmentConfig,
    unseen_templates: list[str],
) -> dict[str, Any]:
    """Return the content of the alignment's ``config.json``."""
    corpus = embedded_corpus.corpus
    return {
        "alignment": config.to_dict(),
        "encoders": embedded_corpus.serialize_encoder_records(),
        "corpus": {
            "name": corpus.name,
            "split_seed": corpus.settings["seed"],
            "seconds": corpus.settings["seconds"],
            "templates": sorted(set(embedded_corpus.templates.tolist()) - {""}),
        },
        "threads": torch.get_num_threads(),
        "split": {
            "programs": dict(Counter(splits.tolist())),
            "unseen_templates": unseen_templates,
            TRAINED_PROGRAMS_KEY: hash_trained_programs(embedded_corpus.pairs.program_ids, splits),
        },
        "versions": collect_package_versions(RECORDED_PACKAGES),
    }


def _choose_unseen_templates(corpus: Corpus, templates_or_count: Sequence[str] | int) -> list[str]:
    """Return the sorted ids of the named templates, or of a number of them drawn by seed."""
    existing = sorted(set(corpus.load_programs()["template"]) - {""})
    if isinstance(templates_or_count, int):
        if not 0 <= templates_or_count <= len(existing):
            raise EarshotError(
                f"{templates_or_count} templates can't be held out.",
                remedy=f"Corpus '{corpus.name}' has {len(existing)}.",
            )
        order = np.random.default_rng(corpus.settings["seed"]).permutation(len(existing))
        return sorted(existing[index] for index in order[:templates_or_count])
    # Users see other ids of grammar templates than those on disk, and may give either.
    id_by_shown_id = {translate_legacy_grammar_name(template): template for template in existing}
    held_out = {id_by_shown_id.get(template, template) for template in templates_or_count}
    for template in sorted(held_out):
        if template not in existing:
            raise EarshotError(
                f"Corpus '{corpus.name}' has no program of template {template!r}.",
                remedy=f"It has: {', '.join(id_by_shown_id)}.",
            )
    return sorted(held_out)


def _train_with_progress(
    embedded_corpus: EmbeddedCorpus,
    splits: np.ndarray,
    config: AlignmentConfig,
    progress: Progress,
    signals: _StopSignalHandler,
) -> TrainingResult:
    def report_epoch_and_check_for_stop(epoch_metrics: dict[str, float]) -> bool:
        data = {
            name: value if math.isfinite(value) else None for name, value in epoch_metrics.items()
        }
        note = f"loss {epoch_metrics['loss']:.3f}"
        if data["validation_loss"] is not None:
            note += (
                f", validation {epoch_metrics['validation_loss']:.3f},"
                f" CKA {epoch_metrics['cka']:.2f}"
            )
        try:
            progress(PROGRESS_STEP, int(epoch_metrics["epoch"]), config.epochs, note, data)
        except KeyboardInterrupt:  # The progress of a cancelled job raises this.
            signals.request_stop()
        return signals.was_received

    progress(PROGRESS_STEP, 0, config.epochs)
    pairs = embedded_corpus.pairs
    is_training, is_validation = splits == "train", splits == "validation"
    code, audio = torch.from_numpy(pairs.code_embeddings), torch.from_numpy(pairs.audio_embeddings)
    result = train_heads(
        TrainingPairs(
            code[is_training],
            audio[is_training],
            groups=embedded_corpus.templates[is_training],
            simulation_dim=count_simulation_columns(embedded_corpus.code_encoder.id),
        ),
        ValidationPairs(code[is_validation], audio[is_validation]),
        config,
        report_epoch_and_check_for_stop,
    )
    if result.stop_reason == STOPPED_BY_CALLBACK:
        return result
    early = f", no better for {config.patience} more" if result.stop_reason == STOPPED_EARLY else ""
    progress(PROGRESS_STEP, config.epochs, config.epochs, f"best epoch {result.best_epoch}{early}")
    return result


class _StopSignalHandler:
    """Handles SIGINT and SIGTERM: the first is recorded, later ones raise KeyboardInterrupt.

    After `raise_on_stop_signal`, the first one raises too.
    """

    def __init__(self) -> None:
        self.was_received = False
        self._raises_immediately = False
        self._was_requested = False

    def request_stop(self) -> None:
        """Record a stop request; the signal that follows it is the same request."""
        self.was_received = self._was_requested = True

    def __call__(self, _signal_number: int, _frame: object) -> None:
        if self._was_requested:
            self._was_requested = False
            return
        if self.was_received or self._raises_immediately:
            raise KeyboardInterrupt
        self.was_received = True

    def raise_on_stop_signal(self) -> None:
        """Raise KeyboardInterrupt at the next signal, or now if one was received."""
        self._raises_immediately = True
        if self.was_received:
            raise KeyboardInterrupt


@contextmanager
def _handle_stop_signals() -> Iterator[_StopSignalHandler]:
    """Install a handler of SIGINT and SIGTERM; Python allows that in the main thread only."""
    signals = _StopSignalHandler()
    is_main_thread = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if is_main_thread else ()
    previous_handlers = {number: signal.signal(number, signals) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
