"""The `simulation` encoder: what a cheap simulation of the program's sound predicts.

The static interpreter finds the events of a program, and `core.encoders.simulation` adds up the
measured profiles of their synths, samples and FX. No sound is synthesized.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import numpy as np

from core.blas_thread_limit import limit_blas_to_one_thread
from core.encoders.aspect_vectors import compute_aspect_vector
from core.encoders.encoder_interface import Encoder, validate_source_text
from core.encoders.simulation.dry_and_wet_sound_mixing import MixedSound
from core.encoders.simulation.program_simulation import simulate_program
from core.encoders.simulation.simulated_features import (
    compute_pitch_class_shares,
    compute_simulated_features,
)
from core.encoders.simulation.third_octave_bands import BAND_COUNT
from core.sonicpi.interpreter import interpret_program
from core.sonicpi.score_events import MAX_SCORE_SECONDS, ScoreEvent

CACHE_SIZE = 16


class SimulationEncoder(Encoder):
    """Simulated descriptors, spectrum, rhythm and pitch of a program."""

    def _iterate_embedded_batches(
        self, items: Sequence[str]
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        for index, source in enumerate(items):
            yield [index], simulate_program_source(validate_source_text(source, index))[None]


# By source, and by source and seconds.
_known_vectors: ContextVar[tuple[dict[str, np.ndarray], dict[tuple[str, float], np.ndarray]]] = (
    ContextVar("known_vectors", default=({}, {}))
)


@contextmanager
def reuse_simulated_sources(
    sources: Sequence[str],
    features: np.ndarray,
    aspects: np.ndarray | None = None,
    seconds: float | None = None,
) -> Iterator[None]:
    """Let `simulate_program_source` and `simulate_aspects` return these rows.

    Parameters
    ----------
    sources : sequence of str
    features : float32 [n, SIMULATION_DIM]
    aspects : float32 [n, ASPECT_VECTOR_DIM], optional
        Of clips of the length `seconds`.
    seconds : float, optional
    """
    aspects_by_source = {}
    if aspects is not None and seconds is not None:
        aspects_by_source = {(source, seconds): row for source, row in zip(sources, aspects)}
    token = _known_vectors.set((dict(zip(sources, features)), aspects_by_source))
    try:
        yield
    finally:
        _known_vectors.reset(token)


def simulate_program_source(source: str) -> np.ndarray:
    """Return the vector of a program, float32 [SIMULATION_DIM]."""
    vector = _known_vectors.get()[0].get(source)
    if vector is not None:
        return vector
    events = interpret_program(source).events
    with limit_blas_to_one_thread():
        sound = _simulate_cached_source(source, MAX_SCORE_SECONDS)
        return compute_simulated_features(sound, events)


def simulate_aspects(source: str, seconds: float = MAX_SCORE_SECONDS) -> np.ndarray:
    """Return the aspects of a program's simulated sound, float32 [ASPECT_VECTOR_DIM].

    Parameters
    ----------
    source : str
    seconds : float
        Length of the clips that it is compared with, of which 18 s are simulated at most.
    """
    vector = _known_vectors.get()[1].get((source, seconds))
    if vector is not None:
        return vector
    seconds = min(seconds, MAX_SCORE_SECONDS)
    events = _list_events_in_clip(source, seconds)
    with limit_blas_to_one_thread():
        power = _simulate_cached_source(source, seconds).power[:, :BAND_COUNT]
        return compute_aspect_vector(power, compute_pitch_class_shares(events))


# A prediction uses the sound of its snippet more than once.
@lru_cache(maxsize=CACHE_SIZE)
def _simulate_cached_source(source: str, seconds: float) -> MixedSound:
    changes = interpret_program(source).mixer_changes
    return simulate_program(_list_events_in_clip(source, seconds), seconds, changes)


def _list_events_in_clip(source: str, seconds: float) -> list[ScoreEvent]:
    """Return the events of the clip, which begins at their time 0."""
    return [event for event in interpret_program(source).events if event.time < seconds]
