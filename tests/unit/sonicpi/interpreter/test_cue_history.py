"""Cues are found in the order of time, priority, thread and number."""

from __future__ import annotations

from fractions import Fraction

from core.sonicpi.interpreter.cue_history import MAX_CUES_PER_NAME, CueHistory, CuePosition


def position(seconds: float, priority: int = 0, path: int = 0, number: int = 0) -> CuePosition:
    """Return a position with the time of a float."""
    return (Fraction(seconds), priority, (path,), number)


def build_history(*positions: CuePosition) -> CueHistory:
    """Return a history whose values are the indices of the positions."""
    history = CueHistory()
    for index, cue_position in enumerate(positions):
        history.add_cue(cue_position, index, 60.0)
    return history


def find_next_value(history: CueHistory, cue_position: CuePosition) -> object:
    """Return the value of the next cue; None without one."""
    cue = history.find_next_cue(cue_position)
    return cue.value if cue else None


def test_next_cue_is_the_earliest_whatever_the_order_of_additions():
    history = build_history(position(3), position(1), position(2))
    assert [find_next_value(history, position(time)) for time in (0, 1, 2, 3)] == [1, 2, 0, None]


def test_cues_of_one_time_are_ordered_by_priority_thread_and_number():
    history = build_history(position(1, path=2), position(1, -100, 5), position(1, 0, 1, 3))
    assert find_next_value(history, position(1, 0, 0)) == 2
    assert find_next_value(history, position(1, 0, 1, 3)) == 0
    assert find_next_value(history, position(1, 0, 3)) is None
    assert find_next_value(history, position(0.5)) == 1


def test_times_are_compared_exactly():
    tenth_sum = (Fraction(0.1) + Fraction(0.2), 0, (0,), 0)
    history = build_history(tenth_sum)
    assert find_next_value(history, position(0.3, path=9)) == 0
    assert find_next_value(history, position(0.1 + 0.2)) is None


def test_latest_cue_is_at_the_position_or_before():
    history = build_history(position(1), position(2), position(2, path=4))
    latest = [history.find_latest_cue(position(time, path=2)) for time in (0.5, 1, 2, 9)]
    assert [cue and cue.value for cue in latest] == [None, 0, 1, 2]


def test_a_cue_of_a_thread_that_runs_again_is_replaced():
    history = build_history(position(1), position(1))
    assert len(history.cues) == 1 and history.cues[0].value == 1


def test_number_of_cues_is_limited():
    history = build_history(*(position(index) for index in range(MAX_CUES_PER_NAME + 5)))
    assert len(history.cues) == MAX_CUES_PER_NAME
