"""Tables of the snippet-retrieval study: scores, confidence and clips per query."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from core.evaluation.bootstrap import bootstrap_interval
from core.evaluation.calibration import (
    CONFIDENCE_LEVELS,
    CORRECT_THRESHOLD,
    classify_confidence,
    compute_confidence_features,
)
from core.evaluation.metrics import normalized_similarity
from core.evaluation.neighbours import top_k
from core.search.confidence import TrainingSet, fit_calibration
from core.studies.clips import make_workspace_relative
from core.studies.result import ClipSequence, Measurement, compare_to_paper
from core.studies.retrieval_context import RetrievalContext
from core.studies.retrieval_methods import RetrievalMethod
from core.studies.retrieval_queries import QuerySet
from core.studies.retriever import NEIGHBOUR_COUNT, RetrievalResult

SCORE = f"normalized similarity@{NEIGHBOUR_COUNT}"
MAX_PLAYABLE_QUERIES = 40
CONFIDENCE_COLUMNS = ["level", "queries", "predicted probability", "fraction correct", SCORE]

# Score of each query, float [m], by method name and audio encoder.
Scores = Mapping[tuple[str, str], np.ndarray]


def build_score_table(
    scores: Scores,
    timings: Mapping[str, tuple[float, float]],
    training_encoder: str,
    seed: int,
) -> pd.DataFrame:
    """Build the table of all methods.

    Parameters
    ----------
    scores : mapping
    timings : mapping of method name to (fit seconds, query ms)
    training_encoder : str
        Id of the audio encoder that heads are trained on.
    seed : int
        Seed of the bootstrap.
    """
    rows = []
    for (method, encoder), query_scores in scores.items():
        low, high = bootstrap_interval(query_scores, seed=seed)
        fit_seconds, query_ms = timings.get(method, (np.nan, np.nan))
        rows.append(
            {
                "method": method,
                "encoder": encoder,
                "is training encoder": encoder == training_encoder,
                SCORE: float(query_scores.mean()),
                "low": low,
                "high": high,
                "queries": len(query_scores),
                "fit seconds": fit_seconds,
                "query ms": query_ms,
            }
        )
    return pd.DataFrame(rows)


def build_kind_table(scores: Scores, query_kinds: np.ndarray) -> pd.DataFrame:
    """Build the table of all methods by kind of query."""
    rows = [
        {
            "method": method,
            "encoder": encoder,
            "kind": kind,
            SCORE: float(query_scores[query_kinds == kind].mean()),
            "queries": int((query_kinds == kind).sum()),
        }
        for (method, encoder), query_scores in scores.items()
        for kind in dict.fromkeys(query_kinds)
    ]
    return pd.DataFrame(rows)


def build_comparison(score_table: pd.DataFrame, query_source: str, seed: int) -> pd.DataFrame:
    """Return the scores as the comparison of a result; the paper has no such number."""
    return compare_to_paper(
        [
            Measurement(
                f"{SCORE}, {row['method']}, measured by {row['encoder']}",
                row[SCORE],
                query_source,
                seed,
                row["low"],
                row["high"],
            )
            for row in score_table.to_dict("records")
        ]
    )


def build_confidence_table(
    method: RetrievalMethod,
    context: RetrievalContext,
    retrieved: RetrievalResult,
    query_audio: np.ndarray,
) -> pd.DataFrame:
    """Calibrate a method's confidence without the queries, then compare it with the outcome.

    Parameters
    ----------
    method : RetrievalMethod
        A method with projection heads.
    context : RetrievalContext
    retrieved : RetrievalResult
        The method's clips for the queries.
    query_audio : array, float [m, d]
        Raw audio embeddings of the queries by the training encoder.

    Returns
    -------
    DataFrame
        Columns `CONFIDENCE_COLUMNS`, one row per level; empty where there are too few programs to
        calibrate on.
    """
    base_code, query_code = context.get_code_embeddings(method.code_encoder)
    calibration = fit_calibration(
        TrainingSet(base_code, context.base_audio, context.is_validation),
        list(context.query_set.base["template"]),
        method.get_alignment_config(),
        context.progress,
    )
    if calibration is None:
        return pd.DataFrame(columns=CONFIDENCE_COLUMNS)
    retrieved_audio = context.base_audio[retrieved.base_rows]
    nearest_code_similarity = top_k(query_code, base_code, 1)[1][:, 0]
    probabilities = calibration.predict_probability(
        compute_confidence_features(
            retrieved_audio, retrieved.similarities, nearest_code_similarity
        )
    )
    query_scores = normalized_similarity(
        retrieved.base_rows, query_audio, context.base_audio, per_query_scale=True
    )
    levels = np.array([classify_confidence(probability) for probability in probabilities])
    rows = []
    for level in CONFIDENCE_LEVELS:
        is_level = levels == level
        if is_level.any():
            level_scores = query_scores[is_level]
            rows.append(
                (
                    level,
                    int(is_level.sum()),
                    probabilities[is_level].mean(),
                    (level_scores >= CORRECT_THRESHOLD).mean(),
                    level_scores.mean(),
                )
            )
    return pd.DataFrame(rows, columns=CONFIDENCE_COLUMNS)


def build_query_table(
    query_set: QuerySet,
    retrieved_rows: np.ndarray,
    nearest_rows: np.ndarray,
    raw_scores: np.ndarray,
    default_scores: np.ndarray,
) -> pd.DataFrame:
    """Build the table of queries with the retrieved and the true nearest programs.

    Parameters
    ----------
    query_set : QuerySet
    retrieved_rows, nearest_rows : array, int [m, NEIGHBOUR_COUNT]
        Rows of the base that the default method retrieved, and those nearest by audio.
    raw_scores, default_scores : array, float [m]
        Scores of raw code and of the default method.
    """
    names, paths = query_set.base["name"].to_numpy(), query_set.base["audio"].to_numpy()
    queries = query_set.queries
    clips = [
        [make_workspace_relative(path) for path in (query_path, *paths[rows])]
        for query_path, rows in zip(queries["audio"], retrieved_rows)
    ]
    return pd.DataFrame(
        {
            "program": queries["name"].to_numpy(),
            "kind": queries["kind"].to_numpy(),
            "default method": default_scores,
            "raw code": raw_scores,
            "retrieved": [", ".join(names[rows]) for rows in retrieved_rows],
            "true nearest": [", ".join(names[rows]) for rows in nearest_rows],
            "shared": [len(set(a) & set(b)) for a, b in zip(retrieved_rows, nearest_rows)],
            "clips": ["|".join(paths) for paths in clips],
        }
    )


def collect_clips(
    query_set: QuerySet, query_table: pd.DataFrame, retrieved_rows: np.ndarray
) -> list[ClipSequence]:
    """Return the clips of about `MAX_PLAYABLE_QUERIES` queries with their retrieved clips."""
    names = query_set.base["name"].to_numpy()
    base_sources = query_set.base["source"].to_numpy()
    query_sources = query_set.queries["source"].to_numpy()
    step = max(1, len(query_table) // MAX_PLAYABLE_QUERIES)
    rows = query_table.to_dict("records")
    return [
        ClipSequence(
            f"{rows[i]['program']}: {rows[i]['default method']:.2f}",
            tuple(rows[i]["clips"].split("|")),
            ("the program itself", *names[retrieved_rows[i]]),
            (query_sources[i], *base_sources[retrieved_rows[i]]),
            note="The program's own clip, then the retrieved clips.",
        )
        for i in range(0, len(rows), step)
    ]
