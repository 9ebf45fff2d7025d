"""Comparison of measurements with the paper."""

from __future__ import annotations

from core.studies import published_numbers
from core.studies.study_result import Measurement, compare_measurements_to_paper


def test_verdicts_compare_the_interval_with_the_papers_number():
    intervals = [(0.9, 0.8, 1.0), (0.5, 0.4, 0.6), (0.1, 0.0, 0.2)]
    comparison = compare_measurements_to_paper(
        [
            Measurement("m", value, "test", 0, low, high, "completion.bass.ours.pearson")
            for value, low, high in intervals
        ]
    )
    assert comparison["verdict"].tolist() == ["above", "could not be distinguished from", "below"]
    assert comparison["paper"].tolist() == [0.46] * 3


def test_the_paper_has_24_numbers_of_completion():
    assert len(published_numbers.list_published_numbers("completion")) == 24
