"""The `score` encoder: features of the synth events of a sandboxed run without synthesis.

Unlike the other code encoders it executes the program, as rendering does. A program that fails has
the vector of a silent one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from core.encoders.encoder_interface import Encoder, validate_source_text
from core.encoders.score_features import compute_score_features
from core.sonicpi import RenderError, collect_osc_messages
from core.sonicpi.score_events import MAX_SCORE_SECONDS, parse_score_events_from_osc_messages


class ScoreEncoder(Encoder):
    """Features of the messages that a program sends to scsynth."""

    def _iterate_embedded_batches(
        self, items: Sequence[str]
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        for index, source in enumerate(items):
            # Rendering has a limit of its own, and a program above it counts as one that fails.
            validate_source_text(source, index, max_chars=None)
            try:
                events = parse_score_events_from_osc_messages(
                    collect_osc_messages(source, MAX_SCORE_SECONDS)
                )
            except RenderError:
                events = []
            yield [index], compute_score_features(events)[None]
