"""Random streams have the statistics of Sonic Pi's random sources."""

from __future__ import annotations

import random

import numpy as np
import pytest

from core.sonicpi.interpreter.approximate_random_sources import (
    SOURCE_STATISTICS,
    create_random_stream,
)


@pytest.mark.parametrize("source", sorted(SOURCE_STATISTICS))
def test_statistics(source):
    deviation, correlation = SOURCE_STATISTICS[source]
    streams = [create_random_stream(source, seed) for seed in range(200)]
    numbers = np.array([[stream.random() for _ in range(100)] for stream in streams])
    assert numbers.min() >= 0 and numbers.max() < 1
    assert numbers.mean() == pytest.approx(0.5, abs=0.03)
    assert numbers.std() == pytest.approx(deviation, abs=0.02)
    pairs = np.corrcoef(numbers[:, :-1].ravel(), numbers[:, 1:].ravel())
    assert pairs[0, 1] == pytest.approx(correlation, abs=0.03)


def test_seed_restarts_a_stream_and_every_draw_reads_it():
    stream = create_random_stream("pink", 3)
    first = [stream.randint(0, 99) for _ in range(5)]
    stream.seed(3)
    assert [stream.randint(0, 99) for _ in range(5)] == first


def test_integer_draws_drift():
    stream = create_random_stream("dark_pink", 1)
    assert max(abs(stream.randint(0, 99) - stream.randrange(100)) for _ in range(50)) < 10


def test_white_source_is_python_own_stream():
    assert create_random_stream("white", 5).random() == random.Random(5).random()
    assert create_random_stream("unknown", 5).random() == random.Random(5).random()
