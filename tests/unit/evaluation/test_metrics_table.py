"""Bootstrap intervals and the table of all metrics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.evaluation import metrics
from core.evaluation.bootstrap import bootstrap_interval, subsample_interval
from core.evaluation.metrics_table import (
    ALIGNED_VS_ALIGNED,
    ALIGNED_VS_RAW,
    BEFORE_ALIGNMENT,
    METRIC_COLUMNS,
    EmbeddingComparison,
    compute_metrics_table,
)


class TestBootstrap:
    def test_width_agrees_with_the_normal_theory(self) -> None:
        values = np.random.default_rng(0).normal(size=400)
        low, high = bootstrap_interval(values)
        assert low < values.mean() < high
        assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)

    def test_coverage_is_close_to_the_level(self) -> None:
        draws = np.random.default_rng(1).exponential(size=(200, 80))
        covered = [
            low <= 1 <= high
            for low, high in (bootstrap_interval(row, resamples=300) for row in draws)
        ]
        assert 0.87 <= np.mean(covered) <= 0.99

    def test_is_reproducible_and_accepts_the_median(self) -> None:
        values = np.arange(50.0)
        assert bootstrap_interval(values, np.median) == bootstrap_interval(values, np.median)
        assert bootstrap_interval(values, seed=1) != bootstrap_interval(values, seed=2)

    def test_one_value_has_no_interval(self) -> None:
        assert np.isnan(bootstrap_interval(np.ones(1))).all()


class TestSubsample:
    @pytest.mark.parametrize("max_rows", [400, 60])
    def test_width_agrees_with_the_normal_theory(self, max_rows: int) -> None:
        values = np.random.default_rng(0).normal(size=400)
        low, high = subsample_interval(
            lambda rows: values[rows].mean(), 400, max_rows=max_rows, resamples=600
        )
        assert low < values.mean() < high
        assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.2)

    def test_covers_the_cka_of_a_larger_population(self) -> None:
        rng = np.random.default_rng(3)
        latent = rng.normal(size=(4000, 3))
        x = latent + rng.normal(size=latent.shape)
        y = latent + rng.normal(size=latent.shape)
        truth = metrics.cka(x, y, debiased=True)
        covered = []
        for _ in range(50):
            some = rng.permutation(4000)[:60]
            a, b = x[some], y[some]
            low, high = subsample_interval(
                lambda rows, a=a, b=b: metrics.cka(a[rows], b[rows], debiased=True), 60
            )
            covered.append(low <= truth <= high)
        assert np.mean(covered) >= 0.8

    def test_leaves_the_number_of_threads_alone(self) -> None:
        before = torch.get_num_threads()
        try:
            torch.set_num_threads(2)
            subsample_interval(lambda rows: torch.get_num_threads(), 20, resamples=3)
            assert torch.get_num_threads() == 2
        finally:
            torch.set_num_threads(before)

    def test_few_rows_or_an_undefined_measure_have_no_interval(self) -> None:
        assert np.isnan(subsample_interval(lambda rows: 1.0, 7)).all()
        assert np.isnan(subsample_interval(lambda rows: np.nan, 50)).all()


class TestComputeMetrics:
    def make_comparisons(self, n: int = 40) -> list[EmbeddingComparison]:
        rng = np.random.default_rng(5)
        shared = rng.normal(size=(2 * n, 6))
        audio = shared + 0.2 * rng.normal(size=shared.shape)
        raw = rng.normal(size=(2 * n, 9))
        return [
            EmbeddingComparison(BEFORE_ALIGNMENT, raw[n:], audio[n:], raw[:n], audio[:n]),
            EmbeddingComparison(
                ALIGNED_VS_ALIGNED,
                shared[n:],
                audio[n:],
                shared[:n],
                audio[:n],
                is_shared_space=True,
            ),
        ]

    def test_every_row_has_split_comparison_and_interval(self) -> None:
        table = compute_metrics_table(self.make_comparisons(), "test")
        assert list(table.columns) == METRIC_COLUMNS
        assert set(table["split"]) == {"test"} and set(table["programs"]) == {40}
        assert (table["low"] <= table["value"] + 1e-9).all()
        assert (table["high"] >= table["value"] - 1e-9).all()
        before, aligned = (
            table[table["reading"] == name]["metric"]
            for name in (BEFORE_ALIGNMENT, ALIGNED_VS_ALIGNED)
        )
        assert set(before) < set(aligned)
        assert {"recall@1 code->audio", "median_rank audio->code"} <= set(aligned) - set(before)

    def test_values_equal_those_of_the_metrics(self) -> None:
        raw, shared = self.make_comparisons()
        table = compute_metrics_table([raw, shared], "test").set_index(["reading", "metric"])[
            "value"
        ]
        assert table[BEFORE_ALIGNMENT, "cka"] == metrics.cka(raw.code, raw.audio)
        assert table[ALIGNED_VS_ALIGNED, "spearman"] == metrics.distance_spearman(
            shared.code, shared.audio
        )
        assert table[ALIGNED_VS_ALIGNED, "jaccard@3"] == metrics.jaccard_at_k(
            shared.code, shared.audio, 3
        )
        assert table[ALIGNED_VS_ALIGNED, "recall@5 audio->code"] == metrics.recall_at_k(
            shared.audio, shared.code, 5
        )
        assert table[ALIGNED_VS_ALIGNED, "median_rank code->audio"] == metrics.median_rank(
            shared.code, shared.audio
        )
        fitted = shared.train_code, shared.train_audio
        assert table[ALIGNED_VS_ALIGNED, "cca"] == metrics.cca(
            shared.code, shared.audio, training_rows=fitted
        )

    def test_retrieved_programs_are_evaluated_by_normalized_similarity(self) -> None:
        raw, _ = self.make_comparisons()
        retrieved_rows = np.random.default_rng(0).integers(40, size=(40, 5))
        with_retrieval = replace(raw, retrieved_rows=retrieved_rows)
        table = compute_metrics_table([with_retrieval], "test").set_index("metric")
        name = "normalized_similarity@5"
        assert name in table.index
        assert name not in set(compute_metrics_table([raw], "test")["metric"])
        row = table.loc[name]
        assert row["low"] < row["value"] < row["high"]
        expected = metrics.normalized_similarity(retrieved_rows, raw.audio, raw.train_audio)
        assert row["value"] == expected.mean()

    def test_a_split_without_programs_gives_nan(self) -> None:
        empty, train = np.empty((0, 4)), np.random.default_rng(0).normal(size=(20, 4))
        table = compute_metrics_table(
            [EmbeddingComparison(ALIGNED_VS_RAW, empty, empty, train, train)], "test"
        )
        assert len(table) == 9 and table["value"].isna().all() and (table["programs"] == 0).all()
