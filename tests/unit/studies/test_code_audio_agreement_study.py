"""Measures beside chance, by number of programs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.progress_callback import ignore_progress
from core.studies import code_audio_agreement_study
from core.studies.code_audio_agreement_study import (
    MEASURES,
    describe_code_audio_agreement,
    iterate_agreement_rows,
)
from core.studies.study_figures import plot_agreement_by_size


@pytest.fixture(scope="module")
def curve() -> pd.DataFrame:
    """Spaces that share only the template of a program, and spaces that share everything."""
    rng = np.random.default_rng(2)
    templates = np.repeat([f"t{number}" for number in range(8)], 15)
    centres = np.repeat(3 * rng.normal(size=(8, 10)), 15, axis=0)
    code, audio = (centres + rng.normal(size=(120, 10)) for _ in range(2))
    spaces = {
        "before": (code, audio),
        "aligned code ~ aligned audio": (code, code + 0.1 * rng.normal(size=code.shape)),
    }
    rows = iterate_agreement_rows(spaces, templates, 40, 0, ignore_progress)
    return pd.DataFrame(rows)


def test_every_measure_is_calibrated_at_every_size(curve: pd.DataFrame) -> None:
    assert set(curve["programs"]) == {100, 120}
    assert len(curve) == 2 * 2 * len(MEASURES)
    expected = (curve["value"] - curve["null mean"]) / (1 - curve["null mean"])
    np.testing.assert_allclose(curve["calibrated"], expected)


def test_what_templates_share_is_chance_within_templates(curve: pd.DataFrame) -> None:
    rows = curve[curve["programs"] == 120].set_index(["reading", "measure"])
    for measure in ("debiased CKA", "mutual 10-NN", "Spearman"):
        shared_template = rows.loc["before", measure]
        assert shared_template["calibrated"] > 0.4, measure
        assert abs(shared_template["within templates"]) < 0.1, measure
        assert rows.loc["aligned code ~ aligned audio", measure]["within templates"] > 0.3, measure


def test_notes_and_figure_show_every_reading(curve: pd.DataFrame) -> None:
    notes = describe_code_audio_agreement(curve)
    assert len(notes) == 4 and "within templates" in notes[0]
    figure = plot_agreement_by_size(curve)
    assert len(figure.data) == 2 * len(MEASURES)
    styles = {(trace.line.color, trace.line.dash) for trace in figure.data}
    assert len(styles) == len(MEASURES)


def test_sizes_grow() -> None:
    assert list(code_audio_agreement_study.SIZES) == sorted(code_audio_agreement_study.SIZES)
