"""Measurements and notes of the perturbation study."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.studies.perturbation_study import (
    GAIN_MEASURE,
    _build_perturbation_measurements,
    describe_paper_bounds,
)


@pytest.fixture
def changes() -> pd.DataFrame:
    """Raw code that moves in step with audio, and aligned code that moves in reverse."""
    steps = np.arange(1, 10) / 100
    return pd.DataFrame(
        {
            "program": [f"p{i % 3}" for i in range(9)],
            "kind": np.repeat(["sleep", "amp", "bpm"], 3),
            "audio": 1 - steps,
            "code": 1 - steps**2,
            "aligned_code": 1 - steps[::-1],
        }
    )


def test_rank_correlations_and_their_gain(changes: pd.DataFrame):
    spaces = {"code": "raw code", "aligned_code": "aligned code"}
    measured = {
        item.measure: item.value
        for item in _build_perturbation_measurements(changes, spaces, "test", 0)
    }
    prefix = "Rank correlation of changes in audio and"
    assert measured[f"{prefix} raw code"] == pytest.approx(1)
    assert measured[f"{prefix} aligned code"] == pytest.approx(-1)
    assert measured[GAIN_MEASURE] == pytest.approx(-2)
    assert measured["Mean similarity of audio: sleep, amp, bpm"] == pytest.approx(0.95)


def test_the_note_on_the_papers_bounds(changes: pd.DataFrame):
    note = describe_paper_bounds(changes)
    assert note.startswith("After 100% of the changes") and "after 78% the audio's" in note
    assert "bpm 0.92, amp 0.95, sleep 0.98" in note
