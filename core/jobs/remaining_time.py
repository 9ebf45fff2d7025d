"""Rate and remaining time of a step, estimated from its recent progress."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

REMAINING_MARGIN = 1.2


class RateEstimator:
    """Estimates the rate at which the units of one step are finished.

    Parameters
    ----------
    window_s : float
        Seconds that count as recent. Cached units at the start of a step finish much faster than
        the rest, so older observations are dropped.
    clock : callable
        Returns seconds. Monotonic, because the system time may be set back.

    Examples
    --------
    >>> seconds = iter([0.0, 10.0, 10.0, 10.0])
    >>> estimator = RateEstimator(clock=lambda: next(seconds))
    >>> estimator.record_done_count(0)
    >>> estimator.record_done_count(5)
    >>> estimator.units_per_second
    0.5
    >>> estimator.estimate_remaining_s(total=8)
    6.0
    """

    def __init__(self, window_s: float = 30.0, clock: Callable[[], float] = time.monotonic):
        self._window_s = window_s
        self._clock = clock
        self._observations: deque[tuple[float, int]] = deque()  # seconds, finished units

    def record_done_count(self, done: int) -> None:
        """Record that `done` units are finished now; a lower count restarts the estimate."""
        now = self._clock()
        if self._observations and done < self._observations[-1][1]:
            self._observations.clear()
        # Units that finish within 1 % of the window share one observation, to bound the memory.
        if len(self._observations) > 1 and now - self._observations[-2][0] < self._window_s / 100:
            self._observations.pop()
        self._observations.append((now, done))
        while len(self._observations) > 2 and now - self._observations[1][0] > self._window_s:
            self._observations.popleft()

    @property
    def units_per_second(self) -> float | None:
        """Units per second over the recent past; None before the second observation."""
        if len(self._observations) < 2:
            return None
        first_time, first_done = self._observations[0]
        last_done = self._observations[-1][1]
        # Measured until now, so that the rate of a stalled step falls.
        seconds = self._clock() - first_time
        is_measurable = seconds > 0 and last_done > first_done
        return (last_done - first_done) / seconds if is_measurable else None

    def estimate_remaining_range_s(self, total: int) -> tuple[float, float] | None:
        """Return the least and most seconds until `total` units are finished, if known.

        The ends follow from the fastest and the slowest of the rate of the whole window and that of
        its newer half, with a margin of a fifth: on a busy machine the two differ.
        """
        rates = [self.units_per_second, self._compute_newer_rate()]
        known_rates = [rate for rate in rates if rate]
        if not known_rates:
            return None
        missing = max(0, total - self._observations[-1][1])
        return missing / max(known_rates) / REMAINING_MARGIN, (
            missing / min(known_rates) * REMAINING_MARGIN
        )

    def _compute_newer_rate(self) -> float | None:
        """Return the units per second since the middle of the observations; None if unknown."""
        if len(self._observations) < 4:
            return None
        middle_time, middle_done = self._observations[len(self._observations) // 2]
        seconds = self._observations[-1][0] - middle_time
        units = self._observations[-1][1] - middle_done
        return units / seconds if seconds > 0 and units > 0 else None

    def estimate_remaining_s(self, total: int) -> float | None:
        """Return the seconds until `total` units are finished at the recent rate, if known."""
        rate = self.units_per_second
        if rate is None:
            return None
        return max(0.0, (total - self._observations[-1][1]) / rate)
