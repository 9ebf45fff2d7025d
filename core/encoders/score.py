"""The score encoder: runs a program in the sandbox, plays nothing, and describes its score.

It is no code encoder in the strict sense: the program is executed, as for rendering, though
nothing is synthesised. A program that fails has the vector of a silent one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from core.encoders.base import EmbedError, Encoder
from core.encoders.registry import EncoderSpec
from core.encoders.score_features import compute_score_features
from core.sonicpi.score_events import MAX_SCORE_SECONDS, extract_score_events


class ScoreEncoder(Encoder):
    """Features of what a program sends to scsynth."""

    def __init__(self, spec: EncoderSpec, compute: object = None):
        super().__init__(spec)

    def _embed_batches(self, items: Sequence[str]) -> Iterator[tuple[list[int], np.ndarray]]:
        from core.sonicpi import RenderError, collect_osc_messages

        for place, source in enumerate(items):
            if not isinstance(source, str):
                raise EmbedError(f"A program is text, not {type(source).__name__}.", place)
            try:
                sounds = extract_score_events(collect_osc_messages(source, MAX_SCORE_SECONDS))
            except RenderError:
                sounds = []
            yield [place], compute_score_features(sounds)[None]
