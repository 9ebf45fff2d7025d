"""Numbers of Sonic Pi's random sources, by index.

Sonic Pi draws all random numbers from a table of white noise. The table is read from the installed
Sonic Pi, so that the interpreter draws the numbers that the program draws. Where Sonic Pi is not
installed, Python's random numbers take the place of the table: their distribution is the same, the
numbers are not. The other sources are computed as the renderer computes them
(`host/random_sources.rb`), from the same table.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

TABLE_LENGTH = 441_000
TABLES_FOLDER = Path("/usr/share/sonic-pi/buffers")
WHITE_SOURCE = "white"
RANDOM_SOURCES = (WHITE_SOURCE, "light_pink", "pink", "dark_pink", "perlin")
# The tables hold 16-bit samples.
TABLE_LEVELS = 32_768
# Each layer of a noise reads its own part of the table.
LAYER_DISTANCE = 104_729
FADE_LENGTH = 30  # numbers after documented ones, over which the noise takes over
PERLIN_PERIODS = (30.0, 15.0, 7.5, 3.75)
PERLIN_RANGE = 1.875  # the largest sum of the octaves' amplitudes


def get_random_number(source: str, index: float) -> float:
    """Return a random number in [0, 1).

    Parameters
    ----------
    source : str
        One of `RANDOM_SOURCES`.
    index : float
        Sum of a thread's seed and of the count of its draws. The table is cyclic.
    """
    # Sonic Pi skips the first number of its table.
    position = int((index + 1) % TABLE_LENGTH) % TABLE_LENGTH
    if source == WHITE_SOURCE:
        return load_white_noise()[position]
    return _get_coloured_noise_number(source, position)


@cache
def load_white_noise() -> list[float]:
    """Return the table of white noise: `TABLE_LENGTH` numbers in [0, 1)."""
    table = _read_random_table(WHITE_SOURCE)
    if table is not None:
        return table
    generator = random.Random(0)
    return [generator.randrange(TABLE_LEVELS) / TABLE_LEVELS for _ in range(TABLE_LENGTH)]


def _find_random_table_path(source: str) -> Path:
    suffix = "" if source == WHITE_SOURCE else f"-{source.replace('_', '-')}"
    return TABLES_FOLDER / f"rand-stream{suffix}.wav"


@cache
def _read_random_table(source: str) -> list[float] | None:
    """Return the installed table of a source; None where there is none."""
    try:
        numbers, _ = soundfile.read(
            _find_random_table_path(source), dtype="float64", always_2d=True
        )
    except (OSError, soundfile.LibsndfileError):
        return None
    table: list[float] = np.resize(numbers[:, 0], TABLE_LENGTH).tolist()
    return table


@cache
def _get_coloured_noise_number(source: str, position: int) -> float:
    table = _read_random_table(source)
    if table is not None:
        return table[position]
    level = math.floor(_NOISE_BY_SOURCE[source](position) * TABLE_LEVELS)
    return min(max(level, 0), TABLE_LEVELS - 1) / TABLE_LEVELS


def _get_perlin_lattice_value(layer: int, position: int) -> float:
    return 2 * load_white_noise()[(position + layer * LAYER_DISTANCE) % TABLE_LENGTH] - 1


def _interpolate_smoothly(first: float, last: float, position: float) -> float:
    return first + (last - first) * position * position * (3 - 2 * position)


@dataclass(frozen=True)
class ColouredNoise:
    """Noise whose power falls as 1 / frequency ** exponent.

    It is a sum of layers, each of half the speed of the one before and 2 ** ((exponent - 1) / 2)
    times as loud.

    Attributes
    ----------
    exponent : float
    white_weight : float
        Weight of the fastest layer.
    spread, centre : float
        Give the sum the deviation and the mean of the source's table.
    """

    exponent: float
    white_weight: float
    spread: float
    centre: float
    layer_count: int = 16

    def __call__(self, position: int) -> float:
        """Return the noise at a position."""
        weights = [
            2 ** (layer * (self.exponent - 1) / 2) * self.spread
            for layer in range(self.layer_count)
        ]
        total = self.centre + weights[0] * self.white_weight * _get_perlin_lattice_value(
            0, position
        )
        for layer in range(1, self.layer_count):
            node, rest = divmod(position, 1 << layer)
            first, last = (_get_perlin_lattice_value(layer, node + step) for step in (0, 1))
            total += weights[layer] * _interpolate_smoothly(first, last, rest / (1 << layer))
        return total


def _compute_perlin_noise(position: int) -> float:
    """Return one-dimensional gradient noise (Ken Perlin, 1985) of four octaves."""
    total = 0.0
    for octave, period in enumerate(PERLIN_PERIODS):
        node, rest = divmod(position / period, 1)
        rising = _get_perlin_lattice_value(octave, int(node)) * rest
        falling = _get_perlin_lattice_value(octave, int(node) + 1) * (rest - 1)
        total += 2 * _interpolate_smoothly(rising, falling, rest) / (1 << octave)
    level = (total / PERLIN_RANGE + 1) / 2
    return _interpolate_smoothly(0, 1, _interpolate_smoothly(0, 1, level))


@dataclass(frozen=True)
class DocumentedNoise:
    """Noise that begins with the numbers of Sonic Pi's documentation, and continues smoothly.

    Attributes
    ----------
    noise : callable
    numbers : tuple of float
        From position 1 on, the first that a thread without a seed draws.
    """

    noise: Callable[[int], float]
    numbers: tuple[float, ...]

    def __call__(self, position: int) -> float:
        """Return the noise at a position."""
        count = len(self.numbers)
        if 1 <= position <= count:
            return self.numbers[position - 1]
        difference = self.numbers[-1] - self.noise(count)
        distance = position - count
        fade = 1 - distance / FADE_LENGTH if 0 <= distance <= FADE_LENGTH else 0.0
        return self.noise(position) + difference * fade


_NOISE_BY_SOURCE: dict[str, Callable[[int], float]] = {
    "light_pink": ColouredNoise(0.5, 1.4, 0.09974, 0.50492),
    "pink": DocumentedNoise(
        ColouredNoise(1.0, 1.05, 0.061845, 0.5246), (0.47808837890625, 0.56011962890625)
    ),
    "dark_pink": ColouredNoise(1.5, 1.0, 0.01267, 0.5529),
    "perlin": DocumentedNoise(
        _compute_perlin_noise,
        (0.546478271484375, 0.573150634765625, 0.58526611328125, 0.597015380859375),
    ),
}
