"""Verdicts on measured numbers."""

from __future__ import annotations

import math

import pytest

from core.studies import published_numbers
from core.studies.paper_comparison_verdicts import (
    VERDICT_ABOVE,
    VERDICT_BELOW,
    VERDICT_NONE,
    VERDICT_OUTSIDE_BOUND,
    VERDICT_UNDECIDED,
    VERDICT_WITHIN_BOUND,
    count_verdicts,
    decide_verdict,
    shorten_verdict,
)
from core.studies.study_result import Measurement, compare_measurements_to_paper


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ((0.5, 0.6), VERDICT_ABOVE),
        ((0.3, 0.6), VERDICT_UNDECIDED),
        ((0.1, 0.2), VERDICT_BELOW),
        ((math.nan, math.nan), VERDICT_NONE),
    ],
)
def test_the_interval_decides(interval: tuple[float, float], expected: str) -> None:
    assert decide_verdict(interval, 0.4) == expected


def test_a_bound_is_kept_or_not() -> None:
    assert decide_verdict((0.991, 0.995), 0.99, "above") == VERDICT_WITHIN_BOUND
    assert decide_verdict((0.95, 0.97), 0.99, "above") == VERDICT_OUTSIDE_BOUND
    assert decide_verdict((0.95, 0.97), 0.975, "below") == VERDICT_WITHIN_BOUND
    assert decide_verdict((0.98, 0.99), 0.975, "below") == VERDICT_OUTSIDE_BOUND
    assert decide_verdict((0.97, 0.98), 0.975, "below") == VERDICT_UNDECIDED


def test_what_permuted_pairs_reach_has_no_verdict() -> None:
    assert decide_verdict((0.7, 0.8), 0.59, chance=0.65) == VERDICT_NONE
    assert decide_verdict((0.7, 0.8), 0.59, chance=0.02) == VERDICT_ABOVE


def test_a_dash_of_the_paper_has_no_verdict() -> None:
    assert decide_verdict((0.1, 0.2), None) == VERDICT_NONE


def test_a_number_without_an_interval_over_programs_has_no_verdict() -> None:
    comparison = compare_measurements_to_paper(
        [Measurement("CKA", 0.9, "test", published_id="sweep.best.cka")]
    )
    assert comparison["verdict"].tolist() == [VERDICT_NONE]
    assert comparison["difference"].tolist() == pytest.approx([0.31])


def test_the_papers_bounds_are_recorded_as_bounds() -> None:
    relations = {
        number.id: number.relation for number in published_numbers.list_published_numbers()
    }
    assert relations.pop("perturbation.code_above") == "above"
    assert relations.pop("perturbation.audio_below") == "below"
    assert set(relations.values()) == {"equal"}


def test_the_paper_has_31_numbers_to_compare_with() -> None:
    values = [
        number
        for number in published_numbers.list_published_numbers()
        if number.value is not None and not number.id.endswith("_p")
    ]
    assert len(values) == 31


def test_verdicts_are_counted_and_shortened() -> None:
    verdicts = [VERDICT_BELOW, VERDICT_ABOVE, VERDICT_NONE, math.nan, VERDICT_ABOVE]
    assert count_verdicts(verdicts) == {VERDICT_ABOVE: 2, VERDICT_BELOW: 1}
    assert shorten_verdict(VERDICT_UNDECIDED) == "undecided"
    assert shorten_verdict(VERDICT_ABOVE) == VERDICT_ABOVE
    assert shorten_verdict(math.nan) == shorten_verdict("") == "–"
