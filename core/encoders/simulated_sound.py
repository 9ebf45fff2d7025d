"""The `simulation` encoder: what a cheap simulation of the program's sound predicts.

The static interpreter finds the events of a program, and `core.encoders.simulation` adds up the
measured profiles of their synths, samples and FX. No sound is synthesized.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from core.encoders.base import Encoder, validate_source_text
from core.encoders.simulation.program_simulation import simulate_program
from core.encoders.simulation.simulated_features import compute_simulated_features
from core.sonicpi.interpreter import read_program


class SimulationEncoder(Encoder):
    """Simulated descriptors, spectrum, rhythm and pitch of a program."""

    def _iterate_embedded_batches(
        self, items: Sequence[str]
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        for index, source in enumerate(items):
            yield [index], simulate_program_source(validate_source_text(source, index))[None]


def simulate_program_source(source: str) -> np.ndarray:
    """Return the vector of a program, float32 [SIMULATION_DIM]."""
    events = read_program(source).events
    return compute_simulated_features(simulate_program(events), events)
