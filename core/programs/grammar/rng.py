"""Seeded choices that are the same on every machine and every Python."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

Choice = TypeVar("Choice")


class SeededRandom:
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

    def __init__(self, stream_name: str):
        self._draw_fraction = random.Random(stream_name).random

    def chance(self, p: float) -> bool:
        """Return True with probability `p`."""
        return self._draw_fraction() < p

    def pick(self, options: Sequence[Choice]) -> Choice:
        """Return one of the options."""
        return options[int(self._draw_fraction() * len(options))]

    def pick_weighted(self, options: Mapping[Choice, float]) -> Choice:
        """Return one of the keys, in proportion to its weight."""
        left = self._draw_fraction() * sum(options.values())
        for option, weight in options.items():
            left -= weight
            if left < 0:
                return option
        return next(reversed(options))

    def pick_with_repeats(self, options: Sequence[Choice], count: int) -> list[Choice]:
        """Return `count` options; the same one may come again."""
        return [self.pick(options) for _ in range(count)]

    def pick_distinct(self, options: Sequence[Choice], count: int) -> list[Choice]:
        """Return up to `count` different places of `options`, in random order."""
        left = list(options)
        return [left.pop(int(self._draw_fraction() * len(left))) for _ in range(min(count, len(left)))]

    def shuffle_copy(self, options: Sequence[Choice]) -> list[Choice]:
        """Return all options in random order."""
        return self.pick_distinct(options, len(options))

    def draw_integer(self, lo: int, hi: int) -> int:
        """Return a whole number from `lo` to `hi`, both included."""
        return lo + int(self._draw_fraction() * (hi - lo + 1))

    def draw_uniform(self, lo: float, hi: float, digits: int = 2) -> float:
        """Return a number from `lo` to `hi` with so many decimal places."""
        return round(lo + self._draw_fraction() * (hi - lo), digits)

    def draw_log_uniform(self, lo: float, hi: float, digits: int = 2) -> float:
        """Return a number whose logarithm is uniform, with so many significant figures."""
        value = math.exp(math.log(lo) + self._draw_fraction() * (math.log(hi) - math.log(lo)))
        return float(f"{value:.{digits - 1}e}")

    def draw_round_number(self, lo: float, hi: float) -> float:
        """Return a number as coarse as people write it: seldom more than two figures."""
        if hi - lo >= 8:
            value = self.draw_integer(math.ceil(lo), math.floor(hi))
            return (
                min(max(5 * round(value / 5), math.ceil(lo)), math.floor(hi))
                if self.chance(0.6)
                else value
            )
        return self.draw_uniform(lo, hi, 1 if hi - lo >= 0.5 and self.chance(0.65) else 2)
