"""Confidence of a search: the probability that what it found resembles the query's true sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.alignment.projection_heads import measure_projection_strengths
from core.evaluation.confidence_calibration import (
    ConfidenceCalibration,
    classify_confidence_level,
    compute_confidence_features,
)
from core.search.aligned_corpus import AlignedCorpus
from core.search.confidence_fitting import CONFIDENCE_KEYS, NEIGHBOUR_COUNT
from core.search.nearest_neighbour_queries import Neighbour
from core.search.silent_snippet_check import interpret_audible_snippet
from core.sonicpi.audio_clip_and_render_result import Clip
from core.sonicpi.interpreter.program_interpretation import STATUS_UNKNOWN, ProgramReading

MIN_UNDERSTOOD_SHARE = 0.5
"""More than this share of a program has to be understood for more than a low confidence."""
MAX_UNFOLLOWED_PROBABILITY = 0.3
"""Of code that was hardly understood, has a syntax error, or no sound that could be followed."""


@dataclass(frozen=True)
class Confidence:
    """Confidence of a search.

    Attributes
    ----------
    probability : float
        Estimated probability that the normalized similarity of what was found is at least
        `correct_threshold`, in [0, 1).
    level : {"high", "medium", "low"}
        High from 2/3, medium from 1/3.
    calibration_program_count : int
        Number of held-out programs of the calibration.
    correct_threshold : float
        2/3; 0.5 of an alignment that an older version trained.
    """

    probability: float
    level: str
    calibration_program_count: int
    correct_threshold: float


def estimate_confidence(
    aligned_corpora: AlignedCorpus | Sequence[AlignedCorpus],
    snippet: str,
    neighbours: Sequence[Neighbour],
) -> Confidence | None:
    """Estimate the probability that the retrieved clips resemble the snippet's true sound.

    The calibration knows the similarity of the retrieved clips to the prediction and to each other,
    and how near the snippet is to any program. The result is multiplied by the share of the
    snippet that the reader understood; up to half of it, and with a syntax error, it is never more
    than low.

    Parameters
    ----------
    aligned_corpora : AlignedCorpus or sequence of AlignedCorpus
        The corpora that were searched, in the shared space of one alignment.
    snippet : str
    neighbours : sequence of Neighbour
        What `core.search.nearest_neighbour_queries.find_neighbours` or
        `core.search.multi_corpus_search.find_neighbours_in_corpora` returned for the snippet by
        ``code->audio``.

    Returns
    -------
    Confidence or None
        None when there are no neighbours, or when the alignment was trained on too few templates
        to be calibrated.

    Raises
    ------
    SilentSnippetError
        When nothing in the snippet would sound.
    """
    corpora = _wrap_single_corpus_in_list(aligned_corpora)
    calibration = _load_confidence_calibration(corpora[0], "code->audio")
    if calibration is None or not neighbours:
        return None
    code = corpora[0].embed_snippet(snippet)
    probability = _predict_probability(calibration, corpora, code, neighbours, "code->code")
    return _make_confidence(
        discount_confidence_by_understood_share(probability, interpret_audible_snippet(snippet)),
        calibration,
    )


def estimate_clip_confidence(
    aligned_corpora: AlignedCorpus | Sequence[AlignedCorpus],
    clip_or_program_id: Clip | str,
    neighbours: Sequence[Neighbour],
) -> Confidence | None:
    """Estimate the probability that the programs found for a clip sound like it.

    Parameters
    ----------
    aligned_corpora : AlignedCorpus or sequence of AlignedCorpus
        The corpora that were searched, in the shared space of one alignment.
    clip_or_program_id : Clip or str
        The clip, or the program of the first corpus whose clip it is.
    neighbours : sequence of Neighbour
        What was found for it by ``audio->code``.

    Returns
    -------
    Confidence or None
        As of `estimate_confidence`.
    """
    corpora = _wrap_single_corpus_in_list(aligned_corpora)
    calibration = _load_confidence_calibration(corpora[0], "audio->code")
    if calibration is None or not neighbours:
        return None
    excluded_program = None
    if isinstance(clip_or_program_id, Clip):
        audio = corpora[0].embed_clip(clip_or_program_id)
    else:
        excluded_program = clip_or_program_id
        row = corpora[0].row_by_program[excluded_program]
        audio = corpora[0].pairs.audio_embeddings[row : row + 1]
    probability = _predict_probability(
        calibration, corpora, audio, neighbours, "audio->audio", excluded_program
    )
    return _make_confidence(probability, calibration)


def discount_confidence_by_understood_share(probability: float, reading: ProgramReading) -> float:
    """Lower the probability of a prediction by how much of the program the reader understood.

    Parameters
    ----------
    probability : float
    reading : ProgramReading

    Returns
    -------
    float
        The probability times the share that was understood. At most 0.3 if that share is at most a
        half, no sound could be followed, or a syntax error keeps the program from running.
    """
    is_hardly_understood = (
        reading.status == STATUS_UNKNOWN
        or reading.has_syntax_error
        or reading.understood_share <= MIN_UNDERSTOOD_SHARE
    )
    discounted = probability * reading.understood_share
    return min(discounted, MAX_UNFOLLOWED_PROBABILITY) if is_hardly_understood else discounted


def _wrap_single_corpus_in_list(
    aligned_corpora: AlignedCorpus | Sequence[AlignedCorpus],
) -> Sequence[AlignedCorpus]:
    return [aligned_corpora] if isinstance(aligned_corpora, AlignedCorpus) else aligned_corpora


def _load_confidence_calibration(
    aligned_corpus: AlignedCorpus, direction: str
) -> ConfidenceCalibration | None:
    fields = aligned_corpus.record.metrics.get(CONFIDENCE_KEYS[direction])
    return ConfidenceCalibration.from_dict(fields) if fields else None


def _predict_probability(
    calibration: ConfidenceCalibration,
    corpora: Sequence[AlignedCorpus],
    embedding: np.ndarray,
    neighbours: Sequence[Neighbour],
    nearest_direction: str,
    excluded_program: str | None = None,
) -> float:
    """Return the probability for a raw embedding [1, d] and what was found for it."""
    neighbours = neighbours[:NEIGHBOUR_COUNT]  # The calibration was fitted with this number.
    corpus_by_name = {corpus.corpus.name: corpus for corpus in corpora}
    retrieved_audio = [
        corpus.pairs.audio_embeddings[corpus.row_by_program[neighbour.program_id]]
        for neighbour in neighbours
        for corpus in [corpus_by_name[neighbour.corpus_name]]
    ]
    nearest = []
    for corpus in corpora:
        row = None if excluded_program is None else corpus.row_by_program.get(excluded_program)
        nearest += corpus.find_nearest_rows(embedding, 1, nearest_direction, row)[1].tolist()
    features = compute_confidence_features(
        np.array([retrieved_audio]),
        np.array([[neighbour.similarity for neighbour in neighbours]]),
        np.array([max(nearest, default=0.0)]),
        measure_projection_strengths(
            corpora[0].heads, embedding, "code" if nearest_direction == "code->code" else "audio"
        ),
    )
    return float(calibration.predict_correctness_probability(features)[0])


def _make_confidence(probability: float, calibration: ConfidenceCalibration) -> Confidence:
    return Confidence(
        probability,
        classify_confidence_level(probability),
        calibration.program_count,
        calibration.correct_threshold,
    )
