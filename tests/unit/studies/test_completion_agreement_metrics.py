"""Metrics of the completion study, against SciPy and cases of known answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from core.studies.completion_agreement_metrics import (
    evaluate_candidate_subsets,
    evaluate_candidates_as_queries,
    evaluate_prompt_as_query,
    measure_alignment_gain,
)

RNG = np.random.default_rng(3)


def test_equal_spaces_have_perfect_scores():
    x = RNG.normal(size=(24, 5))
    for scores in (evaluate_candidates_as_queries(x, x), evaluate_prompt_as_query(x, x)):
        np.testing.assert_allclose(scores["value"], 1, atol=1e-6)


def test_gain_is_the_difference_of_scores_with_an_interval_of_its_own():
    audio, noise = RNG.normal(size=(24, 5)), RNG.normal(size=(24, 4))
    rise = measure_alignment_gain(noise, audio, audio)
    before, after = (
        evaluate_candidates_as_queries(code, audio)["value"] for code in (noise, audio)
    )
    np.testing.assert_allclose(rise["value"], after - before)
    assert (rise["low"] > 0).all()
    fall = measure_alignment_gain(audio, noise, audio)
    np.testing.assert_allclose(fall["high"], -rise["low"])
    # The same resample measures both, so equal embeddings gain nothing at all.
    no_gain = measure_alignment_gain(noise, noise, audio)
    assert (no_gain[["value", "low", "high"]] == 0).all(axis=None)


def test_fewer_candidates_agree_more():
    x, noise = RNG.normal(size=(24, 5)), RNG.normal(size=(24, 4))
    equal = evaluate_candidate_subsets(x, x, (6, 24), draw_count=5)
    assert equal["overlap@3"].tolist() == equal["jaccard@3"].tolist() == [1, 1]
    unrelated = evaluate_candidate_subsets(x, noise, (6, 12, 24), draw_count=300)
    np.testing.assert_allclose(unrelated["overlap@3"], unrelated["chance"], atol=0.08)
    scores = evaluate_candidates_as_queries(x, noise).set_index("metric")["value"]
    assert unrelated["overlap@3"].iloc[-1] == pytest.approx(scores["overlap@3"])
    assert unrelated["jaccard@3"].iloc[-1] == pytest.approx(scores["jaccard@3"])


def test_scores_of_the_prompt_equal_scipys():
    x, y = RNG.normal(size=(24, 5)), RNG.normal(size=(24, 4))
    scores = evaluate_prompt_as_query(x, y).set_index("metric")
    x_distances, y_distances = (cdist(z[:1], z[1:], "cosine")[0] for z in (x, y))
    pearson = scores.loc["pearson"]
    assert pearson["value"] == pytest.approx(stats.pearsonr(x_distances, y_distances).statistic)
    spearman = stats.spearmanr(x_distances, y_distances).statistic
    assert scores.loc["spearman", "value"] == pytest.approx(spearman)
    assert pearson["low"] < pearson["value"] < pearson["high"]
    shared = len(set(x_distances.argsort()[:3]) & set(y_distances.argsort()[:3]))
    assert scores.loc["overlap@3", "value"] == pytest.approx(shared / 3)
