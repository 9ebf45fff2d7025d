"""Shared space of the prediction from code and simulation."""

from __future__ import annotations

import numpy as np

from core.corpus import EmbeddingPairs
from core.evaluation.metrics_with_intervals import ALIGNED_VS_ALIGNED, ALIGNED_VS_RAW
from core.evaluation.retrieval_metrics import recall_at_k
from core.studies.code_and_simulation_prediction_spaces import build_joint_prediction_spaces


def test_code_and_simulation_together_find_more_than_code_alone() -> None:
    """Code states one half of what clips differ in, and the simulation the other."""
    rng = np.random.default_rng(0)
    count = 240
    latent = rng.normal(size=(count, 6))
    audio = (latent @ rng.normal(size=(6, 10))).astype(np.float32)
    code = np.hstack([latent[:, :3], 0.1 * rng.normal(size=(count, 2))]).astype(np.float32)
    features = np.hstack([latent[:, 3:], 0.1 * rng.normal(size=(count, 2))]).astype(np.float32)
    templates = np.repeat([f"t{number}" for number in range(12)], 20)
    is_training = np.arange(count) < 180
    pairs = EmbeddingPairs(
        [str(row) for row in range(count)], code, audio, np.array(["train"] * count)
    )

    spaces = build_joint_prediction_spaces(pairs, features, templates, is_training)
    joint = spaces[ALIGNED_VS_ALIGNED]
    assert joint.code.shape == joint.audio.shape == (count, 10)
    np.testing.assert_allclose(np.linalg.norm(joint.code, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(spaces[ALIGNED_VS_RAW].audio, audio)
    alone = build_joint_prediction_spaces(pairs, np.zeros_like(features), templates, is_training)
    recall, recall_alone = (
        recall_at_k(space.code[180:], space.audio[180:], 1)
        for space in (joint, alone[ALIGNED_VS_ALIGNED])
    )
    assert recall > 0.5 and recall > recall_alone + 0.2, (recall, recall_alone)
