"""Reading of audio files: formats, channels, and files that are refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from core.errors import EarshotError
from core.search import query_audio_decoding
from core.search.query_audio_decoding import decode_audio_bytes
from tests.unit.search.signals import make_tone


def encode(
    samples: np.ndarray, rate: int = 44_100, kind: str = "WAV", subtype: str | None = None
) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_every_format_is_read_at_its_level(kind: str) -> None:
    samples = np.stack([make_tone(440), 0.5 * make_tone(440)], axis=1)
    clip = decode_audio_bytes(encode(samples, kind=kind))
    assert clip.sample_rate == 44_100
    assert clip.samples.dtype == np.float32
    # MP3 adds silence at both ends; the level stays the file's own.
    assert len(clip.samples) == pytest.approx(len(samples), abs=4000)
    for channel, level in ((0, 0.5), (1, 0.25)):
        middle = clip.samples[8000:16000, channel]
        assert np.sqrt(np.mean(middle**2)) == pytest.approx(level / np.sqrt(2), rel=0.05)


def test_mono_becomes_stereo_and_of_more_channels_the_first_two_are_read() -> None:
    mono = decode_audio_bytes(encode(make_tone(300)))
    np.testing.assert_array_equal(mono.samples[:, 0], mono.samples[:, 1])
    channels = np.stack([make_tone(f) for f in (100, 200, 300, 400)], axis=1)
    np.testing.assert_allclose(
        decode_audio_bytes(encode(channels)).samples, channels[:, :2], atol=1e-4
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be read"),
        (b"RIFF" + bytes(200), "cannot be read"),
        (encode(make_tone(440))[:20], "cannot be read"),
        (encode(np.zeros((1000, 2))), "silent"),
        (encode(np.zeros((0, 2))), "holds no sound"),
        (encode(make_tone(100, 0.1, 3000), 3000), "3000 Hz"),
        (encode(np.zeros((10, 9))), "9 channels"),
        (encode(np.full((100, 1), np.nan, np.float32), subtype="FLOAT"), "holds no sound"),
    ],
)
def test_a_file_without_sound_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(EarshotError, match=message) as caught:
        decode_audio_bytes(data, "mine.wav")
    assert caught.value.where == "mine.wav"


def test_a_file_that_is_too_large_or_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_audio_decoding, "MAX_AUDIO_SECONDS", 0.4)
    with pytest.raises(EarshotError, match="longer than 0 s"):
        decode_audio_bytes(encode(make_tone(440, 0.5)))
    monkeypatch.setattr(query_audio_decoding, "MAX_AUDIO_BYTES", 1000)
    with pytest.raises(EarshotError, match="is the maximum"):
        decode_audio_bytes(encode(make_tone(440)))
