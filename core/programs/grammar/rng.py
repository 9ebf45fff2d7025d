"""Seeded choices that are the same on every machine and every Python."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

Face = TypeVar("Face")


class Dice:
    """Choices drawn from one named stream.

    Parameters
    ----------
    stream : str
        Names the stream, of which every choice is a pure function.

    Notes
    -----
    Only `random.Random.random` is used: of its generator Python promises that
    sequence alone.
    """

    def __init__(self, stream: str):
        self._fraction = random.Random(stream).random

    def chance(self, p: float) -> bool:
        """Return True with probability `p`."""
        return self._fraction() < p

    def pick(self, options: Sequence[Face]) -> Face:
        """Return one of the options."""
        return options[int(self._fraction() * len(options))]

    def weighted(self, options: Mapping[Face, float]) -> Face:
        """Return one of the keys, in proportion to its weight."""
        left = self._fraction() * sum(options.values())
        for option, weight in options.items():
            left -= weight
            if left < 0:
                return option
        return next(reversed(options))

    def several(self, options: Sequence[Face], count: int) -> list[Face]:
        """Return `count` options; the same one may come again."""
        return [self.pick(options) for _ in range(count)]

    def distinct(self, options: Sequence[Face], count: int) -> list[Face]:
        """Return up to `count` different places of `options`, in random order."""
        left = list(options)
        return [left.pop(int(self._fraction() * len(left))) for _ in range(min(count, len(left)))]

    def shuffled(self, options: Sequence[Face]) -> list[Face]:
        """Return all options in random order."""
        return self.distinct(options, len(options))

    def integer(self, lo: int, hi: int) -> int:
        """Return a whole number from `lo` to `hi`, both included."""
        return lo + int(self._fraction() * (hi - lo + 1))

    def uniform(self, lo: float, hi: float, digits: int = 2) -> float:
        """Return a number from `lo` to `hi` with so many decimal places."""
        return round(lo + self._fraction() * (hi - lo), digits)

    def log(self, lo: float, hi: float, digits: int = 2) -> float:
        """Return a number whose logarithm is uniform, with so many significant figures."""
        value = math.exp(math.log(lo) + self._fraction() * (math.log(hi) - math.log(lo)))
        return float(f"{value:.{digits - 1}e}")

    def number(self, lo: float, hi: float) -> float:
        """Return a number as coarse as people write it: seldom more than two figures."""
        if hi - lo >= 8:
            value = self.integer(math.ceil(lo), math.floor(hi))
            return (
                min(max(5 * round(value / 5), math.ceil(lo)), math.floor(hi))
                if self.chance(0.6)
                else value
            )
        return self.uniform(lo, hi, 1 if hi - lo >= 0.5 and self.chance(0.65) else 2)
