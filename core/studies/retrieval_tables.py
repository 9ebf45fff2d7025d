"""Tables of the snippet-retrieval study: scores and clips per query."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.evaluation.bootstrap import compute_bootstrap_interval
from core.studies.retrieved_clip_scores import SCORE, RetrievalOutcome
from core.studies.study_clip_rendering import make_path_relative_to_workspace
from core.studies.study_result import ClipSequence, Measurement, compare_measurements_to_paper

MAX_PLAYABLE_QUERIES = 40


def build_method_score_table(outcome: RetrievalOutcome) -> pd.DataFrame:
    """Build the table of all methods, with intervals.

    Intervals resample queries, or held-out templates and styles, whose programs are alike.
    """
    context = outcome.context
    templates = list_query_templates(outcome)
    timings = {
        method.name: (result.fit_seconds, result.query_ms)
        for method, result in outcome.results.items()
    }
    rows = []
    for (method, encoder), query_scores in outcome.scores.items():
        low, high = compute_bootstrap_interval(query_scores, clusters=templates, seed=context.seed)
        fit_seconds, query_ms = timings.get(method, (np.nan, np.nan))
        rows.append(
            {
                "method": method,
                "encoder": encoder,
                "is training encoder": encoder == context.audio_encoder,
                SCORE: float(query_scores.mean()),
                "low": low,
                "high": high,
                "queries": len(query_scores),
                "fit seconds": fit_seconds,
                "query ms": query_ms,
            }
        )
    return pd.DataFrame(rows)


def build_encoder_score_table(outcome: RetrievalOutcome) -> pd.DataFrame:
    """Build the table of all methods with one column per audio encoder and their least.

    Returns
    -------
    DataFrame
        Columns "method", the ids of the encoders, training encoder first, and "lowest".
    """
    rows = []
    for method in dict.fromkeys(name for name, _ in outcome.scores):
        means = {
            encoder: float(outcome.scores[method, encoder].mean())
            for encoder in outcome.eval_encoders
        }
        rows.append({"method": method, **means, "lowest": min(means.values())})
    return pd.DataFrame(rows)


def build_query_kind_table(outcome: RetrievalOutcome) -> pd.DataFrame:
    """Build the table of all methods by kind of query, with intervals as in the table of scores."""
    query_kinds = outcome.context.query_set.queries["kind"].to_numpy()
    templates = list_query_templates(outcome)
    rows = []
    for (method, encoder), query_scores in outcome.scores.items():
        for kind in dict.fromkeys(query_kinds):
            is_kind = query_kinds == kind
            low, high = compute_bootstrap_interval(
                query_scores[is_kind],
                clusters=None if templates is None else templates[is_kind],
                seed=outcome.context.seed,
            )
            rows.append(
                {
                    "method": method,
                    "encoder": encoder,
                    "kind": kind,
                    SCORE: float(query_scores[is_kind].mean()),
                    "low": low,
                    "high": high,
                    "queries": int(is_kind.sum()),
                }
            )
    return pd.DataFrame(rows)


def list_query_templates(outcome: RetrievalOutcome) -> np.ndarray | None:
    """Return the template or style of each query; None for programs that no template made."""
    queries = outcome.context.query_set.queries
    if "template" not in queries:
        return None
    return queries["template"].to_numpy(dtype=str)


def build_retrieval_comparison(
    score_table: pd.DataFrame, query_source: str, seed: int
) -> pd.DataFrame:
    """Return the scores as the comparison of a result; the paper has no such number."""
    return compare_measurements_to_paper(
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


def build_query_result_table(outcome: RetrievalOutcome) -> pd.DataFrame:
    """Build the table of queries with the retrieved and the true nearest programs."""
    query_set = outcome.context.query_set
    names, paths = query_set.base["name"].to_numpy(), query_set.base["audio"].to_numpy()
    queries = query_set.queries
    retrieved_rows, nearest_rows = outcome.default_method_rows, outcome.nearest_rows
    clips = [
        [make_path_relative_to_workspace(path) for path in (query_path, *paths[rows])]
        for query_path, rows in zip(queries["audio"], retrieved_rows)
    ]
    return pd.DataFrame(
        {
            "program": queries["name"].to_numpy(),
            "kind": queries["kind"].to_numpy(),
            "default method": outcome.get_training_encoder_scores(outcome.default_retrieval_method),
            "raw code": outcome.get_training_encoder_scores(outcome.raw_embedding_method),
            "retrieved": [", ".join(names[rows]) for rows in retrieved_rows],
            "true nearest": [", ".join(names[rows]) for rows in nearest_rows],
            "shared": [len(set(a) & set(b)) for a, b in zip(retrieved_rows, nearest_rows)],
            "clips": ["|".join(clip_paths) for clip_paths in clips],
        }
    )


def collect_query_clips(outcome: RetrievalOutcome, query_table: pd.DataFrame) -> list[ClipSequence]:
    """Return the clips of about `MAX_PLAYABLE_QUERIES` queries with their retrieved clips."""
    query_set, retrieved_rows = outcome.context.query_set, outcome.default_method_rows
    names, base_sources = (query_set.base[name].to_numpy() for name in ("name", "source"))
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
