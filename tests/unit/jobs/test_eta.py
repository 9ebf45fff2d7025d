"""Rates and remaining times, on a clock of the test's own."""

from core.jobs.eta import RateEstimator


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def paced(window: float = 30.0) -> tuple[Clock, RateEstimator]:
    clock = Clock()
    return clock, RateEstimator(window_s=window, clock=clock)


def test_nothing_is_claimed_before_there_is_anything_to_go_by():
    clock, pace = paced()
    assert pace.rate is None and pace.estimate_remaining_s(10) is None
    pace.record_done_count(0)
    clock.now = 3
    assert pace.rate is None and pace.estimate_remaining_s(10) is None


def test_a_steady_step():
    clock, pace = paced()
    for done in range(11):
        clock.now = 2.0 * done
        pace.record_done_count(done)
    assert pace.rate == 0.5
    assert pace.estimate_remaining_s(40) == 60.0


def test_only_the_recent_past_counts():
    clock, pace = paced(window=10)
    for done in range(1001):  # a thousand at once, from a cache
        pace.record_done_count(done)
    for done in range(1001, 1101):
        clock.now += 1
        pace.record_done_count(done)
    assert 0.9 < pace.rate < 1.1


def test_a_resumed_step_does_not_count_what_was_done_before():
    clock, pace = paced()
    pace.record_done_count(200)
    clock.now = 10
    pace.record_done_count(205)
    assert pace.rate == 0.5 and pace.estimate_remaining_s(210) == 10


def test_a_step_that_stalls_gets_slower():
    clock, pace = paced()
    pace.record_done_count(0)
    clock.now = 1
    pace.record_done_count(10)
    before = pace.estimate_remaining_s(20)
    clock.now = 100
    assert pace.estimate_remaining_s(20) > before


def test_a_step_that_begins_again_is_timed_anew():
    clock, pace = paced()
    pace.record_done_count(100)
    clock.now = 1
    pace.record_done_count(3)
    assert pace.rate is None


def test_memory_stays_small_however_many_units():
    clock, pace = paced()
    for done in range(100_000):
        clock.now += 0.001
        pace.record_done_count(done)
    assert len(pace._observations) < 200
    assert 999 < pace.rate < 1001
