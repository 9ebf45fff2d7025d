"""Measures of the suggestion study: picks, targets and movements against the true sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from core.suggest.sound_target import SoundTarget, find_target_of_corpus_program
from core.suggest.target_relevance import (
    SHORTLIST_SIZE,
    compute_target_relevance,
    score_sounds_for_target,
)

PICK_COUNT = 6
TARGETS_PER_PROGRAM = 20
WORST_PROGRAM_COUNT = 5
RANDOM, UPPER_BOUND, OURS = "random", "true audio (upper bound)", "predicted sound"
SHARED_SPACE = "shared space alone"
WITHOUT_SIMULATION_REGRESSION = "code, aspects and forecast"
TEXT_METHODS = ("edit distance", "raw code embedding")
REACHED_COLUMNS = ("nearer", "reachable", "nearer of reachable", "share of possible gain")
"""Share of targets to which the pick is truly nearer than the program; share to which any candidate
is; the first among the second; and the sum of the gains by that of the truly nearest candidates."""


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


def measure_target_hits(
    aligned_corpus: AlignedCorpus, judged: Sequence[JudgedProgram], seed: int
) -> pd.DataFrame:
    """Compare candidates, picked by several methods, with clips of the corpus as targets.

    Returns
    -------
    DataFrame
        One row per program, target and method: "program", "kind", "style", "method", "nearer"
        (whether the best predicted candidate is truly nearer to the target than the program),
        "reachable" (whether any candidate is), "gain" (how much nearer the best predicted candidate
        is, as a difference of cosines), "best gain" (the same of the truly nearest candidate) and
        "rank" (that of the best predicted one among all by true distance, from 0 to 1). For random
        picks, all but the last two are means over all candidates.
    """
    rng = np.random.default_rng(seed)
    audio, program_ids = aligned_corpus.pairs.audio_embeddings, aligned_corpus.pairs.program_ids
    rows = []
    for item in judged:
        targets = rng.choice(len(audio), min(TARGETS_PER_PROGRAM, len(audio)), replace=False)
        similarity = 1 - _compute_distances_between(
            item.audio_by_encoder[aligned_corpus.audio_encoder.id], audio[targets]
        )
        for column, target_row in enumerate(targets.tolist()):
            target = find_target_of_corpus_program(aligned_corpus, program_ids[target_row])
            assert target is not None
            gains = similarity[1:, column] - similarity[0, column]
            scores = {
                **_score_candidates_by_methods(aligned_corpus, item, target),
                UPPER_BOUND: gains,
                RANDOM: np.zeros(len(gains)),
            }
            reachable, best_gain = float(gains.max() > 0), float(gains.max())
            for method, values in scores.items():
                # Equal scores share the place: random picks are the mean over all candidates.
                reached = gains[values == values.max()]
                is_nearer, gain = float((reached > 0).mean()), float(reached.mean())
                rank = float(np.mean([(gains > value).mean() for value in reached]))
                row = (item.name, item.kind, item.style, method)
                rows.append((*row, is_nearer, reachable, gain, best_gain, rank))
    columns = ["program", "kind", "style", "method", "nearer", "reachable"]
    return pd.DataFrame(rows, columns=[*columns, "gain", "best gain", "rank"])


def _score_candidates_by_methods(
    aligned_corpus: AlignedCorpus, item: JudgedProgram, target: SoundTarget
) -> dict[str, np.ndarray]:
    """Return how near candidates are predicted to be to a target, float [n] by method."""
    if item.sounds is not None and len(item.predicted.candidates) <= SHORTLIST_SIZE:
        # The same order without another simulation.
        scores = {OURS: score_sounds_for_target(item.sounds, target)}
    else:
        scores = {OURS: compute_target_relevance(aligned_corpus, item.predicted, target)}
    if item.sounds is not None:
        vectors = np.concatenate([item.predicted.current_vector[None], item.predicted.vectors])
        scores[SHARED_SPACE] = item.predicted.vectors @ target.vector
        by_code = replace(item.sounds, vectors=vectors)
        scores[WITHOUT_SIMULATION_REGRESSION] = score_sounds_for_target(by_code, target)
    return scores


def summarize_target_hits_by_program(hits: pd.DataFrame) -> pd.DataFrame:
    """Return the share of targets reached, and the mean and median rank, of each program."""
    ours = hits[hits["method"] == OURS]
    rows = []
    for (program, kind), own in ours.groupby(["program", "kind"], sort=False):
        ranks = own["rank"]
        rows.append((program, kind, *_summarize_reached_targets(own), ranks.mean(), ranks.median()))
    columns = ["program", "kind", *REACHED_COLUMNS, "rank share", "median rank share"]
    return pd.DataFrame(rows, columns=columns)


def summarize_target_hits_by_kind(hits: pd.DataFrame) -> pd.DataFrame:
    """Return the share of targets reached of each kind of program, by each method."""
    rows = []
    for (kind, method), own in hits.groupby(["kind", "method"], sort=False):
        median = own["rank"].median()
        rows.append((kind, method, len(own), *_summarize_reached_targets(own), median))
    columns = ["kind", "method", "targets", *REACHED_COLUMNS, "median rank share"]
    return pd.DataFrame(rows, columns=columns)


def _summarize_reached_targets(hits: pd.DataFrame) -> tuple[float, float, float, float]:
    """Return the values of `REACHED_COLUMNS` over programs and targets."""
    possible = float(hits["best gain"].clip(lower=0).sum())
    is_reachable = hits["reachable"] > 0
    return (
        float(hits["nearer"].mean()),
        float(hits["reachable"].mean()),
        float(hits.loc[is_reachable, "nearer"].mean()),
        float(hits["gain"].sum()) / possible if possible > 0 else np.nan,
    )


def summarize_target_hits_by_method(hits: pd.DataFrame) -> pd.DataFrame:
    """Return the share of targets reached and the ranks of each method, with intervals."""
    rows = []
    for method, own in hits.groupby("method", sort=False):
        styles = own["style"].to_numpy(str)
        nearer, ranks = own["nearer"].to_numpy(float), own["rank"].to_numpy(float)
        nearer_interval = compute_bootstrap_interval(nearer, clusters=styles)
        rank_interval = compute_bootstrap_interval(ranks, clusters=styles)
        share, *others = _summarize_reached_targets(own)
        median = float(np.median(ranks))
        row = (method, share, *nearer_interval, *others, ranks.mean(), *rank_interval, median)
        rows.append(row)
    columns = ["method", "nearer", "nearer low", "nearer high", *REACHED_COLUMNS[1:]]
    columns += ["rank share", "rank low", "rank high", "median rank share"]
    return pd.DataFrame(rows, columns=columns)


def _compute_distances_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the cosine distances of rows, float [n, m]."""
    both = compute_pairwise_cosine_distances(np.concatenate([first, second]))
    return both[: len(first), len(first) :]


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
