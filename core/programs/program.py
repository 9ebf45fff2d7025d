"""A Sonic Pi program: its source, template, parameters and seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.errors import EarshotError

ParameterValue = str | int | float | bool
MAX_PROGRAMS = 1_000_000  # programs per call of `generate` or `compose_programs`


@dataclass(frozen=True)
class Program:
    """A Sonic Pi source and its origin.

    Parameters
    ----------
    source : str
        Sonic Pi code.
    name : str
        Display name, such as "02_1_beeps-0007". Unique within one call of `generate`.
    template : str
        Id of the template or grammar style; "" if the program has neither.
    role : str
        "melody", "bass", "drums", "chords", "ambience" or "".
    parameters : mapping of str to str, int, float or bool
        Drawn values by parameter, in the order of drawing. Rendering the template with exactly
        these values gives the same source.
    seed : int or None
        Seed of the call that generated the program.
    """

    source: str
    name: str
    template: str = ""
    role: str = ""
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    seed: int | None = None

    @property
    def id(self) -> str:
        """First 32 hex digits of the SHA-256 of the source: equal code, equal id."""
        return hashlib.sha256(self.source.encode("utf-8")).hexdigest()[:32]


def validate_count_and_seed(count: int, seed: int) -> None:
    """Raise an error unless a number of programs and a seed are valid.

    Parameters
    ----------
    count : int
        Number of programs, 0 to `MAX_PROGRAMS`.
    seed : int
        Any integer.

    Raises
    ------
    EarshotError
        If either is not an integer, or the count is out of range.
    """
    are_integers = isinstance(count, int) and isinstance(seed, int) and not isinstance(count, bool)
    if not are_integers or not 0 <= count <= MAX_PROGRAMS:
        raise EarshotError(
            f"{count!r} programs with seed {seed!r} cannot be made.",
            remedy=f"Give whole numbers, and a count from 0 to {MAX_PROGRAMS:,}.",
        )
