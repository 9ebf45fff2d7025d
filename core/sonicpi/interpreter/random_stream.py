"""Random numbers of a thread: the draws of Sonic Pi's random functions.

The rules are those of `SonicPi::Core::SPRand` and of `in_thread` in Sonic Pi 3.2.2: a thread has a
seed and counts its draws, and a new thread's seed follows from its parent's and from the number of
threads that the parent has started.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.sonicpi.interpreter.random_tables import TABLE_LENGTH, WHITE_SOURCE, get_random_number

MAX_PICKED_ELEMENTS = 4096


@dataclass
class RandomStream:
    """Random numbers of one thread.

    Attributes
    ----------
    seed : float
    draw_count : int
        Number of draws since the seed was set, less those that `rand_back` takes back.
    thread_count : int
        Number of threads that were started since the seed was set.
    source : str
        One of `random_tables.RANDOM_SOURCES`.
    """

    seed: float = 0.0
    draw_count: int = 0
    thread_count: int = 0
    source: str = WHITE_SOURCE

    def peek_at_next_random_number(self) -> float:
        """Return the next number in [0, 1), without a draw."""
        return get_random_number(self.source, self.seed + self.draw_count)

    def draw_random_number(self) -> float:
        """Draw a number in [0, 1)."""
        number = self.peek_at_next_random_number()
        self.draw_count += 1
        return number

    def draw_random_integer(self, limit: float) -> int:
        """Draw an integer from 0 to less than `limit`; of a negative limit, from above it to 0."""
        return int(self.draw_random_number() * limit)

    def restart_random_stream_from_seed(self, seed: float) -> None:
        """Start the numbers of another seed."""
        self.seed, self.draw_count, self.thread_count = seed, 0, 0

    def choose_random_element(self, elements: Sequence[Any]) -> Any:
        """Draw one element; None without elements."""
        index = self.draw_random_integer(len(elements))
        return elements[index] if elements else None

    def pick_random_elements(
        self, elements: Sequence[Any], count: int, skip_count: int = 0
    ) -> list[Any]:
        """Draw elements, each from all of them, after `skip_count` draws that are not used."""
        self.draw_count += max(0, skip_count)
        return [
            self.choose_random_element(elements) for _ in range(min(count, MAX_PICKED_ELEMENTS))
        ]

    def shuffle_elements(self, elements: Sequence[Any]) -> list[Any]:
        """Return the elements in random order: a single draw seeds as many swaps as elements."""
        swaps = RandomStream(self.draw_random_integer(TABLE_LENGTH), source=self.source)
        shuffled = list(elements)
        for _ in elements:
            first, second = (
                swaps.draw_random_integer(len(shuffled)),
                swaps.draw_random_integer(len(shuffled)),
            )
            shuffled[first], shuffled[second] = shuffled[second], shuffled[first]
        return shuffled

    def create_stream_for_new_thread(self, seed: float | None = None) -> RandomStream:
        """Return the random numbers of a new thread.

        Parameters
        ----------
        seed : float, optional
            Option `seed:` of `in_thread`. Default: the next seed of this stream.
        """
        if seed is None:
            index = self.seed + self.thread_count
            seed = get_random_number(self.source, index) * TABLE_LENGTH
            self.thread_count += 1
        return replace(self, seed=self.seed + seed, draw_count=0)
