"""Bootstrap intervals and the table of all metrics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.evaluation import metrics
from core.evaluation.bootstrap import compute_bootstrap_interval, compute_subsampling_interval
from core.evaluation.metrics_with_intervals import (
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
        low, high = compute_bootstrap_interval(values)
        assert low < values.mean() < high
        assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)

    def test_coverage_is_close_to_the_level(self) -> None:
        draws = np.random.default_rng(1).exponential(size=(200, 80))
        covered = [
            low <= 1 <= high
            for low, high in (compute_bootstrap_interval(row, resamples=300) for row in draws)
        ]
        assert 0.87 <= np.mean(covered) <= 0.99

    def test_is_reproducible_and_accepts_the_median(self) -> None:
        values = np.arange(50.0)
        assert compute_bootstrap_interval(values, np.median) == compute_bootstrap_interval(
            values, np.median
        )
        assert compute_bootstrap_interval(values, seed=1) != compute_bootstrap_interval(
            values, seed=2
        )

    def test_one_value_has_no_interval(self) -> None:
        assert np.isnan(compute_bootstrap_interval(np.ones(1))).all()


class TestClusters:
    """Values of one template are alike, so templates are resampled."""

    def draw_templates(self, rng: np.random.Generator, count: int = 8, size: int = 30):
        means = rng.normal(size=count)
        clusters = np.repeat(np.arange(count), size)
        return means[clusters] + 0.3 * rng.normal(size=len(clusters)), clusters

    @pytest.mark.parametrize("kind", ["bootstrap", "subsample"])
    def test_intervals_over_templates_cover_the_truth_and_those_over_programs_do_not(
        self, kind: str
    ) -> None:
        rng = np.random.default_rng(6)
        covered: dict[bool, list[bool]] = {True: [], False: []}
        for _ in range(60):
            values, labels = self.draw_templates(rng)
            for is_clustered, coverage in covered.items():
                clusters = labels if is_clustered else None
                if kind == "bootstrap":
                    low, high = compute_bootstrap_interval(values, clusters=clusters, resamples=200)
                else:
                    low, high = compute_subsampling_interval(
                        lambda rows, values=values: values[rows].mean(),
                        len(values),
                        clusters=clusters,
                    )
                coverage.append(low <= 0 <= high)
        assert np.mean(covered[True]) >= 0.8
        assert np.mean(covered[False]) < 0.5

    def test_width_follows_the_number_of_templates(self) -> None:
        values, clusters = self.draw_templates(np.random.default_rng(2), count=40)
        means = np.array([values[clusters == cluster].mean() for cluster in range(40)])
        expected = 2 * 1.96 * means.std() / np.sqrt(40)
        for low, high in (
            compute_bootstrap_interval(values, clusters=clusters),
            compute_subsampling_interval(
                lambda rows: values[rows].mean(), len(values), clusters=clusters
            ),
        ):
            assert high - low == pytest.approx(expected, rel=0.25)

    def test_few_templates_have_no_interval(self) -> None:
        values, clusters = self.draw_templates(np.random.default_rng(2), count=3)
        assert np.isnan(compute_bootstrap_interval(values, clusters=clusters)).all()
        interval = compute_subsampling_interval(
            lambda rows: values[rows].mean(), 90, clusters=clusters
        )
        assert np.isnan(interval).all()

    def test_a_resample_is_limited_in_size_and_has_half_of_the_templates(self) -> None:
        clusters = np.repeat(np.arange(10), 500)
        drawn = []
        compute_subsampling_interval(
            lambda rows: float(drawn.append(rows) or 0), 5000, clusters=clusters
        )
        for rows in drawn[:-1]:
            assert len(rows) == 400 and len(np.unique(clusters[rows])) == 5

    def test_the_median_and_names_of_templates_are_accepted(self) -> None:
        values, clusters = self.draw_templates(np.random.default_rng(2))
        names = np.array([f"template {cluster}" for cluster in clusters])
        assert compute_bootstrap_interval(
            values, np.median, clusters=names
        ) == compute_bootstrap_interval(values, np.median, clusters=clusters)


class TestSubsample:
    @pytest.mark.parametrize("max_rows", [400, 60])
    def test_width_agrees_with_the_normal_theory(self, max_rows: int) -> None:
        values = np.random.default_rng(0).normal(size=400)
        low, high = compute_subsampling_interval(
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
            low, high = compute_subsampling_interval(
                lambda rows, a=a, b=b: metrics.cka(a[rows], b[rows], debiased=True), 60
            )
            covered.append(low <= truth <= high)
        assert np.mean(covered) >= 0.8

    def test_leaves_the_number_of_threads_alone(self) -> None:
        before = torch.get_num_threads()
        try:
            torch.set_num_threads(2)
            compute_subsampling_interval(lambda rows: torch.get_num_threads(), 20, resamples=3)
            assert torch.get_num_threads() == 2
        finally:
            torch.set_num_threads(before)

    def test_few_rows_or_an_undefined_measure_have_no_interval(self) -> None:
        assert np.isnan(compute_subsampling_interval(lambda rows: 1.0, 7)).all()
        assert np.isnan(compute_subsampling_interval(lambda rows: np.nan, 50)).all()


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
        assert table["metric"].iloc[:2].tolist() == ["cka_debiased", "cka"]
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
        # Both spaces have more pairs of directions; the number is part of the name.
        for comparison in (raw, shared):
            narrow = replace(comparison, cca_directions=4)
            values = compute_metrics_table([narrow], "test").set_index("metric")["value"]
            fitted = comparison.train_code, comparison.train_audio
            assert values["cca@4"] == pytest.approx(
                metrics.cca(
                    comparison.code, comparison.audio, training_rows=fitted, max_directions=4
                )
            )

    def test_fewer_directions_of_cca_stand_beside(self) -> None:
        _, shared = self.make_comparisons()
        fewer = replace(shared, cca_directions=5, fewer_cca_directions=(5, 3, 1, 7))
        table = compute_metrics_table([fewer], "test", with_intervals=False)
        values = table.set_index("metric")["value"]
        assert [name for name in values.index if name.startswith("cca@")] == [
            "cca@5",
            "cca@3",
            "cca@1",
        ]
        fitted = shared.train_code, shared.train_audio
        assert values["cca@3"] == pytest.approx(
            metrics.cca(shared.code, shared.audio, training_rows=fitted, max_directions=3)
        )

    def test_cca_over_all_pairs_has_the_same_number_of_them_in_each_comparison(self) -> None:
        for comparison in self.make_comparisons():
            whole = replace(comparison, cca_directions=3, all_cca_directions=5)
            table = compute_metrics_table([whole], "test", with_intervals=False)
            values = table.set_index("metric")["value"]
            fitted = comparison.train_code, comparison.train_audio
            for name, count in (("cca@3", 3), ("cca_all@5", 5)):
                assert values[name] == pytest.approx(
                    metrics.cca(
                        comparison.code,
                        comparison.audio,
                        training_rows=fitted,
                        max_directions=count,
                    )
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

    def test_alignment_measures_are_compared_with_permuted_pairs(self) -> None:
        raw, shared = self.make_comparisons(60)
        table = compute_metrics_table([raw, shared], "test", permutations=40)
        table = table.set_index(["reading", "metric"])
        names = [name for name in table.loc[BEFORE_ALIGNMENT].index if name != "median_rank"]
        assert len(names) == 9
        for name in names:
            unrelated, related = (
                table.loc[BEFORE_ALIGNMENT, name],
                table.loc[ALIGNED_VS_ALIGNED, name],
            )
            assert abs(unrelated["calibrated"]) < 0.3 and unrelated["p"] > 0.02, name
            assert related["calibrated"] > 0.5 and related["p"] == pytest.approx(1 / 41), name
        expected = metrics.calibrated(metrics.cka, shared.code, shared.audio, permutations=40)
        row = table.loc[ALIGNED_VS_ALIGNED, "cka"]
        for column in ("value", "null_mean", "null_p95", "calibrated", "p"):
            assert row[column] == pytest.approx(getattr(expected, column))
        recall = table.loc[ALIGNED_VS_ALIGNED, "recall@5 code->audio"]
        assert recall["null_mean"] == pytest.approx(5 / 60) and np.isnan(recall["p"])

    def test_retrieval_within_templates_and_from_pools(self) -> None:
        _, shared = self.make_comparisons(120)
        templates = np.repeat([f"template {i}" for i in range(6)], 20)
        table = compute_metrics_table(
            [replace(shared, templates=templates)], "test", permutations=0
        ).set_index("metric")
        full, pooled, within = (
            table.loc[f"recall@1{suffix} code->audio"]
            for suffix in ("", " of 100", " within template")
        )
        assert full["value"] <= pooled["value"] <= within["value"]
        assert within["null_mean"] == pytest.approx(1 / 20)
        assert "recall@1 of 1000 code->audio" not in table.index
        assert "mrr within template audio->code" in table.index

    def test_unseen_templates_widen_intervals_when_programs_cluster(self) -> None:
        rng = np.random.default_rng(8)
        templates = np.repeat(np.arange(8).astype(str), 25)
        # Agreement differs from template to template.
        noise = np.repeat(rng.uniform(0.1, 4, size=8), 25)[:, None]
        centres = np.repeat(2 * rng.normal(size=(8, 6)), 25, axis=0)
        code = centres + rng.normal(size=(200, 6))
        audio = code + noise * rng.normal(size=(200, 6))
        seen = EmbeddingComparison(
            ALIGNED_VS_ALIGNED, code, audio, code, audio, is_shared_space=True, templates=templates
        )
        unseen = replace(seen, are_templates_unseen=True)
        tables = [
            compute_metrics_table([comparison], "unseen", permutations=0).set_index("metric")
            for comparison in (seen, unseen)
        ]
        widths = [table["high"] - table["low"] for table in tables]
        for name in ("cka_debiased", "overlap@3", "spearman"):
            assert widths[1][name] > 1.5 * widths[0][name], name
        # Variants of a template are never independent, whatever the split.
        name = "recall@1 within template code->audio"
        assert widths[0][name] == widths[1][name]

    def test_a_split_without_programs_gives_nan(self) -> None:
        empty, train = np.empty((0, 4)), np.random.default_rng(0).normal(size=(20, 4))
        table = compute_metrics_table(
            [EmbeddingComparison(ALIGNED_VS_RAW, empty, empty, train, train)], "test"
        )
        assert len(table) == 9 and table["metric"].is_unique
        assert table["value"].isna().all() and (table["programs"] == 0).all()
