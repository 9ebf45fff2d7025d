"""Targets that suggestions reach, by program, kind of program and method."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.studies.suggestion_study_measurements import OURS, RANDOM, UPPER_BOUND
from core.studies.suggestion_study_target_hits import (
    NEAREST_RENDERED_PICK,
    NEAREST_RENDERED_RANDOM,
    list_reached_gains,
    summarize_target_hits_by_kind,
    summarize_target_hits_by_method,
    summarize_target_hits_by_program,
)


@pytest.fixture
def hits() -> pd.DataFrame:
    """Two programs with two targets each; no candidate is nearer to the last target."""
    columns = ["program", "kind", "style", "method", "nearer", "reachable", "gain", "best gain"]
    rows = [
        ("a", "grammar", "a", OURS, 1.0, 1.0, 0.2, 0.4, 0.1),
        ("a", "grammar", "a", OURS, 0.0, 1.0, -0.1, 0.4, 0.5),
        ("b", "examples", "b", OURS, 1.0, 1.0, 0.2, 0.2, 0.0),
        ("b", "examples", "b", OURS, 0.0, 0.0, -0.3, -0.1, 0.5),
        ("a", "grammar", "a", UPPER_BOUND, 1.0, 1.0, 0.4, 0.4, 0.0),
    ]
    return pd.DataFrame(rows, columns=[*columns, "rank"])


def test_targets_that_no_candidate_reaches_are_counted_apart(hits: pd.DataFrame) -> None:
    table = summarize_target_hits_by_program(hits).set_index("program")
    assert table.loc["b", ["nearer", "reachable", "nearer of reachable"]].tolist() == [0.5, 0.5, 1]
    assert table.loc["a", ["nearer", "reachable", "nearer of reachable"]].tolist() == [0.5, 1, 0.5]


def test_the_gain_is_a_share_of_that_of_the_truly_nearest_candidates(hits: pd.DataFrame) -> None:
    table = summarize_target_hits_by_program(hits).set_index("program")
    assert table.loc["a", "share of possible gain"] == pytest.approx((0.2 - 0.1) / 0.8)
    # A target that cannot be reached adds nothing to what is possible.
    assert table.loc["b", "share of possible gain"] == pytest.approx((0.2 - 0.3) / 0.2)
    bound = summarize_target_hits_by_method(hits).set_index("method").loc[UPPER_BOUND]
    assert bound["share of possible gain"] == pytest.approx(1)


def test_kinds_of_programs_are_counted_by_method(hits: pd.DataFrame) -> None:
    table = summarize_target_hits_by_kind(hits).set_index(["kind", "method"])
    assert table.loc[("grammar", OURS), "targets"] == 2
    assert table.loc[("grammar", OURS), "median rank share"] == pytest.approx(0.3)
    assert table.loc[("examples", OURS), "nearer"] == 0.5


def test_of_rendered_picks_the_truly_nearest_counts() -> None:
    gains = np.array([-0.2, 0.1, 0.3, -0.1, 0.0, 0.2, 0.9, -0.4])
    scores = {OURS: np.arange(8, 0, -1)}  # the first six candidates, in this order
    reached = list_reached_gains(scores, gains, 0)
    assert reached[OURS].tolist() == [-0.2]
    assert reached[NEAREST_RENDERED_PICK].tolist() == [0.3]
    assert reached[UPPER_BOUND].tolist() == [0.9]
    assert reached[RANDOM].tolist() == gains.tolist()
    # Six of eight candidates contain one of the three best, and the very best in 6 of 8 draws.
    random = reached[NEAREST_RENDERED_RANDOM]
    assert set(random.tolist()) <= {0.2, 0.3, 0.9} and 0.5 < (random == 0.9).mean() < 1
