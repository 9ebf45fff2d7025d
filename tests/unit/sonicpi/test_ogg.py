"""Ogg files are whole and the same for the same sound."""

import io

import numpy as np
import pytest
import soundfile

from core.errors import EarshotError
from core.sonicpi import ogg


@pytest.fixture
def file() -> bytes:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (44100, 2))
    buffer = io.BytesIO()
    soundfile.write(buffer, noise, 44100, format="OGG")
    return buffer.getvalue()


def test_only_the_serial_number_is_changed(file: bytes):
    made = ogg.set_fixed_serial_number(file)
    assert len(made) == len(file) and ogg.set_fixed_serial_number(made) == made
    before, after = (soundfile.read(io.BytesIO(each))[0] for each in (file, made))
    assert len(after) == 44100
    np.testing.assert_array_equal(before, after)


def without_a_header(file: bytes) -> bytes:
    third = [at for at in range(len(file)) if file.startswith(ogg.PAGE_MAGIC, at)][2]
    return file[:third] + file[third + 50 :]


@pytest.mark.parametrize("damage", [without_a_header, lambda file: file[:-9], lambda file: b"Ogg"])
def test_a_damaged_file_is_encoded_again(file: bytes, damage):
    made = iter([damage(file), file])
    assert ogg.encode_reproducibly(lambda: next(made)) == ogg.set_fixed_serial_number(file)


def test_what_is_damaged_each_time_is_an_error(file: bytes):
    with pytest.raises(EarshotError, match="cannot be encoded as Ogg"):
        ogg.encode_reproducibly(lambda: file[:-9])
