"""Calibration by permuted pairs against brute force and on cases with a known answer."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from scipy.stats import ortho_group

from core.errors import EarshotError
from core.evaluation import (
    calibrated,
    metrics,
    mutual_knn,
    row_permutation_metric_builders,
)
from core.evaluation.null_calibration import describe_measures_near_chance
from core.evaluation.row_permutation_metric_builders import build_metric_of_row_order

METRICS = {
    "cka": metrics.cka,
    "debiased cka": partial(metrics.cka, debiased=True),
    "cca": metrics.cca,
    "cca@2": partial(metrics.cca, max_directions=2),
    "mutual_knn": partial(metrics.mutual_knn, k=10),
    "overlap": metrics.overlap_at_k,
    "jaccard": partial(metrics.jaccard_at_k, k=5),
    "pearson": metrics.distance_pearson,
    "spearman": metrics.distance_spearman,
}
EVERY_METRIC = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(31)


def make_related_views(rng: np.random.Generator, n: int = 90, d1: int = 7, d2: int = 9):
    latent = rng.normal(size=(n, 4))
    x = latent @ rng.normal(size=(4, d1)) + 0.7 * rng.normal(size=(n, d1))
    y = latent @ rng.normal(size=(4, d2)) + 0.7 * rng.normal(size=(n, d2))
    return x, y


def make_clusters(rng: np.random.Generator, cluster_count: int = 6, size: int = 20, d: int = 8):
    """Two views that share the cluster of a row and nothing else."""
    groups = np.repeat(np.arange(cluster_count), size)
    x, y = (
        3 * rng.normal(size=(cluster_count, d))[groups] + rng.normal(size=(len(groups), d))
        for _ in range(2)
    )
    return x, y, groups


class TestMutualKnn:
    def test_equals_the_definition(self, rng: np.random.Generator) -> None:
        x, y = make_related_views(rng)
        k = 7
        shared = []
        for i in range(len(x)):
            nearest = []
            for space in (x, y):
                unit = space / np.linalg.norm(space, axis=1, keepdims=True)
                similarities = unit @ unit[i]
                similarities[i] = -np.inf
                nearest.append(set(np.argsort(-similarities)[:k]))
            shared.append(len(nearest[0] & nearest[1]) / k)
        assert mutual_knn(x, y, k) == pytest.approx(np.mean(shared))

    def test_is_1_for_identical_and_rotated_spaces(self, rng: np.random.Generator) -> None:
        x, _ = make_related_views(rng)
        assert mutual_knn(x, x, 10) == 1
        assert mutual_knn(x, 2.5 * x @ ortho_group.rvs(7, random_state=1), 10) == 1

    def test_is_near_chance_for_independent_spaces(self, rng: np.random.Generator) -> None:
        x, y = rng.normal(size=(2, 1000, 20))
        assert mutual_knn(x, y, 10) == pytest.approx(10 / 999, abs=0.005)

    def test_is_undefined_for_too_few_rows(self) -> None:
        assert np.isnan(mutual_knn(np.eye(11), np.eye(11), 10))

    def test_refuses_k_below_1(self) -> None:
        with pytest.raises(EarshotError, match="k is 0"):
            mutual_knn(np.eye(4), np.eye(4), 0)


class TestOrderMetrics:
    @EVERY_METRIC
    @pytest.mark.parametrize("width", [7, 150])
    def test_equal_the_metric_of_reordered_rows(self, rng, metric, width) -> None:
        x, y = make_related_views(rng, d1=width)
        order_metric = build_metric_of_row_order(metric, x, y)
        for order in (np.arange(90), rng.permutation(90), rng.permutation(90)):
            assert order_metric(order) == pytest.approx(metric(x, y[order]), abs=2e-5)

    def test_cca_may_be_fitted_on_other_rows(self, rng: np.random.Generator) -> None:
        x, y = make_related_views(rng, 200)
        metric = partial(metrics.cca, training_rows=(x[:100], y[:100]), max_directions=3)
        order = rng.permutation(100)
        assert build_metric_of_row_order(metric, x[100:], y[100:])(order) == pytest.approx(
            metric(x[100:], y[100:][order])
        )

    def test_ranks_in_16_bits_and_small_blocks_change_nothing(self, rng, monkeypatch) -> None:
        x, y = make_related_views(rng)
        order = rng.permutation(90)
        exact = build_metric_of_row_order(metrics.distance_spearman, x, y)(order)
        monkeypatch.setattr(row_permutation_metric_builders, "MAX_FLOAT_RANK_ROWS", 10)
        monkeypatch.setattr(row_permutation_metric_builders, "BLOCK_ROWS", 7)
        coarse = build_metric_of_row_order(metrics.distance_spearman, x, y)(order)
        assert coarse == pytest.approx(exact, abs=1e-4)

    @pytest.mark.parametrize("debiased", [False, True])
    def test_gram_matrices_of_wide_spaces_change_nothing(self, rng, monkeypatch, debiased) -> None:
        x, y = make_related_views(rng)
        metric, order = partial(metrics.cka, debiased=debiased), rng.permutation(90)
        narrow = build_metric_of_row_order(metric, x, y)(order)
        monkeypatch.setattr(row_permutation_metric_builders, "GRAM_FLOPS_PER_ENTRY", 0)
        monkeypatch.setattr(row_permutation_metric_builders, "GRAM_BLOCK_ROWS", 7)
        wide = build_metric_of_row_order(metric, x, y)(order)
        assert wide == pytest.approx(narrow, abs=1e-12)
        monkeypatch.setattr(row_permutation_metric_builders, "MAX_FLOAT64_GRAM_ROWS", 10)
        coarse = build_metric_of_row_order(metric, x, y)(order)
        assert coarse == pytest.approx(narrow, abs=1e-6)

    def test_spearman_of_more_rows_than_the_table_holds_is_computed_anew(
        self, rng, monkeypatch
    ) -> None:
        monkeypatch.setattr(row_permutation_metric_builders, "MAX_RANK_TABLE_ROWS", 10)
        x, y = make_related_views(rng)
        order = rng.permutation(90)
        assert build_metric_of_row_order(metrics.distance_spearman, x, y)(order) == (
            metrics.distance_spearman(x, y[order])
        )

    def test_a_zero_row_counts_as_in_the_metric(self, rng: np.random.Generator) -> None:
        x, y = make_related_views(rng)
        x[3] = y[5] = 0
        order = rng.permutation(90)
        for metric in (metrics.distance_pearson, metrics.distance_spearman):
            assert build_metric_of_row_order(metric, x, y)(order) == pytest.approx(
                metric(x, y[order]), abs=2e-5
            )


class TestCalibrated:
    @EVERY_METRIC
    def test_equals_brute_force(self, rng: np.random.Generator, metric) -> None:
        x, y = make_related_views(rng)
        fast = calibrated(metric, x, y, permutations=30, seed=4)
        slow = calibrated(lambda a, b: metric(a, b), x, y, permutations=30, seed=4)
        assert fast.value == slow.value == metric(x, y)
        assert fast.p == slow.p
        for name in ("null_mean", "null_p95", "calibrated"):
            assert getattr(fast, name) == pytest.approx(getattr(slow, name), abs=2e-5)

    @EVERY_METRIC
    def test_fields_follow_their_formulas(self, rng: np.random.Generator, metric) -> None:
        x, y = make_related_views(rng)
        orders = np.random.default_rng(7)
        null = np.array([metric(x, y[orders.permutation(90)]) for _ in range(25)])
        result = calibrated(metric, x, y, permutations=25, seed=7)
        assert result.null_mean == pytest.approx(null.mean(), abs=2e-5)
        assert result.null_p95 == pytest.approx(np.percentile(null, 95), abs=2e-5)
        assert result.calibrated == pytest.approx(
            (result.value - null.mean()) / (1 - null.mean()), abs=1e-4
        )
        assert result.p == (1 + (null >= result.value).sum()) / 26

    @EVERY_METRIC
    def test_identical_spaces_reach_1_and_the_smallest_p(self, rng, metric) -> None:
        x, _ = make_related_views(rng)
        result = calibrated(metric, x, x, permutations=50)
        assert result.calibrated == pytest.approx(1)
        assert result.p == pytest.approx(1 / 51)

    @EVERY_METRIC
    def test_independent_spaces_are_at_chance(self, rng: np.random.Generator, metric) -> None:
        x, y = rng.normal(size=(2, 60, 300))  # wide: the plain CKA is far above 0
        result = calibrated(metric, x, y, permutations=100)
        assert abs(result.calibrated) < 0.12
        assert result.p > 0.01

    def test_biased_cka_of_noise_is_high_and_calibrates_to_0(self, rng) -> None:
        x, y = rng.normal(size=(2, 17, 64))
        result = calibrated(metrics.cka, x, y)
        assert result.value > 0.6
        assert result.null_mean == pytest.approx(result.value, abs=0.1)
        assert abs(result.calibrated) < 0.2

    @EVERY_METRIC
    def test_permuted_pairs_lose_the_agreement(self, rng: np.random.Generator, metric) -> None:
        x, y = make_related_views(rng)
        shuffled = y[rng.permutation(90)]
        paired, permuted = (calibrated(metric, x, z, permutations=60) for z in (y, shuffled))
        assert permuted.calibrated < 0.5 * paired.calibrated
        assert paired.p < 0.05

    @EVERY_METRIC
    def test_agreement_of_clusters_alone_is_chance_within_groups(self, rng, metric) -> None:
        x, y, groups = make_clusters(rng)
        overall = calibrated(metric, x, y, permutations=60)
        within = calibrated(metric, x, y, permutations=60, groups=groups)
        assert overall.calibrated > 3 * abs(within.calibrated)
        assert overall.p == pytest.approx(1 / 61)
        assert within.null_mean == pytest.approx(within.value, abs=0.1)

    def test_groups_may_be_names_and_one_row_each_changes_nothing(self, rng) -> None:
        x, y = make_related_views(rng)
        names = np.array([f"template {row}" for row in range(90)])
        result = calibrated(metrics.cka, x, y, permutations=5, groups=names)
        assert result.null_mean == pytest.approx(result.value)
        assert result.p == 1

    def test_the_seed_decides(self, rng: np.random.Generator) -> None:
        x, y = make_related_views(rng)
        first, again = (calibrated(metrics.cka, x, y, permutations=9, seed=2) for _ in range(2))
        assert first == again
        assert first != calibrated(metrics.cka, x, y, permutations=9, seed=3)

    def test_an_undefined_measure_is_undefined(self) -> None:
        x = np.ones((20, 3))
        result = calibrated(metrics.cka, x, x)
        assert all(np.isnan(getattr(result, name)) for name in vars(result))

    def test_refuses_rows_that_cannot_be_paired(self, rng: np.random.Generator) -> None:
        x, y = make_related_views(rng)
        with pytest.raises(EarshotError, match="90 rows and the other 80"):
            calibrated(metrics.cka, x, y[:80])
        with pytest.raises(EarshotError, match="at least 1|0 permutations"):
            calibrated(metrics.cka, x, y, permutations=0)
        with pytest.raises(EarshotError, match="rows"):
            calibrated(metrics.cka, x, y, groups=np.zeros(80))


def test_measures_that_permuted_pairs_reach_are_named() -> None:
    levels = {"cka": 0.42, "cka_debiased": -0.01, "mutual_knn@10": 0.231, "cca@10": math.nan}
    note = describe_measures_near_chance(levels)
    assert note.startswith("Permuted pairs reach cka 0.42, mutual_knn@10 0.23:")
    assert describe_measures_near_chance({"cka_debiased": 0.05}) == ""
