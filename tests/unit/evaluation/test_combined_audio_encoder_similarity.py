"""Consensus of encoders on matrices of similarities."""

import numpy as np
import pytest

from core.errors import EarshotError
from core.evaluation.combined_audio_encoder_similarity import compute_consensus_similarity

RNG = np.random.default_rng(0)


def test_one_encoder_keeps_its_order():
    similarity = RNG.normal(size=(4, 9))
    consensus = compute_consensus_similarity([similarity])
    np.testing.assert_array_equal(consensus.argsort(axis=1), similarity.argsort(axis=1))
    np.testing.assert_allclose(consensus.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(consensus.std(axis=1), 1)


def test_scale_and_offset_of_an_encoder_do_not_matter():
    first, second = RNG.normal(size=(2, 4, 9))
    expected = compute_consensus_similarity([first, second])
    scaled = compute_consensus_similarity([first, 0.01 * second + RNG.normal(size=(4, 1))])
    np.testing.assert_allclose(scaled, expected)


def test_what_both_call_similar_wins_over_what_one_calls_most_similar():
    first = np.array([[1.0, 0.8, 0.0, 0.0, 0.1]])
    second = np.array([[0.0, 0.8, 1.0, 0.1, 0.0]])
    assert compute_consensus_similarity([first, second]).argmax() == 1
    assert compute_consensus_similarity([first, second], weights=[1, 0]).argmax() == 0
    assert compute_consensus_similarity([first, second], weights=[0, 2]).argmax() == 2


def test_a_constant_row_counts_as_nothing():
    varied, constant = RNG.normal(size=(1, 9)), np.ones((1, 9))
    consensus = compute_consensus_similarity([varied, constant])
    assert np.isfinite(consensus).all()
    np.testing.assert_array_equal(consensus.argsort(), varied.argsort())


@pytest.mark.parametrize(
    "similarities, weights",
    [
        ([], None),
        ([np.ones((2, 3)), np.ones((3, 2))], None),
        ([np.ones((2, 3))], [1, 1]),
        ([np.ones((2, 3))], [-1]),
        ([np.ones((2, 3))], [0]),
    ],
)
def test_wrong_arguments_are_refused(similarities, weights):
    with pytest.raises(EarshotError, match="A consensus needs"):
        compute_consensus_similarity(similarities, weights)
