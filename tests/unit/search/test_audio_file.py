"""From a sound to programs: what is taken, what is refused, and what is found."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

import core.sonicpi
from core import encoders
from core.corpus import Corpus
from core.errors import EarshotError
from core.programs import Program
from core.sonicpi import Clip, RenderResult
from core.search import audio_file
from core.search.aligned_corpus import open_embedded_corpus
from core.search.audio_file import read_audio
from core.search.query import find_audio_neighbours

AUDIO, CODE = "log-mel", "sonicpi"  # neither loads a model


def packed(
    samples: np.ndarray, rate: int = 44_100, kind: str = "WAV", subtype: str | None = None
) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


def tone(hertz: float, seconds: float = 0.5, rate: int = 44_100) -> np.ndarray:
    at = np.arange(int(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * at)).astype(np.float32)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_every_kind_is_read_as_it_sounds(kind: str) -> None:
    samples = np.stack([tone(440), 0.5 * tone(440)], axis=1)
    clip = read_audio(packed(samples, kind=kind))
    assert clip.sample_rate == 44_100
    assert clip.samples.dtype == np.float32
    # MP3 adds silence at both ends; the level stays the file's own.
    assert len(clip.samples) == pytest.approx(len(samples), abs=4000)
    for channel, level in ((0, 0.5), (1, 0.25)):
        middle = clip.samples[8000:16000, channel]
        assert np.sqrt(np.mean(middle**2)) == pytest.approx(level / np.sqrt(2), rel=0.05)


def test_mono_comes_from_both_sides_and_more_channels_give_their_first_two() -> None:
    mono = read_audio(packed(tone(300)))
    np.testing.assert_array_equal(mono.samples[:, 0], mono.samples[:, 1])
    many = np.stack([tone(f) for f in (100, 200, 300, 400)], axis=1)
    np.testing.assert_allclose(read_audio(packed(many)).samples, many[:, :2], atol=1e-4)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cannot be read"),
        (b"RIFF" + bytes(200), "cannot be read"),
        (packed(tone(440))[:20], "cannot be read"),
        (packed(np.zeros((1000, 2))), "silent"),
        (packed(np.zeros((0, 2))), "holds no sound"),
        (packed(tone(100, 0.1, 3000), 3000), "3000 Hz"),
        (packed(np.zeros((10, 9))), "9 channels"),
        (packed(np.full((100, 1), np.nan, np.float32), subtype="FLOAT"), "holds no sound"),
    ],
)
def test_what_is_no_sound_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(EarshotError, match=why) as told:
        read_audio(data, "mine.wav")
    assert told.value.where == "mine.wav"


def test_what_is_too_large_or_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_file, "MAX_AUDIO_SECONDS", 0.4)
    with pytest.raises(EarshotError, match="longer than 0 s"):
        read_audio(packed(tone(440, 0.5)))
    monkeypatch.setattr(audio_file, "MAX_AUDIO_BYTES", 1000)
    with pytest.raises(EarshotError, match="is the maximum"):
        read_audio(packed(tone(440)))


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """Tones of rising pitch, really heard by an audio encoder; no alignment."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(
        core.sonicpi,
        "compute_render_id",
        lambda s, seconds=18.0: hashlib.sha256(s.encode()).hexdigest(),
    )
    corpus = Corpus.create("tones", seconds=0.5)
    programs = [Program(f"play {n}\n", f"tone-{n}", "t", "melody", {}, 0) for n in range(6)]
    corpus.add_programs(programs)
    ids = [each.id for each in programs]
    clips = [Clip(np.repeat(tone(100 * 2**n)[:, None], 2, axis=1)) for n in range(6)]
    for each, clip in zip(ids, clips):
        corpus.put_rendering(each, RenderResult(clip), 0.5)
    ear = encoders.get_encoder(AUDIO)
    corpus.put_embeddings(AUDIO, ear.spec.revision, ids, np.asarray(ear.embed(clips)))
    reader = encoders.find_encoder_spec(CODE)
    vectors = np.random.default_rng(0).normal(size=(6, reader.dim)).astype(np.float32)
    corpus.put_embeddings(CODE, reader.revision, ids, vectors)
    corpus.set_setting("encoders", {"code": CODE, "audio": AUDIO})
    return corpus


def test_a_sound_finds_the_clips_like_it_first(corpus: Corpus) -> None:
    asked = Clip(np.repeat(tone(410)[:, None], 2, axis=1))
    found = find_audio_neighbours(
        open_embedded_corpus(Corpus.open("tones")), asked, 3, direction="audio->audio"
    )
    assert [each.rank for each in found] == [1, 2, 3]
    assert found[0].name == "tone-2"  # 400 Hz
    assert found[0].similarity > found[1].similarity > found[2].similarity
    assert Path(found[0].audio_path).is_file()


def test_a_sound_needs_a_direction_and_an_alignment_and_its_own_encoder(corpus: Corpus) -> None:
    asked = Clip(np.repeat(tone(410)[:, None], 2, axis=1))
    with pytest.raises(EarshotError, match="no code to go from"):
        find_audio_neighbours(
            open_embedded_corpus(Corpus.open("tones")), asked, direction="code->audio"
        )
    with pytest.raises(EarshotError, match="k is 0"):
        find_audio_neighbours(
            open_embedded_corpus(Corpus.open("tones")), asked, 0, direction="audio->audio"
        )
    with pytest.raises(EarshotError, match="no alignment yet"):
        find_audio_neighbours(
            open_embedded_corpus(Corpus.open("tones")), asked, direction="audio->code"
        )
