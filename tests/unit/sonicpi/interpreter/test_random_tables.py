"""Random numbers are those of Sonic Pi's tables, and approximate without them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.sonicpi.interpreter import random_tables
from core.sonicpi.interpreter.random_tables import (
    RANDOM_SOURCES,
    TABLE_LENGTH,
    get_random_number,
    load_white_noise,
)

# Deviation of the numbers of a source, as in Sonic Pi's tables.
DEVIATIONS = {
    "white": 0.289,
    "light_pink": 0.111,
    "pink": 0.120,
    "dark_pink": 0.143,
    "perlin": 0.181,
}


@pytest.fixture
def no_installed_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without Sonic Pi."""
    caches = (
        load_white_noise,
        random_tables._read_random_table,
        random_tables._get_coloured_noise_number,
    )
    monkeypatch.setattr(random_tables, "TABLES_FOLDER", tmp_path)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def test_first_numbers_are_those_of_sonic_pi_tutorial():
    numbers = [get_random_number("white", index) for index in range(4)]
    assert numbers == [0.75006103515625, 0.733917236328125, 0.464202880859375, 0.24249267578125]


def test_table_is_cyclic_and_a_fractional_index_reads_the_number_before_it():
    assert get_random_number("white", TABLE_LENGTH + 2.9) == get_random_number("white", 2)
    assert get_random_number("white", -1) == load_white_noise()[0]
    assert get_random_number("white", TABLE_LENGTH - 1) == load_white_noise()[0]


@pytest.mark.parametrize("source", RANDOM_SOURCES)
def test_statistics(source: str):
    numbers = np.array([get_random_number(source, 97 * index) for index in range(4500)])
    assert numbers.min() >= 0 and numbers.max() < 1
    assert numbers.mean() == pytest.approx(0.5, abs=0.02)
    assert numbers.std() == pytest.approx(DEVIATIONS[source], abs=0.02)


def test_without_sonic_pi_numbers_are_approximate_and_always_the_same(no_installed_tables: None):
    numbers = load_white_noise()
    assert len(numbers) == TABLE_LENGTH
    assert 0 <= min(numbers) and max(numbers) < 1
    assert np.mean(numbers) == pytest.approx(0.5, abs=0.01)
    assert get_random_number("white", 0) == numbers[1] != 0.75006103515625
    assert 0 < get_random_number("pink", 50) < 1
