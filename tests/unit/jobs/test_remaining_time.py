"""Rates and remaining times, with a clock that the tests set."""

from core.jobs.remaining_time import RateEstimator


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def make_estimator(window_s: float = 30.0) -> tuple[Clock, RateEstimator]:
    clock = Clock()
    return clock, RateEstimator(window_s=window_s, clock=clock)


def test_the_rate_is_unknown_before_the_second_unit():
    clock, estimator = make_estimator()
    assert estimator.units_per_second is None and estimator.estimate_remaining_s(10) is None
    estimator.record_done_count(0)
    clock.now = 3
    assert estimator.units_per_second is None and estimator.estimate_remaining_s(10) is None


def test_a_steady_step_has_its_rate_and_remaining_time():
    clock, estimator = make_estimator()
    for done in range(11):
        clock.now = 2.0 * done
        estimator.record_done_count(done)
    assert estimator.units_per_second == 0.5
    assert estimator.estimate_remaining_s(40) == 60.0


def test_only_recent_units_count():
    clock, estimator = make_estimator(window_s=10)
    for done in range(1001):  # a thousand cached units at once
        estimator.record_done_count(done)
    for done in range(1001, 1101):
        clock.now += 1
        estimator.record_done_count(done)
    assert 0.9 < estimator.units_per_second < 1.1


def test_a_resumed_step_does_not_count_earlier_units():
    clock, estimator = make_estimator()
    estimator.record_done_count(200)
    clock.now = 10
    estimator.record_done_count(205)
    assert estimator.units_per_second == 0.5 and estimator.estimate_remaining_s(210) == 10


def test_the_remaining_time_of_a_stalled_step_grows():
    clock, estimator = make_estimator()
    estimator.record_done_count(0)
    clock.now = 1
    estimator.record_done_count(10)
    before = estimator.estimate_remaining_s(20)
    clock.now = 100
    assert estimator.estimate_remaining_s(20) > before


def test_a_restarted_step_restarts_the_estimate():
    clock, estimator = make_estimator()
    estimator.record_done_count(100)
    clock.now = 1
    estimator.record_done_count(3)
    assert estimator.units_per_second is None


def test_memory_is_bounded_for_many_units():
    clock, estimator = make_estimator()
    for done in range(100_000):
        clock.now += 0.001
        estimator.record_done_count(done)
    assert len(estimator._observations) < 200
    assert 999 < estimator.units_per_second < 1001


def test_the_range_of_a_steady_step_is_narrow_and_that_of_a_slower_one_wide() -> None:
    clock, estimator = make_estimator()
    assert estimator.estimate_remaining_range_s(10) is None
    for done in range(11):
        clock.now = 2.0 * done
        estimator.record_done_count(done)
    low, high = estimator.estimate_remaining_range_s(40) or (0, 0)
    assert low == 50.0 and high == 72.0  # 60 s, with a margin of a fifth.
    for done in range(11, 15):  # The machine is busy now: a tenth of the speed.
        clock.now += 20.0
        estimator.record_done_count(done)
    _, busy_high = estimator.estimate_remaining_range_s(40) or (0, 0)
    assert busy_high > 5 * high
