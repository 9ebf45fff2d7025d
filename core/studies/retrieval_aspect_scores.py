"""Retrieval by aspect: what each aspect gains by its own measure when its similarity is added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.encoders import find_encoder_spec
from core.encoders.aspect_vectors import ASPECTS, split_aspect_vectors_by_aspect
from core.encoders.sound_simulation_encoder import simulate_aspects
from core.evaluation.array_validation_and_normalization import normalize_rows
from core.evaluation.metrics import normalized_similarity
from core.pipeline.embed_missing_programs_and_clips import embed_corpus
from core.progress_callback import Progress
from core.search.aspect_similarity import ASPECT_ENCODER, WHOLE_SOUND
from core.studies.retrieval_method_fitting_and_ranking import list_nearest_rows_per_query
from core.studies.retrieved_clip_scores import SCORE, AudioEmbeddings

SIMULATION_STEP = "Predicting aspects"
MAX_CLIPS_TO_MEASURE = 1500
"""More would keep a study waiting for minutes: `./run embed` measures them."""
ASPECT_CAPTION = (
    f"{SCORE} by the training encoder, and in each aspect by the aspects of the true clips."
    " weights: of the alignment's similarity (whole) and of those in each aspect, predicted from"
    " code; each similarity in standard deviations over the clips searched, as for --aspect."
)


@dataclass(frozen=True)
class AspectQueries:
    """Queries whose similarity to the base is weighted by aspect.

    Attributes
    ----------
    sources : sequence of str
        Programs of the queries.
    clip_seconds : float
    whole_similarities : array, float [m, n]
        Of each query and clip of the base, by the default method.
    """

    sources: Sequence[str]
    clip_seconds: float
    whole_similarities: np.ndarray


def list_aspect_weightings() -> list[dict[str, float]]:
    """Return the compared weights: whole alone, with each aspect, with all, and each alone."""
    return [
        {WHOLE_SOUND: 1.0},
        *({WHOLE_SOUND: 1.0, aspect: 1.0} for aspect in ASPECTS),
        {WHOLE_SOUND: 1.0, **dict.fromkeys(ASPECTS, 1.0)},
        *({aspect: 1.0} for aspect in ASPECTS),
    ]


def measure_and_store_missing_clip_aspects(corpus: Corpus, progress: Progress) -> bool:
    """Measure the aspects of a corpus's clips; return whether all are measured.

    A corpus that lacks more than 1,500 is left as it is.
    """
    revision = find_encoder_spec(ASPECT_ENCODER).revision
    missing = corpus.list_programs_without_embedding(ASPECT_ENCODER, revision)
    if len(missing) > MAX_CLIPS_TO_MEASURE:
        return False
    if missing:
        embed_corpus(corpus, None, ASPECT_ENCODER, progress)
    return not corpus.list_programs_without_embedding(ASPECT_ENCODER, revision)


def build_aspect_score_table(
    queries: AspectQueries,
    measured: AudioEmbeddings,
    training_audio: Mapping[str, AudioEmbeddings],
    progress: Progress,
) -> pd.DataFrame:
    """Score retrieval with and without each aspect, by the measure of every aspect.

    Parameters
    ----------
    queries : AspectQueries
    measured : AudioEmbeddings
        By the encoder `aspects`: of the clips searched, and of the queries' own clips.
    training_audio : mapping of encoder id to AudioEmbeddings
        The encoders that measure besides the aspects.
    progress : Progress

    Returns
    -------
    DataFrame
        Columns "weights", the encoder ids and `ASPECTS`: mean `SCORE` over the queries.
    """
    predicted = []
    for done, source in enumerate(queries.sources):
        progress(SIMULATION_STEP, done, len(queries.sources))
        predicted.append(simulate_aspects(source, queries.clip_seconds))
    progress(SIMULATION_STEP, len(predicted), len(predicted))
    mean, scale = measured.base.mean(axis=0), np.maximum(measured.base.std(axis=0), 1e-6)
    base, truth, prediction = (
        split_aspect_vectors_by_aspect((vectors - mean) / scale)
        for vectors in (measured.base, measured.queries, np.stack(predicted))
    )
    similarities = {WHOLE_SOUND: queries.whole_similarities} | {
        aspect: (normalize_rows(prediction[aspect]) @ normalize_rows(base[aspect]).T).numpy()
        for aspect in ASPECTS
    }
    standardized = {name: _standardize_rows(values) for name, values in similarities.items()}
    measures = dict(training_audio) | {
        aspect: AudioEmbeddings(base[aspect], truth[aspect]) for aspect in ASPECTS
    }
    rows = []
    for weights in list_aspect_weightings():
        combined = sum(weight * standardized[name] for name, weight in weights.items())
        nearest = list_nearest_rows_per_query(np.asarray(combined))
        scores = {
            name: float(normalized_similarity(nearest, audio.queries, audio.base).mean())
            for name, audio in measures.items()
        }
        rows.append({"weights": " + ".join(weights), **scores})
    return pd.DataFrame(rows)


def _standardize_rows(similarities: np.ndarray) -> np.ndarray:
    """Return similarities in standard deviations from the mean of their row."""
    deviations = similarities - similarities.mean(axis=1, keepdims=True)
    standardized: np.ndarray = deviations / (similarities.std(axis=1, keepdims=True) + 1e-9)
    return standardized
