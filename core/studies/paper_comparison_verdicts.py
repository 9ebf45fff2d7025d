"""Verdicts: how a measured number compares with one that the paper published.

A verdict rests on the 95 % interval over programs (or over templates, where whole templates were
held out). Without such an interval there is no verdict, however large the difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from core.evaluation.null_calibration import MAX_CHANCE_LEVEL
from core.studies.published_numbers import Relation

VERDICT_ABOVE = "above"
VERDICT_BELOW = "below"
VERDICT_UNDECIDED = "could not be distinguished from"
VERDICT_WITHIN_BOUND = "within the bound of"
VERDICT_OUTSIDE_BOUND = "outside the bound of"
VERDICT_NONE = ""
VERDICTS = (
    VERDICT_ABOVE,
    VERDICT_UNDECIDED,
    VERDICT_BELOW,
    VERDICT_WITHIN_BOUND,
    VERDICT_OUTSIDE_BOUND,
)
SHORT_VERDICTS = {
    VERDICT_UNDECIDED: "undecided",
    VERDICT_WITHIN_BOUND: "within bound",
    VERDICT_OUTSIDE_BOUND: "outside bound",
}
VERDICT_EXPLANATION = (
    "Above and below mean that the 95 % interval over programs excludes the paper's number; could"
    " not be distinguished, that it includes it, which does not show that the two are equal. Two of"
    " the paper's numbers are bounds. Numbers without an interval over programs, and numbers that"
    " permuted pairs reach as well, have no verdict."
)


def decide_verdict(
    interval: tuple[float, float],
    paper_value: float | None,
    relation: Relation = "equal",
    chance: float = math.nan,
) -> str:
    """Return how a measured number compares with the paper's.

    Parameters
    ----------
    interval : (float, float)
        95 % interval of the measured number over programs; NaN where there is none.
    paper_value : float or None
        None where the paper prints a dash.
    relation : {"equal", "above", "below"}
        Whether the paper states the number itself, or that its number lies above or below it.
    chance : float
        Mean of the measure on permuted pairs; NaN where it is not known.

    Returns
    -------
    str
        One of `VERDICTS`, or `VERDICT_NONE`.
    """
    low, high = interval
    if paper_value is None or math.isnan(paper_value) or math.isnan(low) or math.isnan(high):
        return VERDICT_NONE
    if not math.isnan(chance) and chance > MAX_CHANCE_LEVEL:
        return VERDICT_NONE
    if low <= paper_value <= high:
        return VERDICT_UNDECIDED
    is_above = low > paper_value
    if relation == "equal":
        return VERDICT_ABOVE if is_above else VERDICT_BELOW
    return VERDICT_WITHIN_BOUND if is_above == (relation == "above") else VERDICT_OUTSIDE_BOUND


def shorten_verdict(verdict: object) -> str:
    """Return the verdict for a narrow table cell; a dash where there is none."""
    if not isinstance(verdict, str) or not verdict:
        return "–"
    return SHORT_VERDICTS.get(verdict, verdict)


def count_verdicts(verdicts: Iterable[object]) -> dict[str, int]:
    """Return how often each verdict occurs, in the order of `VERDICTS`, without absent ones."""
    verdict_list = list(verdicts)
    counts = {verdict: verdict_list.count(verdict) for verdict in VERDICTS}
    return {verdict: count for verdict, count in counts.items() if count}
