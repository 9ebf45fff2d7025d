"""Measures of the suggestion study: picks and movements against the true sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.evaluation.bootstrap import compute_bootstrap_interval
from core.evaluation.kernel_audio_distance import MIN_ROWS, kernel_audio_distance
from core.search.aligned_corpus import AlignedCorpus
from core.studies.pick_diversity_metrics import (
    compute_pairwise_cosine_distances,
    compute_pick_coverage,
    compute_pick_diversity,
    compute_rank_correlation,
    normalize_scores_between_references,
    pick_farthest_rows,
    pick_random_rows,
)
from core.suggest.candidate_prediction import PredictedCandidates
from core.suggest.predicted_sound_distances import PredictedSounds

PICK_COUNT = 6
WORST_PROGRAM_COUNT = 5
RANDOM, UPPER_BOUND, OURS = "random", "true audio (upper bound)", "predicted sound"
SHARED_SPACE = "shared space alone"
WITHOUT_SIMULATION_REGRESSION = "code, aspects and forecast"
TEXT_METHODS = ("edit distance", "raw code embedding")


@dataclass(frozen=True, eq=False)
class JudgedProgram:
    """One program with its rendered candidates; row 0 of every array is the program itself.

    Attributes
    ----------
    name, kind : str
    distances_by_method : dict of str to float [n + 1, n + 1]
    audio_by_encoder : dict of str to float [n + 1, d]
        Raw embeddings of the true clips.
    predicted : PredictedCandidates
        Its candidates, in the order of the rows from 1.
    style : str
        Grammar style, or the name: programs of one style are resampled together.
    sounds : PredictedSounds or None
        Of all candidates; None where the clips of the corpus are not measured.
    """

    name: str
    kind: str
    distances_by_method: dict[str, np.ndarray]
    audio_by_encoder: dict[str, np.ndarray]
    predicted: PredictedCandidates
    style: str
    sounds: PredictedSounds | None = None


def build_method_diversity_table(
    judged: Sequence[JudgedProgram], encoder: str, seed: int
) -> pd.DataFrame:
    """Return diversity and coverage of the picks of each method by one audio encoder."""
    values = _measure_picks_of_all_methods(judged, encoder, seed)
    styles = np.array([item.style for item in judged])
    low, high = values[RANDOM][:, 0], values[UPPER_BOUND][:, 0]
    rows = []
    for method, numbers in values.items():
        gain_low, gain_high = compute_bootstrap_interval(numbers[:, 0] - low, clusters=styles)
        rows.append(
            {
                "judge": encoder,
                "method": method,
                "diversity": float(numbers[:, 0].mean()),
                "gain": float((numbers[:, 0] - low).mean()),
                "low": gain_low,
                "high": gain_high,
                "coverage": float(numbers[:, 1].mean()),
                "share": normalize_scores_between_references(numbers[:, 0], low, high),
            }
        )
    return pd.DataFrame(rows)


def measure_diversity_gain_over_text_methods(
    judged: Sequence[JudgedProgram], encoder: str, seed: int
) -> pd.DataFrame:
    """Return how much more diverse picks by predicted sound are than those of each text method."""
    values = _measure_picks_of_all_methods(judged, encoder, seed)
    styles = np.array([item.style for item in judged])
    low, high = values[RANDOM][:, 0], values[UPPER_BOUND][:, 0]
    rows = []
    for method in TEXT_METHODS:
        margin = values[OURS][:, 0] - values[method][:, 0]
        margin_low, margin_high = compute_bootstrap_interval(margin, clusters=styles)
        gap = float((high - low).mean())
        rows.append(
            {
                "judge": encoder,
                "method": method,
                "margin": float(margin.mean()),
                "low": margin_low,
                "high": margin_high,
                "share of the gap": float(margin.mean()) / gap if gap > 0 else np.nan,
            }
        )
    return pd.DataFrame(rows)


def list_programs_with_worst_picks(
    judged: Sequence[JudgedProgram], encoder: str, seed: int
) -> pd.DataFrame:
    """Return the programs whose picks close least of the gap to picks by true audio."""
    values = _measure_picks_of_all_methods(judged, encoder, seed)
    gap = values[UPPER_BOUND][:, 0] - values[RANDOM][:, 0]
    shares = {
        method: (values[method][:, 0] - values[RANDOM][:, 0]) / np.where(gap > 0, gap, np.nan)
        for method in (OURS, *TEXT_METHODS)
    }
    rows = pd.DataFrame(
        {
            "program": [item.name for item in judged],
            "kind": [item.kind for item in judged],
            **shares,
        }
    )
    return rows.sort_values(OURS, kind="stable").head(WORST_PROGRAM_COUNT).reset_index(drop=True)


def _measure_picks_of_all_methods(
    judged: Sequence[JudgedProgram], encoder: str, seed: int
) -> dict[str, np.ndarray]:
    """Return diversity and coverage per program of the picks of each method, float [n, 2]."""
    truths = [compute_pairwise_cosine_distances(item.audio_by_encoder[encoder]) for item in judged]
    random = [
        [
            (compute_pick_diversity(truth, picks), compute_pick_coverage(truth, picks))
            for picks in pick_random_rows(len(truth) - 1, PICK_COUNT, seed)
        ]
        for truth in truths
    ]
    values = {RANDOM: np.array([np.mean(draws, axis=0) for draws in random])}
    methods = [name for name in judged[0].distances_by_method if name != UPPER_BOUND]
    methods = [name for name in methods if all(name in item.distances_by_method for item in judged)]
    for method in methods:
        picks = [
            pick_farthest_rows(item.distances_by_method[method], PICK_COUNT) for item in judged
        ]
        values[method] = _measure_diversity_and_coverage_of_picks(truths, picks)
    # The bound is by the encoder that judges.
    values[UPPER_BOUND] = _measure_diversity_and_coverage_of_picks(
        truths, [pick_farthest_rows(truth, PICK_COUNT) for truth in truths]
    )
    return values


def _measure_diversity_and_coverage_of_picks(
    truths: Sequence[np.ndarray], picks: Sequence[list[int]]
) -> np.ndarray:
    """Return diversity and coverage per program, float [n, 2]."""
    return np.array(
        [
            (compute_pick_diversity(truth, rows), compute_pick_coverage(truth, rows))
            for truth, rows in zip(truths, picks)
        ]
    )


def measure_movement_correlation(
    judged: Sequence[JudgedProgram], audio_encoders: Sequence[str]
) -> pd.DataFrame:
    """Return the rank correlation of predicted and true movement of each program."""
    rows = []
    for item in judged:
        predicted = item.distances_by_method[OURS][0, 1:]
        correlations = [
            compute_rank_correlation(
                predicted, compute_pairwise_cosine_distances(item.audio_by_encoder[encoder])[0, 1:]
            )
            for encoder in audio_encoders
        ]
        rows.append((item.name, item.kind, len(predicted), *correlations))
    return pd.DataFrame(rows, columns=["program", "kind", "candidates", *audio_encoders])


def measure_movement_correlation_by_method(
    judged: Sequence[JudgedProgram], audio_encoders: Sequence[str]
) -> pd.DataFrame:
    """Return the mean rank correlation of predicted and true movement of each method.

    With 95 % bootstrap intervals, of the correlation and of its gain over the mix of code, aspects
    and forecast. Programs without a movement by one of the methods are left out.
    """
    methods = [name for name in judged[0].distances_by_method if name != UPPER_BOUND]
    methods = [name for name in methods if all(name in item.distances_by_method for item in judged)]
    rows = []
    for encoder in audio_encoders:
        table = np.array(
            [
                [
                    compute_rank_correlation(
                        item.distances_by_method[method][0, 1:],
                        compute_pairwise_cosine_distances(item.audio_by_encoder[encoder])[0, 1:],
                    )
                    for method in methods
                ]
                for item in judged
            ]
        )  # [programs, methods]
        is_defined = np.isfinite(table).all(axis=1)
        table = table[is_defined]
        styles = np.array([item.style for item in judged])[is_defined]
        for column, method in enumerate(methods):
            values = table[:, column]
            low, high = compute_bootstrap_interval(values, clusters=styles)
            gain = gain_low = gain_high = np.nan
            if WITHOUT_SIMULATION_REGRESSION in methods:
                gains = values - table[:, methods.index(WITHOUT_SIMULATION_REGRESSION)]
                gain = float(gains.mean()) if len(gains) else np.nan
                gain_low, gain_high = compute_bootstrap_interval(gains, clusters=styles)
            mean = float(values.mean()) if len(values) else np.nan
            rows.append((encoder, method, mean, low, high, gain, gain_low, gain_high))
    columns = ["judge", "method", "correlation", "low", "high", "gain", "gain low", "gain high"]
    return pd.DataFrame(rows, columns=columns)


def measure_kernel_audio_distances(
    aligned_corpus: AlignedCorpus, judged: Sequence[JudgedProgram], seed: int
) -> pd.DataFrame:
    """Return how far sets of true clips are from those of the corpus, by its audio encoder.

    The sets join all programs: the programs themselves, all candidates, and the picks of each
    method.
    """
    encoder = aligned_corpus.audio_encoder.id
    rows_by_set = {
        "programs": [[0] for _ in judged],
        "all candidates": [list(range(1, len(item.audio_by_encoder[encoder]))) for item in judged],
    }
    methods = [name for name in judged[0].distances_by_method if name != UPPER_BOUND]
    for method in methods:
        if all(method in item.distances_by_method for item in judged):
            rows_by_set[f"picks by {method}"] = [
                pick_farthest_rows(item.distances_by_method[method], PICK_COUNT) for item in judged
            ]
    rows_by_set["picks by true audio"] = [
        pick_farthest_rows(
            compute_pairwise_cosine_distances(item.audio_by_encoder[encoder]), PICK_COUNT
        )
        for item in judged
    ]
    rows_by_set["random picks"] = [
        pick_random_rows(len(rows), PICK_COUNT, seed)[0] for rows in rows_by_set["all candidates"]
    ]
    results = []
    for name, rows in rows_by_set.items():
        clips = np.concatenate(
            [item.audio_by_encoder[encoder][chosen] for item, chosen in zip(judged, rows)]
        )
        if len(clips) >= MIN_ROWS:
            distance = kernel_audio_distance(aligned_corpus.pairs.audio_embeddings, clips)
            results.append((name, len(clips), distance))
    return pd.DataFrame(results, columns=["set", "clips", "KAD"])
