"""How sure a foretelling is: its signs, its calibration, and that sure means right more often."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluation import calibration
from core.evaluation.metrics import normalized_similarity
from core.evaluation.calibration import ConfidenceCalibration, normalized_similarity_per_query, classify_confidence, compute_confidence_features


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_signs_are_what_they_say(rng):
    found, similarities = rng.normal(size=(4, 5, 7)), rng.uniform(size=(4, 5))
    seen = compute_confidence_features(found, similarities, np.arange(4.0))
    unit = found / np.linalg.norm(found, axis=2, keepdims=True)
    pairs = [(a, b) for a in range(5) for b in range(5) if a != b]
    expected = [np.mean([each[a] @ each[b] for a, b in pairs]) for each in unit]
    np.testing.assert_allclose(seen[:, 0], expected, atol=1e-6)
    np.testing.assert_allclose(seen[:, 1], np.arange(4.0))
    np.testing.assert_allclose(seen[:, 2], similarities.mean(axis=1))


def test_the_truly_nearest_are_foretold_wholly_and_any_clips_not_at_all(rng):
    own, base = rng.normal(size=(6, 8)), rng.normal(size=(50, 8))
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (own, base)]
    order = np.argsort(-(unit[0] @ unit[1].T), axis=1)
    np.testing.assert_allclose(normalized_similarity_per_query(order[:, :5], own, base), 1, atol=1e-5)
    anything = [normalized_similarity_per_query(order[:, at : at + 5], own, base) for at in range(0, 50, 5)]
    np.testing.assert_allclose(np.mean(anything, axis=0), 0, atol=1e-5)
    # One program alone has the same scale by itself and among others.
    one = normalized_similarity_per_query(order[:1, 5:10], own[:1], base)
    np.testing.assert_allclose(one, normalized_similarity(order[:1, 5:10], own[:1], base), atol=1e-5)
    assert np.isnan(normalized_similarity_per_query(order[:, :5], own, np.ones((50, 8)))).all()


@pytest.fixture
def seen_and_right(rng):
    seen = rng.normal(size=(800, 3))
    chance = 1 / (1 + np.exp(-2 * seen[:, 0]))
    return seen, rng.uniform(size=800) < chance, chance


def test_where_it_says_sure_it_is_right_more_often(seen_and_right):
    seen, right, chance = seen_and_right
    fitted = ConfidenceCalibration.fit(seen[:400], right[:400])
    told = fitted.predict_probability(seen[400:])
    levels = np.array([classify_confidence(p) for p in told])
    shares = [
        right[400:][levels == each].mean()
        for each in (calibration.LOW, calibration.MEDIUM, calibration.HIGH)
    ]
    assert shares[0] < 1 / 3 < shares[1] < 2 / 3 < shares[2]
    assert np.abs(told - chance[400:]).mean() < 0.08


def test_signs_that_tell_nothing_give_the_share_of_all(rng):
    fitted = ConfidenceCalibration.fit(rng.normal(size=(600, 3)), rng.uniform(size=600) < 0.3)
    assert fitted.predict_probability(rng.normal(size=(9, 3))) == pytest.approx(0.3, abs=0.12)


def test_too_few_of_one_outcome_are_not_fitted(rng):
    seen = rng.normal(size=(200, 3))
    assert ConfidenceCalibration.fit(seen, np.arange(200) < 10) is None
    assert ConfidenceCalibration.fit(seen, np.ones(200, bool)) is None


def test_it_is_kept_as_json_and_never_beyond_what_was_seen(seen_and_right):
    fitted = ConfidenceCalibration.fit(*seen_and_right[:2])
    again = ConfidenceCalibration.from_dict(fitted.to_dict())
    far = np.array([[1e9, 0, 0], [3 * fitted.scale[0] + fitted.mean[0], 0, 0]])
    assert again == fitted
    assert again.predict_probability(far)[0] == pytest.approx(again.predict_probability(far)[1])
    assert 0 < again.predict_probability(far)[0] < 1
