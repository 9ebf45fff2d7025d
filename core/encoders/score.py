"""The score encoder: runs a program in the sandbox, plays nothing, and describes its score.

It is no code encoder in the strict sense: the program is executed, as for rendering, though
nothing is synthesised. A program that fails has the vector of a silent one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from core.encoders.base import EmbedError, Encoder
from core.encoders.registry import EncoderEntry
from core.encoders.score_features import features
from core.sonicpi.score_events import SECONDS, sounds_of


class ScoreEncoder(Encoder):
    """Features of what a program sends to scsynth."""

    def __init__(self, entry: EncoderEntry, compute: object = None):
        super().__init__(entry)

    def _embedded(self, items: Sequence[str]) -> Iterator[tuple[list[int], np.ndarray]]:
        from core.sonicpi import RenderError, events

        for place, source in enumerate(items):
            if not isinstance(source, str):
                raise EmbedError(f"A program is text, not {type(source).__name__}.", place)
            try:
                sounds = sounds_of(events(source, SECONDS))
            except RenderError:
                sounds = []
            yield [place], features(sounds)[None]
