"""Evaluation of an alignment on programs that it was not trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from core import workspace
from core.alignment import AlignmentConfig, ProjectionHeads
from core.alignment.projection_heads import project_embeddings
from core.corpus import Corpus, EmbeddingPairs
from core.encoders.built_in_encoder_specs import MEASUREMENT_ENCODERS
from core.encoders.encoder_spec_lookup import do_encoders_share_component
from core.errors import EarshotError
from core.evaluation.cca import CCA, fit_cca
from core.evaluation.metrics_with_intervals import (
    ALIGNED_VS_ALIGNED,
    ALIGNED_VS_RAW,
    BEFORE_ALIGNMENT,
    CALIBRATION_COLUMNS,
    MAX_CCA_DIRECTIONS,
    METRIC_COLUMNS,
    EmbeddingComparison,
    compute_metrics_table,
)
from core.evaluation.nearest_neighbours import find_k_nearest_rows
from core.evaluation.null_calibration import DEFAULT_PERMUTATIONS
from core.progress_callback import Progress, ignore_progress
from core.search.aligned_corpus import AlignedCorpus
from core.search.confidence_fitting import calibrate_confidence
from core.search.unseen_program_splits import TRAINING_SPLITS, UNSEEN_SPLITS

PROGRESS_STEP = "Evaluating"
AUDIO_ENCODER_INFIX = ", audio encoder "
"""Between the name of a reading and the id of a held-out audio encoder."""
RETRIEVED_NEIGHBOUR_COUNT = 5
"""As many neighbours as the page Listen shows at first."""
MEASURES_VERSION = 3
"""Version of the set of measures, which an alignment's metrics record. Metrics of an older set are
computed again. 1: without values under permuted pairs, CCA over all directions of each space. 2:
without CCA over all directions that the compared spaces have in common."""
MEASURES_VERSION_KEY = "measures_version"
NUMBER_COLUMNS = ("value", "low", "high", *CALIBRATION_COLUMNS)


class ComparedSpaces(NamedTuple):
    """The embeddings that one reading compares, row i of all of one program.

    Attributes
    ----------
    code, audio : array, float [n, d1] and [n, d2]
    search_space : array, float [n, d1], or None
        Where the training programs' neighbours are searched by code, to measure the normalized
        similarity of their clips: code before alignment, audio after it. None: not measured.
    """

    code: np.ndarray
    audio: np.ndarray
    search_space: np.ndarray | None


@dataclass(frozen=True)
class EvaluationPairs:
    """The pairs of a corpus with all that evaluation reads besides the heads.

    Attributes
    ----------
    pairs : EmbeddingPairs
    splits : array of str [n]
        Split of each pair.
    held_out_audio_embeddings : dict of encoder id to array, float [n, d]
        As `load_held_out_audio_embeddings` returns them.
    templates : array of str [n]
        Template or grammar style of each pair.
    """

    pairs: EmbeddingPairs
    splits: np.ndarray
    held_out_audio_embeddings: dict[str, np.ndarray]
    templates: np.ndarray


def evaluate_alignment(
    aligned_corpus: AlignedCorpus, progress: Progress = ignore_progress
) -> pd.DataFrame:
    """Return the metrics of an alignment on held-out programs, per split and reading.

    Metrics that were saved after training are returned as they are while the corpus holds the
    same pairs; otherwise they are computed. If training was stopped before its evaluation, the
    metrics and the confidence calibration are computed and saved now. Metrics that an older
    version of Earshot saved are computed again with today's measures and saved.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    progress : Progress

    Returns
    -------
    DataFrame
        Columns and metrics as `core.evaluation.metrics_with_intervals.compute_metrics_table`
        documents them. Splits: "validation", "test", and "unseen templates" and "unseen grammar
        styles" if any were held out whole. Readings: "before", "aligned
        code ~ aligned audio", "aligned code ~ raw audio"; where the corpus is embedded by other
        audio encoders too, the first and the last of these followed by ", audio encoder" and the
        id of each held-out audio encoder.

    Raises
    ------
    EarshotError
        When the corpus is not embedded by the alignment's encoders, or all its test programs took
        part in the training of the alignment.

    Examples
    --------
    >>> from core.search.aligned_corpus import open_aligned_corpus
    >>> metrics = evaluate_alignment(open_aligned_corpus(Corpus.open("starter")))
    >>> sorted(metrics["split"].unique())
    ['test', 'validation']
    """
    pairs, splits, record = aligned_corpus.pairs, aligned_corpus.splits, aligned_corpus.record
    _check_has_held_out_programs(aligned_corpus)
    held_out_audio = load_held_out_audio_embeddings(
        aligned_corpus.corpus, pairs, aligned_corpus.audio_encoder.id
    )
    fingerprint = fingerprint_evaluation_data(pairs, splits, held_out_audio)
    is_same_data = record.metrics.get("measured_on") == fingerprint
    if is_same_data and record.metrics.get(MEASURES_VERSION_KEY) == MEASURES_VERSION:
        return _convert_saved_rows_to_metrics_frame(record.metrics["readings"])
    evaluation_pairs = EvaluationPairs(pairs, splits, held_out_audio, aligned_corpus.templates)
    metrics = evaluate_projection_heads(aligned_corpus.heads, evaluation_pairs, progress)
    if is_same_data and not workspace.is_workspace_read_only():
        evaluation = build_saved_evaluation_record(metrics, fingerprint)
        aligned_corpus.corpus.save_alignment_metrics(record.id, {**record.metrics, **evaluation})
    if not record.metrics["readings"] and not workspace.is_workspace_read_only():
        config = AlignmentConfig.from_dict(record.config["alignment"])
        best_epoch = record.metrics["best_epoch"]
        confidence = calibrate_confidence(aligned_corpus, splits, config, best_epoch, progress)
        evaluation = {
            **build_saved_evaluation_record(metrics, fingerprint),
            **confidence,
        }
        aligned_corpus.corpus.save_alignment_metrics(record.id, {**record.metrics, **evaluation})
    return metrics


def _check_has_held_out_programs(aligned_corpus: AlignedCorpus) -> None:
    """Raise an EarshotError when every program took part in the training of the alignment."""
    held_out = [
        split not in TRAINING_SPLITS for split in dict.fromkeys(aligned_corpus.splits.tolist())
    ]
    relabelled_count = aligned_corpus.count_relabelled_programs()
    if relabelled_count and not any(held_out):
        name = aligned_corpus.corpus.name
        raise EarshotError(
            f"All test programs of corpus '{name}' took part in the training of alignment"
            f" {aligned_corpus.record.id}, so it cannot be evaluated on them.",
            remedy="Evaluate it on a corpus with other programs, or train an alignment of this"
            f" one: ./run train {name}",
        )


def _convert_saved_rows_to_metrics_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    number_types = dict.fromkeys(NUMBER_COLUMNS, float)
    return pd.DataFrame(rows, columns=METRIC_COLUMNS).astype(number_types)


def build_saved_evaluation_record(metrics: pd.DataFrame, fingerprint: str) -> dict[str, Any]:
    """Return what an alignment's ``metrics.json`` keeps of its evaluation.

    Parameters
    ----------
    metrics : DataFrame
        As `evaluate_projection_heads` returns it.
    fingerprint : str
        As `fingerprint_evaluation_data` returns it.
    """
    return {
        "measured_on": fingerprint,
        MEASURES_VERSION_KEY: MEASURES_VERSION,
        "readings": metrics.to_dict(orient="records"),
    }


def load_held_out_audio_embeddings(
    corpus: Corpus, pairs: EmbeddingPairs, training_audio_encoder: str
) -> dict[str, np.ndarray]:
    """Load the embeddings [n, d] of all pairs by audio encoders that training did not use.

    The components of a concatenated training encoder are not held out. Measurements of a clip are
    no listener's similarity, and training itself makes them, after the evaluation.

    Returns
    -------
    dict of encoder id to array, float [n, d]
        Without encoders that lack the embedding of any pair.
    """
    embeddings_by_encoder = {}
    for encoder_id, modality, _ in corpus.count_embeddings_by_encoder():
        if modality != "audio" or encoder_id in MEASUREMENT_ENCODERS:
            continue
        if do_encoders_share_component(encoder_id, training_audio_encoder):
            continue
        program_ids, embeddings = corpus.load_embeddings(encoder_id)
        row_by_program = {program_id: row for row, program_id in enumerate(program_ids)}
        if all(program_id in row_by_program for program_id in pairs.program_ids):
            rows = [row_by_program[program_id] for program_id in pairs.program_ids]
            embeddings_by_encoder[encoder_id] = embeddings[rows]
    return embeddings_by_encoder


def fingerprint_evaluation_data(
    pairs: EmbeddingPairs, splits: np.ndarray, held_out_audio_embeddings: dict[str, np.ndarray]
) -> str:
    """Return a fingerprint of everything except the alignment that metrics depend on."""
    held_out_parts = [
        part
        for encoder_id in sorted(held_out_audio_embeddings)
        for part in (encoder_id, held_out_audio_embeddings[encoder_id])
    ]
    return compute_fingerprint(
        np.array(pairs.program_ids),
        splits,
        pairs.code_embeddings,
        pairs.audio_embeddings,
        *held_out_parts,
    )


def compute_fingerprint(*parts: np.ndarray | str) -> str:
    """Return 16 hex digits that identify arrays and texts in this order."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        array = np.ascontiguousarray(part)
        digest.update(f"{array.dtype} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def evaluate_projection_heads(
    heads: ProjectionHeads, data: EvaluationPairs, progress: Progress = ignore_progress
) -> pd.DataFrame:
    """Compute the metrics of every reading on every held-out split.

    Parameters
    ----------
    heads : ProjectionHeads
    data : EvaluationPairs
    progress : Progress

    Returns
    -------
    DataFrame
        As `evaluate_alignment` returns it.
    """
    pairs = data.pairs
    spaces = build_raw_embedding_spaces(pairs) | build_aligned_embedding_spaces(heads, pairs)
    for encoder_id, audio in data.held_out_audio_embeddings.items():
        for reading in (BEFORE_ALIGNMENT, ALIGNED_VS_RAW):
            held_out_reading = reading + AUDIO_ENCODER_INFIX + encoder_id
            spaces[held_out_reading] = spaces[reading]._replace(audio=audio)
    return evaluate_held_out_splits(spaces, data.splits, progress, templates=data.templates)


def build_raw_embedding_spaces(pairs: EmbeddingPairs) -> dict[str, ComparedSpaces]:
    """Return the spaces of the reading before alignment."""
    code = pairs.code_embeddings
    return {BEFORE_ALIGNMENT: ComparedSpaces(code, pairs.audio_embeddings, code)}


def build_aligned_embedding_spaces(
    heads: ProjectionHeads, pairs: EmbeddingPairs
) -> dict[str, ComparedSpaces]:
    """Return the spaces of the two readings after alignment."""
    code = project_embeddings(heads, pairs.code_embeddings, "code")
    audio = project_embeddings(heads, pairs.audio_embeddings, "audio")
    return {
        ALIGNED_VS_ALIGNED: ComparedSpaces(code, audio, None),
        ALIGNED_VS_RAW: ComparedSpaces(code, pairs.audio_embeddings, audio),
    }


def evaluate_held_out_splits(
    spaces_by_reading: dict[str, ComparedSpaces],
    splits: np.ndarray,
    progress: Progress = ignore_progress,
    *,
    templates: np.ndarray | None = None,
    interval_splits: Collection[str] | None = None,
    permutations: int = DEFAULT_PERMUTATIONS,
    fewer_cca_directions: tuple[int, ...] = (),
) -> pd.DataFrame:
    """Compute the metrics of some readings on every held-out split.

    Parameters
    ----------
    spaces_by_reading : dict of str to ComparedSpaces
    splits : array of str [n]
        Split of each row.
    progress : Progress
    templates : array of str [n], optional
        Template or grammar style of each row, for retrieval within templates. Intervals of
        unseen ones resample templates.
    interval_splits : collection of str, optional
        Splits with confidence intervals and values under permuted pairs, which take most of the
        time. Default: all.
    permutations : int
        Permutations of pairs per alignment measure; 0 for none.
    fewer_cca_directions : tuple of int
        Numbers of pairs of directions for which CCA is computed as well.

    Returns
    -------
    DataFrame
        As `evaluate_alignment` returns it.
    """
    is_training = splits == "train"
    cca_by_reading = {
        reading: fit_cca(spaces.code[is_training], spaces.audio[is_training])
        for reading, spaces in spaces_by_reading.items()
    }
    all_cca_directions = count_cca_directions_available_in_every_fit(cca_by_reading.values())
    cca_directions = min(MAX_CCA_DIRECTIONS, all_cca_directions)
    held_out_splits = ["validation", "test", *(name for name in UNSEEN_SPLITS if name in splits)]
    tasks = [(split, reading) for split in held_out_splits for reading in spaces_by_reading]
    tables = []
    for done, (split, reading) in enumerate(tasks):
        progress(PROGRESS_STEP, done, len(tasks), f"{split}: {reading}")
        code, audio, search_space = spaces_by_reading[reading]
        in_split = splits == split
        retrieved_rows = None
        if search_space is not None:
            retrieved_rows, _ = find_k_nearest_rows(
                code[in_split], search_space[is_training], RETRIEVED_NEIGHBOUR_COUNT
            )
        comparison = EmbeddingComparison(
            reading,
            code[in_split],
            audio[in_split],
            code[is_training],
            audio[is_training],
            is_shared_space=reading == ALIGNED_VS_ALIGNED,
            retrieved_rows=retrieved_rows,
            fitted_cca=cca_by_reading[reading],
            cca_directions=cca_directions,
            fewer_cca_directions=fewer_cca_directions,
            # A number of pairs that only aligned spaces have would compare with nothing.
            all_cca_directions=all_cca_directions if BEFORE_ALIGNMENT in spaces_by_reading else 0,
            templates=None if templates is None else templates[in_split],
            are_templates_unseen=templates is not None and split in UNSEEN_SPLITS,
        )
        with_intervals = interval_splits is None or split in interval_splits
        tables.append(
            compute_metrics_table(
                [comparison], split, with_intervals=with_intervals, permutations=permutations
            )
        )
    progress(PROGRESS_STEP, len(tasks), len(tasks))
    return pd.concat(tables, ignore_index=True)


def count_cca_directions_available_in_every_fit(fits: Iterable[CCA]) -> int:
    """Return the number of pairs of directions of the fit with the fewest; at least 1."""
    return max(1, min(fit.directions_x.shape[1] for fit in fits))
