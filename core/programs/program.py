"""One Sonic Pi source and where it came from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

ParameterValue = str | int | float | bool


@dataclass(frozen=True)
class Program:
    """A Sonic Pi source, and how it was made if a template made it.

    Parameters
    ----------
    source : str
        Sonic Pi code.
    name : str
        For people: "02_1_beeps-0007". Unique within one call of `generate`.
    template : str
        Id of its template, "" if no template made it.
    role : str
        "melody", "bass", "drums", "chords", "ambience" or "".
    parameters : mapping of str to str, int, float or bool
        What was drawn, by parameter, in the order of drawing. Rendering the
        template with exactly these values gives this source again.
    seed : int or None
        The seed that was given to `generate`.
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
