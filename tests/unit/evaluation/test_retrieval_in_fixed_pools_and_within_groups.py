"""Retrieval from pools and within templates against simulation and brute force."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluation import metrics
from core.evaluation.retrieval_in_fixed_pools_and_within_groups import (
    compute_pooled_retrieval,
    compute_retrieval_within_groups,
)


@pytest.fixture
def views() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 5))
    return x, x + 1.2 * rng.normal(size=x.shape)


class TestPools:
    def test_equals_the_mean_over_drawn_pools(self, views) -> None:
        x, y = views
        rng = np.random.default_rng(0)
        drawn: dict[str, list] = {"recall@1": [], "recall@5": [], "mrr": []}
        for _ in range(600):
            row = 7
            others = rng.permutation(np.delete(np.arange(60), row))[:19]
            pool = np.concatenate([[row], others])
            rank = metrics.compute_match_ranks(x[pool], y[pool])[0]
            drawn["recall@1"].append(rank <= 1)
            drawn["recall@5"].append(rank <= 5)
            drawn["mrr"].append(1 / rank)
        values = compute_pooled_retrieval(x, y, 20)
        for name, simulated in drawn.items():
            assert values[name][7] == pytest.approx(np.mean(simulated), abs=0.06), name

    def test_a_pool_of_all_rows_is_the_whole_split(self, views) -> None:
        values = compute_pooled_retrieval(*views, 60)
        for k in (1, 5, 10):
            np.testing.assert_allclose(
                values[f"recall@{k}"], metrics.compute_hit_rates(*views, k), atol=1e-9
            )
        np.testing.assert_allclose(values["mrr"], 1 / metrics.compute_match_ranks(*views))

    def test_smaller_pools_are_easier(self, views) -> None:
        recalls = [
            compute_pooled_retrieval(*views, size)["recall@1"].mean() for size in (2, 20, 60)
        ]
        assert recalls == sorted(recalls, reverse=True) and recalls[0] > recalls[2]

    def test_a_collapsed_space_is_at_chance(self) -> None:
        ones = np.ones((50, 3))
        values = compute_pooled_retrieval(ones, ones, 20)
        for k in (1, 5, 10):
            np.testing.assert_allclose(values[f"recall@{k}"], k / 20)
        np.testing.assert_allclose(values["mrr"], (1 / np.arange(1, 21)).mean())


class TestGroups:
    def test_equals_retrieval_in_each_group_alone(self, views) -> None:
        x, y = views
        groups = np.array(["b", "a", "c"] * 20)
        values = compute_retrieval_within_groups(x, y, groups)
        for group in "abc":
            rows = groups == group
            for k in (1, 5, 10):
                np.testing.assert_array_equal(
                    values[f"recall@{k}"][rows], metrics.compute_hit_rates(x[rows], y[rows], k)
                )
                assert set(values[f"chance@{k}"][rows]) == {k / 20}
            np.testing.assert_array_equal(
                values["mrr"][rows], 1 / metrics.compute_match_ranks(x[rows], y[rows])
            )

    def test_a_row_alone_in_its_template_has_no_value(self, views) -> None:
        groups = np.array(["alone"] + ["many"] * 59)
        values = compute_retrieval_within_groups(*views, groups)
        assert np.isnan(values["recall@1"][0]) and np.isfinite(values["recall@1"][1:]).all()
