"""How fast a step goes and how long it will still take, from its recent speed."""

from __future__ import annotations

import time
from collections import deque
from typing import Callable


class RateEstimator:
    """Follows one step's count of finished units.

    Parameters
    ----------
    window : float
        Seconds that count as recent. What is slow now was perhaps fast at first,
        when everything was cached; the past must not flatter the present.
    clock : callable
        Returns seconds; monotonic, since the time of day may be set back.
    """

    def __init__(self, window_s: float = 30.0, clock: Callable[[], float] = time.monotonic):
        self._window_s = window_s
        self._clock = clock
        self._observations: deque[tuple[float, int]] = deque()

    def record_done_count(self, done: int) -> None:
        """Note that `done` units are finished now."""
        now = self._clock()
        if self._observations and done < self._observations[-1][1]:
            self._observations.clear()
        # Several units within a moment are one observation: memory stays small.
        if len(self._observations) > 1 and now - self._observations[-2][0] < self._window_s / 100:
            self._observations.pop()
        self._observations.append((now, done))
        while len(self._observations) > 2 and now - self._observations[1][0] > self._window_s:
            self._observations.popleft()

    @property
    def rate(self) -> float | None:
        """Units a second over the recent past; None before there is anything to go by."""
        if len(self._observations) < 2:
            return None
        (then, before), (_, after) = self._observations[0], self._observations[-1]
        # Up to now, not up to the last unit: a step that stalls gets slower as it does.
        seconds = self._clock() - then
        return (after - before) / seconds if seconds > 0 and after > before else None

    def estimate_remaining_s(self, total: int) -> float | None:
        """Seconds until `total` units are finished at the recent rate; None if unknown."""
        rate = self.rate
        if rate is None:
            return None
        return max(0.0, (total - self._observations[-1][1]) / rate)
