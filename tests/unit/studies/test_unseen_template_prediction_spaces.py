"""Predictions of programs whose template the regression did not see."""

from __future__ import annotations

import numpy as np
import pytest

from core.corpus import EmbeddingPairs
from core.studies import unseen_template_prediction_spaces
from core.studies.unseen_template_prediction_spaces import (
    ALL_BEFORE,
    ALL_PREDICTED,
    build_spaces_of_all_programs,
    predict_audio_of_unseen_templates,
)

TEMPLATES = np.repeat([f"t{number}" for number in range(8)], 30)


@pytest.fixture(scope="module")
def spaces() -> tuple[np.ndarray, np.ndarray]:
    """Audio that follows code beyond templates, [240, 12] and [240, 6]."""
    rng = np.random.default_rng(3)
    code = rng.normal(size=(240, 12)).astype(np.float32)
    audio = (code @ rng.normal(size=(12, 6))).astype(np.float32)
    return code, audio


def test_a_program_is_predicted_by_what_other_templates_share(spaces) -> None:
    code, audio = spaces
    predicted = predict_audio_of_unseen_templates(code, audio, TEMPLATES)
    np.testing.assert_allclose(np.linalg.norm(predicted, axis=1), 1, rtol=1e-4)
    centred = audio - audio.mean(axis=0)
    cosines = (predicted * centred).sum(axis=1) / np.linalg.norm(centred, axis=1)
    assert cosines.mean() > 0.6
    assert np.array_equal(predicted, predict_audio_of_unseen_templates(code, audio, TEMPLATES))


def test_nothing_of_a_template_reaches_its_own_predictions(spaces) -> None:
    code, audio = spaces
    changed = np.where((TEMPLATES == "t3")[:, None], -audio, audio)
    before, after = (
        predict_audio_of_unseen_templates(code, clips, TEMPLATES) for clips in (audio, changed)
    )
    assert np.array_equal(before[TEMPLATES == "t3"], after[TEMPLATES == "t3"])
    assert not np.allclose(before, after)


def test_few_templates_have_no_predictions(spaces, monkeypatch) -> None:
    code, audio = spaces
    pairs = EmbeddingPairs([f"{row}" for row in range(240)], code, audio, np.full(240, "train"))
    everything = build_spaces_of_all_programs(pairs, TEMPLATES, 0)
    assert list(everything) == [ALL_BEFORE, ALL_PREDICTED]
    monkeypatch.setattr(unseen_template_prediction_spaces, "MIN_TEMPLATES", 9)
    assert list(build_spaces_of_all_programs(pairs, TEMPLATES, 0)) == [ALL_BEFORE]
