"""A seeded random number generator that is reproducible across machines and Python versions."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

Choice = TypeVar("Choice")


class SeededRandom:
    """A random number generator with one named stream.

    Parameters
    ----------
    stream_name : str
        Name of the stream; every choice is a pure function of it.

    Notes
    -----
    Only `random.Random.random` is used, because Python guarantees no other sequence across
    versions. Templates draw from `core.programs.template_parameters` instead; the two must stay
    separate, because merging them would change the programs of every seed.
    """

    def __init__(self, stream_name: str):
        self._draw_fraction = random.Random(stream_name).random

    def sample_boolean(self, p: float) -> bool:
        """Return True with probability `p`."""
        return self._draw_fraction() < p

    def pick_option(self, options: Sequence[Choice]) -> Choice:
        """Return one of the options."""
        return options[int(self._draw_fraction() * len(options))]

    def pick_option_by_weight(self, options: Mapping[Choice, float]) -> Choice:
        """Return one of the keys, with probability proportional to its weight."""
        remaining_weight = self._draw_fraction() * sum(options.values())
        for option, weight in options.items():
            remaining_weight -= weight
            if remaining_weight < 0:
                return option
        return list(options)[-1]

    def pick_options_with_replacement(self, options: Sequence[Choice], count: int) -> list[Choice]:
        """Return `count` options, drawn with replacement."""
        return [self.pick_option(options) for _ in range(count)]

    def pick_options_without_replacement(
        self, options: Sequence[Choice], count: int
    ) -> list[Choice]:
        """Return up to `count` options, drawn without replacement, in random order."""
        remaining = list(options)
        return [
            remaining.pop(int(self._draw_fraction() * len(remaining)))
            for _ in range(min(count, len(options)))
        ]

    def shuffle_options(self, options: Sequence[Choice]) -> list[Choice]:
        """Return all options in random order."""
        return self.pick_options_without_replacement(options, len(options))

    def sample_integer(self, lo: int, hi: int) -> int:
        """Return a whole number from `lo` to `hi`, both included."""
        return lo + int(self._draw_fraction() * (hi - lo + 1))

    def sample_uniform(self, lo: float, hi: float, digits: int = 2) -> float:
        """Return a number from `lo` to `hi`, rounded to `digits` decimal places."""
        return round(lo + self._draw_fraction() * (hi - lo), digits)

    def sample_log_uniform(self, lo: float, hi: float, digits: int = 2) -> float:
        """Return a log-uniform number, rounded to `digits` significant figures."""
        value = math.exp(math.log(lo) + self._draw_fraction() * (math.log(hi) - math.log(lo)))
        return float(f"{value:.{digits - 1}e}")

    def sample_round_number(self, lo: float, hi: float) -> float:
        """Return a number from `lo` to `hi` as programmers write it, with one or two figures."""
        if hi - lo >= 8:
            value = self.sample_integer(math.ceil(lo), math.floor(hi))
            if self.sample_boolean(0.6):
                return min(max(5 * round(value / 5), math.ceil(lo)), math.floor(hi))
            return value
        return self.sample_uniform(lo, hi, 1 if hi - lo >= 0.5 and self.sample_boolean(0.65) else 2)
