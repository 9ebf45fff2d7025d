"""Table of all metrics of embedding spaces, with intervals and values under permuted pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from core.evaluation import metrics
from core.evaluation.array_validation_and_normalization import (
    compute_mean_or_nan,
    rotate_into_fewer_columns,
)
from core.evaluation.bootstrap import (
    UNDEFINED_INTERVAL,
    Interval,
    Statistic,
    compute_bootstrap_interval,
    compute_subsampling_interval,
)
from core.evaluation.cca import CCA, correlate_columns, fit_cca
from core.evaluation.null_calibration import (
    DEFAULT_PERMUTATIONS,
    UNDEFINED_CALIBRATION,
    NullCalibration,
    calibrate_metric_of_row_order,
)
from core.evaluation.retrieval_in_fixed_pools_and_within_groups import (
    POOL_SIZES,
    RECALL_KS,
    compute_pooled_retrieval,
    compute_retrieval_within_groups,
)
from core.evaluation.row_permutation_metric_builders import (
    Metric,
    OrderMetric,
    build_metric_of_row_order,
    build_projected_cca_of_row_order,
)
from core.evaluation.single_thread_limit import limit_to_one_thread

BEFORE_ALIGNMENT = "before"
ALIGNED_VS_ALIGNED = "aligned code ~ aligned audio"
ALIGNED_VS_RAW = "aligned code ~ raw audio"
CALIBRATION_COLUMNS = ["null_mean", "null_p95", "calibrated", "p"]
METRIC_COLUMNS = [
    "metric",
    "split",
    "reading",
    "value",
    "low",
    "high",
    "programs",
    *CALIBRATION_COLUMNS,
]
NEIGHBOUR_COUNT = 3
MUTUAL_NEIGHBOUR_COUNT = 10
MAX_CCA_DIRECTIONS = 10
"""Pairs of directions over which CCA is averaged, before and after alignment alike. The mean over
all pairs of a space falls with their number, which differs between raw and aligned spaces."""

SetMetric = Callable[[np.ndarray], float]
"""A metric of a set of programs, given by their rows."""


@dataclass(frozen=True)
class AlignmentMeasure:
    """A measure of how well two spaces agree, that is one number for a set of programs.

    Attributes
    ----------
    measure : callable
        Takes rows, int [b], and returns the measure of those programs.
    build_order_metric : callable
        Returns the measure of all programs as a function of the order of audio.
    program_values : array, float [n], optional
        Values of the programs whose mean is the measure, if it is a mean. Resampling them is
        faster than measuring subsets, and keeps every program's neighbours.
    """

    measure: SetMetric
    build_order_metric: Callable[[], OrderMetric]
    program_values: np.ndarray | None = None

    def compute_confidence_interval(
        self, row_count: int, clusters: np.ndarray | None, seed: int
    ) -> Interval:
        """Compute the 95 % interval over programs, or over clusters of them."""
        if self.program_values is not None:
            return compute_bootstrap_interval(self.program_values, clusters=clusters, seed=seed)
        return compute_subsampling_interval(self.measure, row_count, clusters=clusters, seed=seed)


@dataclass(frozen=True)
class EmbeddingComparison:
    """Two spaces to compare: one of code and one of audio.

    Attributes
    ----------
    name : str
        `BEFORE_ALIGNMENT` (raw code and raw audio), `ALIGNED_VS_ALIGNED` (as in the paper) or
        `ALIGNED_VS_RAW`, which a projection head cannot distort because only code is projected.
    code, audio : array, float [n, d1] and [n, d2]
        The programs to evaluate, row i of both the same one.
    train_code, train_audio : array, float [m, d1] and [m, d2]
        The training programs, on which CCA finds its directions.
    is_shared_space : bool
        Whether both are in one space, so that one can be searched with the other.
    retrieved_rows : array, int [n, k], optional
        For each evaluated program the training programs retrieved for its code.
    fitted_cca : CCA, optional
        Result of `fit_cca` on the training programs, if it was computed before.
    cca_directions : int
        Pairs of directions over which CCA is averaged. It must be the same in all comparisons
        that are set beside each other.
    fewer_cca_directions : tuple of int
        Smaller numbers of pairs for which CCA is computed as well, so that comparisons made at
        different times have a number in common.
    all_cca_directions : int
        Likewise, all pairs that each of these comparisons has; 0 leaves this CCA out.
    templates : array of str [n], optional
        Template or grammar style of each evaluated program.
    are_templates_unseen : bool
        Whether the templates were held out whole, so that intervals resample templates instead
        of programs.
    """

    name: str
    code: np.ndarray
    audio: np.ndarray
    train_code: np.ndarray
    train_audio: np.ndarray
    is_shared_space: bool = False
    retrieved_rows: np.ndarray | None = None
    fitted_cca: CCA | None = None
    cca_directions: int = MAX_CCA_DIRECTIONS
    fewer_cca_directions: tuple[int, ...] = ()
    all_cca_directions: int = 0
    templates: np.ndarray | None = None
    are_templates_unseen: bool = False

    @property
    def groups_resampled_by_bootstrap(self) -> np.ndarray | None:
        """What intervals resample whole; None for single programs."""
        return self.templates if self.are_templates_unseen else None

    def list_cca_names_and_directions(self) -> list[tuple[str, int]]:
        """Return each CCA on held-out programs by name, with its number of pairs."""
        counts = (self.cca_directions, *self.fewer_cca_directions)
        named = [(f"cca@{count}", count) for count in counts if count <= self.cca_directions]
        whole = self.all_cca_directions
        return [*named, (f"cca_all@{whole}", whole)] if whole else named


def compute_metrics_table(
    comparisons: Iterable[EmbeddingComparison],
    split: str,
    *,
    seed: int = 0,
    with_intervals: bool = True,
    permutations: int = DEFAULT_PERMUTATIONS,
) -> pd.DataFrame:
    """Compute every metric of every comparison.

    Parameters
    ----------
    comparisons : iterable of EmbeddingComparison
    split : str
        Name of the split of the programs, for the column "split".
    seed : int
        Seed of the resamples.
    with_intervals : bool
        If False, `low` and `high` and the columns of the null are NaN, which takes a hundredth
        of the time.
    permutations : int
        Permutations of pairs per alignment measure; 0 for none.

    Returns
    -------
    DataFrame
        Columns `METRIC_COLUMNS`; one row per metric and comparison. `low` and `high` bound 95 %
        of the resamples (`core.evaluation.bootstrap`): of programs, or of whole templates where
        they are unseen. `programs` is n. `null_mean`, `null_p95`, `calibrated` and `p` are those
        of `core.evaluation.null_calibration.NullCalibration`; for recall the null mean is that
        of a random order. Undefined values are NaN.

        Metrics: cka_debiased; cka (biased, as in the paper); mutual_knn@10, overlap@3,
        jaccard@3, spearman, pearson; cca@N (mean over the N pairs of directions that correlated
        most on the training programs, where they were found; N is the same before and after
        alignment), cca_all@N (the same over all N pairs that each of the compared spaces has),
        cca_in_sample@N (directions found on the evaluated programs themselves;
        biased upwards, and used for no decision);
        normalized_similarity@k if there are retrieved programs; and in a shared space, for both
        "code->audio" and "audio->code": recall@1, recall@5, recall@10, mrr and median_rank among
        all evaluated programs; recall and mrr "of 100" and "of 1000", expected in random
        pools of that size; recall and mrr "within template", among the variants of the program's
        own template, with intervals over templates.
    """
    rows = [
        (comparison, *row)
        for comparison in comparisons
        for row in _iterate_metric_values(comparison, seed, with_intervals, permutations)
    ]
    return pd.DataFrame(
        [
            (
                metric,
                split,
                comparison.name,
                calibration.value,
                low,
                high,
                len(comparison.code),
                *(getattr(calibration, column) for column in CALIBRATION_COLUMNS),
            )
            for comparison, metric, calibration, (low, high) in rows
        ],
        columns=METRIC_COLUMNS,
    )


def _iterate_metric_values(
    comparison: EmbeddingComparison, seed: int, with_intervals: bool, permutations: int
) -> Iterator[tuple[str, NullCalibration, Interval]]:
    n = len(comparison.code)
    for name, alignment_measure in _build_alignment_measures(comparison).items():
        value = alignment_measure.measure(np.arange(n))
        calibration = _wrap_value_without_calibration(value)
        interval = UNDEFINED_INTERVAL
        if with_intervals and np.isfinite(value):
            interval = alignment_measure.compute_confidence_interval(
                n, comparison.groups_resampled_by_bootstrap, seed
            )
            if permutations:
                with limit_to_one_thread():
                    order_metric = alignment_measure.build_order_metric()
                calibration = calibrate_metric_of_row_order(
                    order_metric, value, n, permutations, seed
                )
        yield name, calibration, interval
    for name, program_metric in _compute_per_program_metrics(comparison).items():
        values, statistic = program_metric.values, program_metric.statistic
        value = float(statistic(values, axis=0)) if len(values) else np.nan
        interval = UNDEFINED_INTERVAL
        if with_intervals:
            interval = compute_bootstrap_interval(
                values, statistic, clusters=program_metric.clusters, seed=seed
            )
        yield name, _calibrate_share_to_chance(value, program_metric.chance), interval


def _wrap_value_without_calibration(value: float) -> NullCalibration:
    return replace(UNDEFINED_CALIBRATION, value=value)


def _calibrate_share_to_chance(value: float, chance: float) -> NullCalibration:
    """Calibrate a share whose expectation in a random order is known."""
    calibrated = (value - chance) / (1 - chance) if chance < 1 else np.nan
    return NullCalibration(value, chance, np.nan, calibrated, np.nan)


def _build_alignment_measures(comparison: EmbeddingComparison) -> dict[str, AlignmentMeasure]:
    """Build the measures of how well the two spaces agree, the headline first."""
    count = comparison.cca_directions
    directions = comparison.fitted_cca or fit_cca(comparison.train_code, comparison.train_audio)
    projections = [
        side[:, : max(count, comparison.all_cca_directions)]
        for side in directions.project_onto_canonical_directions(comparison.code, comparison.audio)
    ]  # 2 x [n, pairs of directions]
    # Hundreds of resamples are measured, so on as few columns as keep all distances.
    code, audio = map(rotate_into_fewer_columns, (comparison.code, comparison.audio))

    def build_measure_of_code_and_audio(
        metric: Metric, values: np.ndarray | None = None
    ) -> AlignmentMeasure:
        return AlignmentMeasure(
            lambda rows: metric(code[rows], audio[rows]) if len(rows) else np.nan,
            lambda: build_metric_of_row_order(metric, code, audio),
            values,
        )

    k, mutual_k = NEIGHBOUR_COUNT, MUTUAL_NEIGHBOUR_COUNT
    shared = metrics.count_shared_neighbours(comparison.code, comparison.audio, k)
    mutual = metrics.count_shared_neighbours(comparison.code, comparison.audio, mutual_k)

    return {
        "cka_debiased": build_measure_of_code_and_audio(partial(metrics.cka, debiased=True)),
        "cka": build_measure_of_code_and_audio(metrics.cka),
        f"mutual_knn@{mutual_k}": build_measure_of_code_and_audio(
            partial(metrics.mutual_knn, k=mutual_k), mutual / mutual_k
        ),
        f"overlap@{k}": build_measure_of_code_and_audio(
            partial(metrics.overlap_at_k, k=k), shared / k
        ),
        f"jaccard@{k}": build_measure_of_code_and_audio(
            partial(metrics.jaccard_at_k, k=k), shared / (2 * k - shared)
        ),
        "spearman": build_measure_of_code_and_audio(metrics.distance_spearman),
        "pearson": build_measure_of_code_and_audio(metrics.distance_pearson),
        **{
            name: _make_projected_cca_measure(projections, directions)
            for name, directions in comparison.list_cca_names_and_directions()
        },
        f"cca_in_sample@{count}": build_measure_of_code_and_audio(
            partial(metrics.cca, max_directions=count)
        ),
    }


def _make_projected_cca_measure(projections: Sequence[np.ndarray], count: int) -> AlignmentMeasure:
    """Build the mean correlation along the first pairs of directions that training found."""
    code, audio = (side[:, :count] for side in projections)
    return AlignmentMeasure(
        lambda rows: compute_mean_or_nan(correlate_columns(code[rows], audio[rows])),
        lambda: build_projected_cca_of_row_order(code, audio),
    )


@dataclass(frozen=True)
class ProgramMetric:
    """A metric that has one value per program.

    Attributes
    ----------
    values : array, float [m]
    statistic : callable
        Summary of the values, such as `numpy.mean`.
    chance : float
        Expectation of a random order; NaN where it is not defined.
    clusters : array [m], optional
        What intervals resample whole.
    """

    values: np.ndarray
    statistic: Statistic = np.mean
    chance: float = np.nan
    clusters: np.ndarray | None = None


def _compute_per_program_metrics(comparison: EmbeddingComparison) -> dict[str, ProgramMetric]:
    """Compute the metrics that have one value per program."""
    metric_by_name = {}
    if comparison.retrieved_rows is not None:
        similarities = metrics.normalized_similarity(
            comparison.retrieved_rows, comparison.audio, comparison.train_audio
        )
        retrieved_count = comparison.retrieved_rows.shape[1]
        metric_by_name[f"normalized_similarity@{retrieved_count}"] = ProgramMetric(
            similarities,
            clusters=comparison.groups_resampled_by_bootstrap if len(similarities) else None,
        )
    if comparison.is_shared_space:
        code, audio = comparison.code, comparison.audio
        for direction, query, base in (("code->audio", code, audio), ("audio->code", audio, code)):
            retrieval = _compute_retrieval_metrics(comparison, query, base)
            metric_by_name |= {f"{name} {direction}": metric for name, metric in retrieval}
    return metric_by_name


def _compute_retrieval_metrics(
    comparison: EmbeddingComparison, query: np.ndarray, base: np.ndarray
) -> Iterator[tuple[str, ProgramMetric]]:
    """Compute retrieval among all programs, from pools of fixed size, and within templates."""
    n, clusters = len(query), comparison.groups_resampled_by_bootstrap
    for k in RECALL_KS:
        hit_rates = metrics.compute_hit_rates(query, base, k)
        chance = min(k / n, 1.0) if n else np.nan
        yield f"recall@{k}", ProgramMetric(hit_rates, chance=chance, clusters=clusters)
    ranks = metrics.compute_match_ranks(query, base)
    yield "mrr", ProgramMetric(1 / ranks, clusters=clusters)
    yield "median_rank", ProgramMetric(ranks, np.median, clusters=clusters)
    for pool_size in POOL_SIZES:
        if n < pool_size:
            continue
        for name, values in compute_pooled_retrieval(query, base, pool_size).items():
            k = int(name.partition("@")[2] or 0)
            chance = k / pool_size if k else np.nan
            yield (
                f"{name} of {pool_size}",
                ProgramMetric(values, chance=chance, clusters=clusters),
            )
    if comparison.templates is None or not n:
        return
    by_name = compute_retrieval_within_groups(query, base, comparison.templates)
    has_variants = np.isfinite(by_name["mrr"])
    templates = comparison.templates[has_variants]
    if not has_variants.any():
        return
    for name in (*(f"recall@{k}" for k in RECALL_KS), "mrr"):
        chances = by_name.get(name.replace("recall", "chance"))
        chance = (
            float(chances[has_variants].mean()) if chances is not None and "@" in name else np.nan
        )
        yield (
            f"{name} within template",
            ProgramMetric(by_name[name][has_variants], chance=chance, clusters=templates),
        )
