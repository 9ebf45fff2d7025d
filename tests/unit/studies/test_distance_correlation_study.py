"""Notes of the correlation study."""

from __future__ import annotations

from core.studies.correlation_of_distances_and_mantel_test import DistanceCorrelation
from core.studies.distance_correlation_study import describe_mantel_test

VALUES = {"pearson": 0.1, "pearson_p": 0.1, "pearson_mantel_p": 0.1, "spearman": 0.2, "pairs": 351}


def test_a_parametric_p_below_the_mantel_p_is_called_too_small():
    note = describe_mantel_test(
        DistanceCorrelation(**VALUES, spearman_p=0.001, spearman_mantel_p=0.2)
    )
    assert "too small" in note and "do not agree" in note


def test_a_parametric_p_above_the_mantel_p_is_not_called_too_small():
    note = describe_mantel_test(
        DistanceCorrelation(**VALUES, spearman_p=0.03, spearman_mantel_p=0.02)
    )
    assert "too small" not in note and "spaces agree" in note
