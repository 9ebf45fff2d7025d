"""How often suggestions of the suggestion study truly come nearer to a target clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from core.evaluation.bootstrap import compute_bootstrap_interval
from core.search.aligned_corpus import AlignedCorpus
from core.studies.pick_diversity_metrics import compute_pairwise_cosine_distances, pick_random_rows
from core.studies.suggestion_study_measurements import (
    OURS,
    PICK_COUNT,
    RANDOM,
    SHARED_SPACE,
    UPPER_BOUND,
    WITHOUT_SIMULATION_REGRESSION,
    JudgedProgram,
)
from core.suggest.sound_target import SoundTarget, find_target_of_corpus_program
from core.suggest.target_relevance import (
    SHORTLIST_SIZE,
    compute_target_relevance,
    score_sounds_for_target,
)

TARGETS_PER_PROGRAM = 20
NEAREST_RENDERED_PICK = f"nearest of {PICK_COUNT} rendered picks"
NEAREST_RENDERED_RANDOM = f"nearest of {PICK_COUNT} rendered random candidates"
REACHED_COLUMNS = ("nearer", "reachable", "nearer of reachable", "share of possible gain")
"""Share of targets to which the pick is truly nearer than the program; share to which any candidate
is; the first among the second; and the sum of the gains by that of the truly nearest candidates."""


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
        "rank" (that of the best predicted one among all by true distance, from 0 to 1). Those of
        random picks are means over all candidates. Where the picks are rendered, it is the truly
        nearest of the 6 picks that counts.
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
            scores = _score_candidates_by_methods(aligned_corpus, item, target)
            reachable, best_gain = float(gains.max() > 0), float(gains.max())
            for method, reached in list_reached_gains(scores, gains, seed).items():
                is_nearer, gain = float((reached > 0).mean()), float(reached.mean())
                rank = float(np.mean([(gains > value).mean() for value in reached]))
                row = (item.name, item.kind, item.style, method)
                rows.append((*row, is_nearer, reachable, gain, best_gain, rank))
    columns = ["program", "kind", "style", "method", "nearer", "reachable"]
    return pd.DataFrame(rows, columns=[*columns, "gain", "best gain", "rank"])


def list_reached_gains(
    scores: Mapping[str, np.ndarray], gains: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """Return the true gains of the candidates that each method may choose, float [m] by method.

    Parameters
    ----------
    scores : mapping of str to float [n]
        How near the candidates are predicted to be, by method.
    gains : float [n]
        How much nearer to the target than the program they truly are.
    seed : int
        Of the random candidates.
    """
    # Equal scores share the place.
    reached = {method: gains[values == values.max()] for method, values in scores.items()}
    picks = np.argsort(-scores[OURS], kind="stable")[:PICK_COUNT]
    draws = pick_random_rows(len(gains), PICK_COUNT, seed)  # rows from 1
    return {
        **reached,
        NEAREST_RENDERED_PICK: gains[picks].max(keepdims=True),
        UPPER_BOUND: gains.max(keepdims=True),
        RANDOM: gains,
        NEAREST_RENDERED_RANDOM: np.array([gains[np.array(rows) - 1].max() for rows in draws]),
    }


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
