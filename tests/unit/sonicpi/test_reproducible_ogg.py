"""Ogg files are complete, and equal for equal samples."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from core.errors import EarshotError
from core.sonicpi import reproducible_ogg


@pytest.fixture
def ogg_bytes() -> bytes:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (44100, 2))
    buffer = io.BytesIO()
    soundfile.write(buffer, noise, 44100, format="OGG")
    return buffer.getvalue()


def test_only_the_serial_number_is_changed(ogg_bytes: bytes):
    fixed = reproducible_ogg.set_fixed_ogg_serial_number(ogg_bytes)
    assert (
        len(fixed) == len(ogg_bytes)
        and reproducible_ogg.set_fixed_ogg_serial_number(fixed) == fixed
    )
    before, after = (soundfile.read(io.BytesIO(encoded))[0] for encoded in (ogg_bytes, fixed))
    assert len(after) == 44100
    np.testing.assert_array_equal(before, after)


def remove_page_header(ogg_bytes: bytes) -> bytes:
    offsets = range(len(ogg_bytes))
    third_page = [i for i in offsets if ogg_bytes.startswith(reproducible_ogg.PAGE_MAGIC, i)][2]
    return ogg_bytes[:third_page] + ogg_bytes[third_page + 50 :]


@pytest.mark.parametrize(
    "damage", [remove_page_header, lambda ogg_bytes: ogg_bytes[:-9], lambda _: b"Ogg"]
)
def test_a_damaged_file_is_encoded_again(ogg_bytes: bytes, damage: Callable[[bytes], bytes]):
    attempts = iter([damage(ogg_bytes), ogg_bytes])
    encoded = reproducible_ogg.encode_ogg_reproducibly(lambda: next(attempts))
    assert encoded == reproducible_ogg.set_fixed_ogg_serial_number(ogg_bytes)


def test_a_file_that_is_damaged_every_time_is_an_error(ogg_bytes: bytes):
    with pytest.raises(EarshotError, match="cannot be encoded as Ogg"):
        reproducible_ogg.encode_ogg_reproducibly(lambda: ogg_bytes[:-9])
