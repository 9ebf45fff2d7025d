"""Random streams with the distributions of Sonic Pi's random sources.

The interpreter does not read Sonic Pi's tables of random numbers. Its numbers differ from the ones
that a program draws, and have their mean, deviation and correlation.
"""

from __future__ import annotations

import math
import random
from typing import Any

WHITE_SOURCE = "white"
# Deviation of the numbers, and correlation of successive numbers.
SOURCE_STATISTICS = {
    "light_pink": (0.111, 0.37),
    "pink": (0.120, 0.87),
    "dark_pink": (0.143, 0.997),
    "perlin": (0.181, 0.981),
}
RANDOM_SOURCES = (WHITE_SOURCE, *SOURCE_STATISTICS)
LARGEST_NUMBER = 1 - 2**-15


class CorrelatedRandom(random.Random):
    """Random numbers around .5 that drift: a Gaussian autoregressive process of order 1.

    Parameters
    ----------
    seed : int
        Seed of the stream.
    deviation : float
        Standard deviation of the numbers.
    correlation : float
        Correlation of successive numbers, 0 to 1.
    """

    def __init__(self, seed: int, deviation: float, correlation: float):
        self.deviation, self.correlation = deviation, correlation
        super().__init__(seed)

    def seed(self, a: Any = None, version: int = 2) -> None:  # noqa: ARG002 - the base's signature
        """Restart the stream."""
        self._white_noise = random.Random(a)
        self._level = self._white_noise.gauss(0, 1)

    def random(self) -> float:
        """Return the next number, in [0, 1)."""
        number = 0.5 + self.deviation * self._level
        innovation = math.sqrt(1 - self.correlation**2) * self._white_noise.gauss(0, 1)
        self._level = self.correlation * self._level + innovation
        return min(max(number, 0.0), LARGEST_NUMBER)

    def _randbelow(self, n: int) -> int:
        # All integer draws of the base class call this. Its own version reads the low bits of a
        # number, which do not drift.
        return int(self.random() * n)


def create_random_stream(source: str, seed: int) -> random.Random:
    """Return the stream of a random source; of an unknown source, white noise.

    Parameters
    ----------
    source : str
        One of `RANDOM_SOURCES`.
    seed : int
        Seed of the stream.
    """
    statistics = SOURCE_STATISTICS.get(source)
    return CorrelatedRandom(seed, *statistics) if statistics else random.Random(seed)
