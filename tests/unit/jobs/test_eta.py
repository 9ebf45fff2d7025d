"""Rates and remaining times, on a clock of the test's own."""

from core.jobs.eta import Pace


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def paced(window: float = 30.0) -> tuple[Clock, Pace]:
    clock = Clock()
    return clock, Pace(window=window, clock=clock)


def test_nothing_is_claimed_before_there_is_anything_to_go_by():
    clock, pace = paced()
    assert pace.rate is None and pace.remaining(10) is None
    pace.saw(0)
    clock.now = 3
    assert pace.rate is None and pace.remaining(10) is None


def test_a_steady_step():
    clock, pace = paced()
    for done in range(11):
        clock.now = 2.0 * done
        pace.saw(done)
    assert pace.rate == 0.5
    assert pace.remaining(40) == 60.0


def test_only_the_recent_past_counts():
    clock, pace = paced(window=10)
    for done in range(1001):  # a thousand at once, from a cache
        pace.saw(done)
    for done in range(1001, 1101):
        clock.now += 1
        pace.saw(done)
    assert 0.9 < pace.rate < 1.1


def test_a_resumed_step_does_not_count_what_was_done_before():
    clock, pace = paced()
    pace.saw(200)
    clock.now = 10
    pace.saw(205)
    assert pace.rate == 0.5 and pace.remaining(210) == 10


def test_a_step_that_stalls_gets_slower():
    clock, pace = paced()
    pace.saw(0)
    clock.now = 1
    pace.saw(10)
    before = pace.remaining(20)
    clock.now = 100
    assert pace.remaining(20) > before


def test_a_step_that_begins_again_is_timed_anew():
    clock, pace = paced()
    pace.saw(100)
    clock.now = 1
    pace.saw(3)
    assert pace.rate is None


def test_memory_stays_small_however_many_units():
    clock, pace = paced()
    for done in range(100_000):
        clock.now += 0.001
        pace.saw(done)
    assert len(pace._seen) < 200
    assert 999 < pace.rate < 1001
