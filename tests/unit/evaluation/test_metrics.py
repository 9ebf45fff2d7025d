"""Metrics against independent implementations and on cases with a known answer."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.stats import ortho_group, pearsonr, spearmanr
from sklearn import cross_decomposition
from sklearn.neighbors import NearestNeighbors

from core.errors import EarshotError
from core.evaluation import metrics, pairwise_distance_correlation, retrieval_metrics
from core.evaluation.cca import cca, fit_cca

WHOLE = [metrics.cka, metrics.cca, metrics.distance_spearman, metrics.distance_pearson]
LOCAL = [metrics.overlap_at_k, metrics.jaccard_at_k]
RETRIEVAL = [metrics.recall_at_k, metrics.mrr, metrics.median_rank]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


def make_related_views(rng: np.random.Generator, n: int = 60, d1: int = 7, d2: int = 9):
    """Two noisy views of one latent space."""
    latent = rng.normal(size=(n, 4))
    x = latent @ rng.normal(size=(4, d1)) + 0.7 * rng.normal(size=(n, d1)) + 1.5
    y = latent @ rng.normal(size=(4, d2)) + 0.7 * rng.normal(size=(n, d2)) - 0.5
    return x, y


class TestCKA:
    def compute_by_formula(self, x, y, debiased=False):
        """Compute CKA from n x n kernels, as in the papers."""
        kernel_x, kernel_y = x @ x.T, y @ y.T
        n = len(x)

        def hsic(a, b):
            if not debiased:
                h = np.eye(n) - 1 / n
                return np.trace(h @ a @ h @ b)
            a, b = a - np.diag(np.diag(a)), b - np.diag(np.diag(b))
            one = np.ones(n)
            return (
                np.trace(a @ b)
                + (one @ a @ one) * (one @ b @ one) / ((n - 1) * (n - 2))
                - 2 / (n - 2) * (one @ a @ b @ one)
            ) / (n * (n - 3))

        return hsic(kernel_x, kernel_y) / np.sqrt(
            hsic(kernel_x, kernel_x) * hsic(kernel_y, kernel_y)
        )

    @pytest.mark.parametrize("debiased", [False, True])
    @pytest.mark.parametrize("n", [5, 8, 60])
    def test_equals_the_formula_with_kernels(self, rng: np.random.Generator, n, debiased):
        x, y = make_related_views(rng, n)
        assert metrics.cka(x, y, debiased=debiased) == pytest.approx(
            self.compute_by_formula(x, y, debiased)
        )

    @pytest.mark.parametrize("debiased", [False, True])
    def test_is_1_for_a_rotated_scaled_and_shifted_space(self, rng: np.random.Generator, debiased):
        x, _ = make_related_views(rng)
        rotated = 3.5 * x @ ortho_group.rvs(7, random_state=1) + 11
        assert metrics.cka(x, x, debiased=debiased) == pytest.approx(1)
        assert metrics.cka(x, rotated, debiased=debiased) == pytest.approx(1)

    def test_debiasing_removes_the_bias_on_noise(self, rng: np.random.Generator):
        values = [
            [metrics.cka(x, y, debiased=b) for b in (False, True)]
            for x, y in (rng.normal(size=(2, 50, 400)) for _ in range(10))
        ]
        plain, debiased = np.mean(values, axis=0)
        assert plain > 0.85
        assert abs(debiased) < 0.05

    def test_falls_when_pairs_are_permuted(self, rng: np.random.Generator):
        x, y = make_related_views(rng, 200)
        permuted = metrics.cka(x, y[rng.permutation(200)], debiased=True)
        assert metrics.cka(x, y, debiased=True) > 0.5
        assert abs(permuted) < 0.1

    def test_a_large_offset_does_not_reduce_precision(self, rng: np.random.Generator):
        x, y = make_related_views(rng)
        assert metrics.cka(x + 1e6, y) == pytest.approx(metrics.cka(x, y), rel=1e-6)


class TestCCA:
    def test_equals_scikit_learn_without_ridge(self, rng: np.random.Generator):
        x, y = make_related_views(rng, 300, 5, 4)
        u, v = cross_decomposition.CCA(
            n_components=4, scale=False, max_iter=5000, tol=1e-12
        ).fit_transform(x, y)
        expected = np.mean([pearsonr(u[:, j], v[:, j])[0] for j in range(4)])
        assert cca(x, y, regularisation=0, explained_variance_ratio=1) == pytest.approx(
            expected, abs=1e-6
        )

    def test_equals_the_singular_values_of_whitened_spaces(self, rng: np.random.Generator):
        x, y = make_related_views(rng, 100)
        a, b = (np.linalg.qr(z - z.mean(axis=0))[0] for z in (x, y))
        expected = np.linalg.svd(a.T @ b, compute_uv=False)
        fit = fit_cca(x, y, regularisation=0, explained_variance_ratio=1)
        np.testing.assert_allclose(fit.compute_canonical_correlations(x, y), expected, atol=1e-9)

    @pytest.mark.parametrize("regularisation", [0, 0.1])
    def test_is_1_for_identical_rotated_and_scaled_spaces(
        self, rng: np.random.Generator, regularisation
    ):
        x, _ = make_related_views(rng)
        rotated = 0.2 * x @ ortho_group.rvs(7, random_state=1) - 4
        assert cca(x, x, regularisation=regularisation) == pytest.approx(1)
        assert cca(x, rotated, regularisation=regularisation) == pytest.approx(1)

    def test_held_out_noise_scores_around_0_despite_a_perfect_fit(self, rng: np.random.Generator):
        x, y = rng.normal(size=(2, 60, 80))
        held_x, held_y = rng.normal(size=(2, 200, 80))
        assert cca(x, y, regularisation=1e-6) > 0.9
        assert abs(cca(held_x, held_y, training_rows=(x, y))) < 0.1

    def test_held_out_rows_of_a_shared_space_correlate(self, rng: np.random.Generator):
        latent = rng.normal(size=(400, 3))
        x = latent @ rng.normal(size=(3, 30)) + 0.05 * rng.normal(size=(400, 30))
        y = latent @ rng.normal(size=(3, 20)) + 0.05 * rng.normal(size=(400, 20))
        fitted = x[:300], y[:300]
        assert cca(x[300:], y[300:], training_rows=fitted) > 0.95
        permuted = y[300:][rng.permutation(100)]
        assert abs(cca(x[300:], permuted, training_rows=fitted)) < 0.3

    def test_is_the_same_from_rows_as_from_columns(self, rng: np.random.Generator):
        latent = rng.normal(size=(40, 5))
        x, y = (latent @ rng.normal(size=(5, d)) + 0.3 * rng.normal(size=(40, d)) for d in (60, 9))
        basis, _ = np.linalg.qr((x - x.mean(axis=0)).T)  # [60, 40]
        wide = fit_cca(x, y).compute_canonical_correlations(x, y)
        narrow = fit_cca(x @ basis[:, :39], y).compute_canonical_correlations(x @ basis[:, :39], y)
        np.testing.assert_allclose(wide, narrow, atol=1e-6)
        assert len(wide) >= 5

    def test_explained_variance_determines_the_number_of_directions(self, rng: np.random.Generator):
        x = rng.normal(size=(200, 6)) * [10, 10, 0.01, 0.01, 0.01, 0.01]
        y = rng.normal(size=(200, 6))
        assert (
            len(fit_cca(x, y, explained_variance_ratio=0.99).compute_canonical_correlations(x, y))
            == 2
        )
        assert (
            len(fit_cca(x, y, explained_variance_ratio=1).compute_canonical_correlations(x, y)) == 6
        )

    def test_invalid_arguments_are_refused(self, rng: np.random.Generator):
        x, y = make_related_views(rng)
        with pytest.raises(EarshotError, match="regularisation -1"):
            fit_cca(x, y, regularisation=-1)
        with pytest.raises(EarshotError, match="9 columns and CCA was fitted on 7"):
            fit_cca(x, y).compute_canonical_correlations(y, x)


class TestDistances:
    def test_equals_scipy(self, rng: np.random.Generator):
        x, y = make_related_views(rng)
        dx, dy = pdist(x, "cosine"), pdist(y, "cosine")
        assert metrics.distance_pearson(x, y) == pytest.approx(pearsonr(dx, dy)[0], abs=1e-4)
        assert metrics.distance_spearman(x, y) == pytest.approx(spearmanr(dx, dy)[0], abs=1e-4)

    def test_block_size_and_the_table_of_ranks_change_nothing(
        self, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
    ):
        x, y = make_related_views(rng, 57)
        y[20:30] = y[5]  # equal rows: equal distances
        sorted_at_once = metrics.distance_spearman(x, y), metrics.distance_pearson(x, y)
        monkeypatch.setattr(pairwise_distance_correlation, "BLOCK_ROWS", 10)
        monkeypatch.setattr(pairwise_distance_correlation, "MAX_PAIRS_TO_SORT", 0)
        assert (metrics.distance_spearman(x, y), metrics.distance_pearson(x, y)) == pytest.approx(
            sorted_at_once, abs=2e-5
        )

    def test_ties_share_their_mean_rank(self) -> None:
        x = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 1]])
        y = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.3, 0.7], [1, 1]])
        expected = spearmanr(pdist(x, "cosine").round(6), pdist(y, "cosine").round(6))[0]
        assert metrics.distance_spearman(x, y) == pytest.approx(expected)

    def test_every_pair_is_yielded_once(
        self, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(pairwise_distance_correlation, "BLOCK_ROWS", 4)
        x = rng.normal(size=(11, 3))
        distances = np.concatenate(
            [
                block[0]
                for block in pairwise_distance_correlation.iterate_paired_distance_blocks(x, x)
            ]
        )
        np.testing.assert_allclose(
            np.sort(distances) / 2**20, np.sort(pdist(x, "cosine")), atol=2e-6
        )


class TestNeighbourhoods:
    @pytest.mark.parametrize("k", [1, 3, 10])
    def test_equals_brute_force(self, rng: np.random.Generator, k):
        x, y = make_related_views(rng)
        sets = [
            NearestNeighbors(n_neighbors=k + 1, metric="cosine", algorithm="brute")
            .fit(z)
            .kneighbors(z, return_distance=False)[:, 1:]
            for z in (x, y)
        ]
        pairs = [(set(a), set(b)) for a, b in zip(*sets, strict=True)]
        overlap = np.mean([len(a & b) / k for a, b in pairs])
        jaccard = np.mean([len(a & b) / len(a | b) for a, b in pairs])
        assert metrics.overlap_at_k(x, y, k) == pytest.approx(overlap)
        assert metrics.jaccard_at_k(x, y, k) == pytest.approx(jaccard)

    def test_is_1_for_identical_spaces_even_with_equal_rows(self, rng: np.random.Generator):
        x = rng.integers(0, 2, size=(40, 3)).astype(float) + 0.1
        for metric in LOCAL:
            assert metric(x, 7 * x) == 1

    def test_independent_spaces_score_at_chance(self, rng: np.random.Generator):
        x, y = rng.normal(size=(2, 1500, 6))
        assert metrics.overlap_at_k(x, y, 3) == pytest.approx(3 / 1499, abs=0.004)


class TestRetrieval:
    def rank_by_brute_force(self, x, y):
        x, y = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y))
        order = np.argsort(-(x @ y.T), axis=1)
        return np.array([list(order[i]).index(i) + 1 for i in range(len(x))])

    def test_equals_brute_force(self, rng: np.random.Generator):
        x = rng.normal(size=(80, 5))
        y = x + 0.8 * rng.normal(size=(80, 5))
        for a, b in ((x, y), (y, x)):
            expected = self.rank_by_brute_force(a, b)
            np.testing.assert_array_equal(metrics.compute_match_ranks(a, b), expected)
            for k in (1, 5, 10):
                assert metrics.recall_at_k(a, b, k) == pytest.approx(np.mean(expected <= k))
            assert metrics.mrr(a, b) == pytest.approx(np.mean(1 / expected))
            assert metrics.median_rank(a, b) == np.median(expected)

    def test_blocks_change_nothing(self, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch):
        x, y = rng.normal(size=(2, 25, 3))
        expected = metrics.compute_match_ranks(x, y)
        monkeypatch.setattr(retrieval_metrics, "BLOCK_ROWS", 4)
        np.testing.assert_array_equal(metrics.compute_match_ranks(x, y), expected)

    def test_a_space_without_differences_scores_at_chance(self) -> None:
        x = y = np.ones((20, 3))
        assert metrics.recall_at_k(x, y, 1) == pytest.approx(1 / 20)
        assert metrics.recall_at_k(x, y, 5) == pytest.approx(5 / 20)
        assert metrics.median_rank(x, y) == 10.5

    def test_is_perfect_for_identical_spaces(self, rng: np.random.Generator):
        x = rng.normal(size=(30, 4))
        assert metrics.recall_at_k(x, x, 1) == metrics.mrr(x, x) == metrics.median_rank(x, x) == 1

    def test_spaces_of_different_widths_cannot_search_each_other(self, rng: np.random.Generator):
        x, y = make_related_views(rng)
        with pytest.raises(EarshotError, match="shared space"):
            metrics.recall_at_k(x, y, 1)


class TestNormalizedSimilarity:
    def test_the_truly_nearest_reach_1_and_random_clips_0(self, rng: np.random.Generator):
        base, queries = rng.normal(size=(400, 5)), rng.normal(size=(300, 5))
        index = NearestNeighbors(n_neighbors=4, metric="cosine").fit(base)
        nearest = index.kneighbors(queries, return_distance=False)
        assert metrics.normalized_similarity(nearest, queries, base).mean() == pytest.approx(1)
        random_rows = rng.integers(400, size=(300, 4))
        similarities = metrics.normalized_similarity(random_rows, queries, base)
        assert similarities.mean() == pytest.approx(0, abs=0.05)

    @pytest.mark.parametrize("per_query_scale", [False, True])
    def test_equals_its_formula(
        self, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, per_query_scale: bool
    ):
        monkeypatch.setattr(retrieval_metrics, "BLOCK_ROWS", 3)
        base, queries = rng.normal(size=(9, 3)), rng.normal(size=(7, 3))
        retrieved_rows = np.array([[4, 0]] * 7)
        cosines = 1 - cdist(queries, base, "cosine")
        scale = np.sort(cosines, axis=1)[:, -2:].mean(1) - cosines.mean(1)
        if not per_query_scale:
            scale = scale.mean()
        expected = (cosines[:, [4, 0]].mean(1) - cosines.mean(1)) / scale
        similarities = metrics.normalized_similarity(
            retrieved_rows, queries, base, per_query_scale=per_query_scale
        )
        np.testing.assert_allclose(similarities, expected, atol=1e-5)

    def test_the_scale_per_query_gives_1_and_0_to_each_query(self, rng: np.random.Generator):
        def measure(rows: np.ndarray, queries: np.ndarray) -> np.ndarray:
            return metrics.normalized_similarity(rows, queries, base, per_query_scale=True)

        queries, base = rng.normal(size=(6, 8)), rng.normal(size=(50, 8))
        order = np.argsort(cdist(queries, base, "cosine"), axis=1)
        np.testing.assert_allclose(measure(order[:, :5], queries), 1, atol=1e-5)
        all_rows = [measure(order[:, start : start + 5], queries) for start in range(0, 50, 5)]
        np.testing.assert_allclose(np.mean(all_rows, axis=0), 0, atol=1e-5)
        # The scale of one query alone is that of the query among others.
        alone = measure(order[:1, 5:10], queries[:1])
        expected = metrics.normalized_similarity(order[:1, 5:10], queries[:1], base)
        np.testing.assert_allclose(alone, expected, atol=1e-5)
        np.testing.assert_allclose(alone, measure(order[:, 5:10], queries)[:1], atol=1e-5)

    @pytest.mark.parametrize("per_query_scale", [False, True])
    def test_is_undefined_where_all_clips_are_equal(self, per_query_scale: bool):
        def measure(rows: np.ndarray, queries: np.ndarray) -> np.ndarray:
            return metrics.normalized_similarity(
                rows, queries, same, per_query_scale=per_query_scale
            )

        same = np.ones((6, 3))
        assert np.isnan(measure(np.zeros((6, 2), int), same)).all()
        assert len(measure(np.empty((0, 5), int), same[:0])) == 0


class TestEdges:
    @pytest.mark.parametrize("n", [0, 1, 2])
    def test_few_rows_give_nan_and_no_warning(self, rng: np.random.Generator, n, recwarn):
        x = rng.normal(size=(n, 3))
        y = rng.normal(size=(n, 3))
        for metric in (*LOCAL, metrics.distance_spearman, metrics.distance_pearson):
            assert np.isnan(metric(x, y)), metric.__name__
        assert np.isnan(metrics.cka(x, y, debiased=True))
        assert np.isnan(metrics.cka(x, y)) == (n < 2)
        if n:
            assert np.isnan(metrics.cca(x, y))
        for metric in RETRIEVAL:
            assert np.isnan(metric(x, y)) == (n == 0), metric.__name__
        assert not recwarn.list

    def test_cka_of_two_rows_is_1(self, rng: np.random.Generator):
        x, y = rng.normal(size=(2, 3)), rng.normal(size=(2, 4))
        assert metrics.cka(x, y) == pytest.approx(1)

    @pytest.mark.parametrize("value", [0, 1, 0.1, -3e5])
    def test_a_space_without_differences_gives_nan(self, rng: np.random.Generator, value, recwarn):
        x, flat = rng.normal(size=(30, 3)), np.full((30, 4), value)
        for metric, (a, b) in itertools.product(WHOLE, [(x, flat), (flat, x), (flat, flat)]):
            assert np.isnan(metric(a, b)), metric.__name__
        assert not recwarn.list

    def test_constant_columns_do_not_change_cka_and_cca(self, rng: np.random.Generator):
        x, y = make_related_views(rng)
        wider = np.hstack([x, np.full((60, 2), 0.3)])
        assert metrics.cka(wider, y) == pytest.approx(metrics.cka(x, y))
        assert metrics.cca(wider, y) == pytest.approx(metrics.cca(x, y))

    def test_only_finite_matrices_of_equal_length_are_accepted(self, rng: np.random.Generator):
        x, y = make_related_views(rng)
        bad = x.copy()
        bad[3, 2] = np.nan
        for metric in (*WHOLE, *LOCAL):
            with pytest.raises(EarshotError, match="not finite"):
                metric(bad, y)
            with pytest.raises(EarshotError, match="60 rows"):
                metric(x, y[:50])
            with pytest.raises(EarshotError, match="matrix"):
                metric(x[0], y)
        with pytest.raises(EarshotError, match="not finite"):
            metrics.recall_at_k(bad, x)
        with pytest.raises(EarshotError, match="k is 0"):
            metrics.overlap_at_k(x, y, 0)
        with pytest.raises(EarshotError, match="k is 0"):
            metrics.recall_at_k(x, x, 0)


class TestKnownAnswers:
    """The same spaces score 1 in all metrics, permuted pairs score at chance."""

    @pytest.mark.parametrize("metric", [*WHOLE, *LOCAL], ids=lambda metric: metric.__name__)
    def test_is_1_for_an_identical_a_rotated_and_a_scaled_space(
        self, rng: np.random.Generator, metric
    ):
        x = rng.normal(size=(80, 6))
        rotation = ortho_group.rvs(6, random_state=1)
        for other in (x, x @ rotation, 3.7 * x, 0.2 * x @ rotation):
            assert metric(x, other) == pytest.approx(1, abs=1e-4)

    @pytest.mark.parametrize("metric", [*WHOLE, *LOCAL], ids=lambda metric: metric.__name__)
    def test_permuted_pairs_score_near_0(self, rng: np.random.Generator, metric):
        x = rng.normal(size=(400, 6))
        permuted = x[rng.permutation(400)]
        # CKA and CCA have an upward bias that grows with the number of columns.
        assert metric(x, permuted) < (0.15 if metric in (metrics.cka, metrics.cca) else 0.05)

    @pytest.mark.parametrize("metric", RETRIEVAL, ids=lambda metric: metric.__name__)
    def test_permuted_pairs_are_retrieved_by_chance(self, rng: np.random.Generator, metric):
        x = rng.normal(size=(400, 6))
        chance = {"recall_at_k": 1 / 400, "mrr": np.mean(1 / np.arange(1, 401)), "median_rank": 200}
        value = metric(x, x[rng.permutation(400)])
        assert value == pytest.approx(chance[metric.__name__], rel=0.3, abs=0.01)
