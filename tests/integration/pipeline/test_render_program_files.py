"""What `./run render` does with files, folders, names and formats."""

from __future__ import annotations

import io
import stat
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import soundfile

from core.errors import EarshotError
from core.pipeline.executors import LocalExecutor
from core.pipeline.render_program_files import render_program_files
from core.sonicpi import Clip, RenderResult, render


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.rb").write_text("play 60")
    (tmp_path / "in" / "deep" / "a.rb").write_text("\ufeffplay 64 # é", encoding="utf-8")
    (tmp_path / "in" / "bad.rb").write_text("sleep 0.1\nnope")
    (tmp_path / "in" / "notes.txt").write_text("no program")
    return tmp_path


def test_a_folder_is_rendered_and_a_failure_stops_nobody(folder):
    progress_calls = []
    results = render_program_files(
        [folder / "in"],
        folder / "out",
        seconds=1,
        progress=lambda *a, **k: progress_calls.append(a),
    )
    assert [(r.ok, r.error and r.error.line) for r in results] == [
        (True, None),
        (False, 2),
        (True, None),
    ]
    assert sorted(p.name for p in (folder / "out").iterdir()) == ["a-2.flac", "a.flac"]
    assert all(Clip.load(r.audio).rms == pytest.approx(r.rms, abs=1e-4) for r in results if r.ok)
    assert progress_calls[-1][1:3] == (3, 3)
    assert stat.S_IMODE((folder / "out" / "a.flac").stat().st_mode) & 0o600 == 0o600


@pytest.mark.parametrize("format", ["flac", "wav", "ogg", "mp3"])
def test_formats(folder, format):
    (result,) = render_program_files(
        [folder / "in" / "a.rb"], folder, seconds=1, audio_format=format
    )
    info = soundfile.info(result.audio)
    assert info.format == {"mp3": "MP3", "ogg": "OGG", "wav": "WAV", "flac": "FLAC"}[format]
    assert info.duration == pytest.approx(1, abs=0.06) and info.channels == 2


@pytest.mark.parametrize("format", ["flac", "wav", "ogg", "mp3"])
def test_the_same_sound_is_the_same_file(tmp_path, format):
    clip = render("synth :saw, sustain: 2", seconds=3)
    one, two = (clip.save(tmp_path / f"{n}.{format}").read_bytes() for n in range(2))
    assert one == two
    assert Clip.load(tmp_path / f"1.{format}").rms == pytest.approx(clip.rms, rel=0.02)


def test_a_sound_file_of_unknown_length_is_refused(tmp_path):
    path = Clip(np.zeros((4410, 2), np.float32)).save(tmp_path / "stream.flac")
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # STREAMINFO: 36 bits, 0 where the number of frames is unknown
    content[22:26] = bytes(4)
    path.write_bytes(content)
    with pytest.raises(EarshotError, match="no valid length"):
        Clip.load(path)


def test_standard_input(folder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"play 60")))
    (result,) = render_program_files(["-"], folder, seconds=1)
    assert result.file == "stdin" and (folder / "stdin.flac").exists()


def test_a_file_that_is_no_text_fails_alone(tmp_path):
    (tmp_path / "good.rb").write_text("play 60")
    (tmp_path / "x.rb").write_bytes(b"play 60\n\xff\xfe")
    good, bad = render_program_files([tmp_path], tmp_path / "out", seconds=0.5)
    assert good.ok
    assert (bad.error.kind, bad.error.line) == ("syntax", 2)
    assert "not UTF-8" in bad.error.message


def test_a_missing_file_is_reported_before_anything_is_rendered(tmp_path):
    with pytest.raises(EarshotError, match="cannot be read") as caught:
        render_program_files([tmp_path / "x.rb"], tmp_path / "out")
    assert caught.value.where == str(tmp_path / "x.rb") and not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(folder):
    place = folder / "in" / "notes.txt"
    with pytest.raises(EarshotError, match="It is a file"):
        render_program_files([folder / "in" / "a.rb"], place)
    assert place.read_text() == "no program"


def test_what_is_written_twice_is_rendered_once(tmp_path, monkeypatch: pytest.MonkeyPatch):
    rendered = []

    @contextmanager
    def render_programs(self, sources, seconds, sonic_pi):
        rendered.extend(sources)
        yield (
            (n, RenderResult(Clip(np.full((9, 2), 0.5, np.float32)))) for n, _ in enumerate(sources)
        )

    monkeypatch.setattr(LocalExecutor, "render_programs", render_programs)
    for name, source in (("a", "play 60"), ("b", "play 62"), ("c", "play 60")):
        (tmp_path / f"{name}.rb").write_text(source)
    results = render_program_files([tmp_path], tmp_path / "out")
    assert rendered == ["play 60", "play 62"]
    assert [(r.ok, r.peak) for r in results] == [(True, 0.5)] * 3
    assert len({r.audio for r in results}) == 3


def test_an_empty_folder_and_an_unknown_format_are_refused_with_a_remedy(tmp_path):
    with pytest.raises(EarshotError, match="No program was found"):
        render_program_files([tmp_path], tmp_path)
    with pytest.raises(EarshotError, match="Use .flac"):
        render_program_files([tmp_path], tmp_path, audio_format="aiff")


def test_sample_folders_are_readable_only_when_given(tmp_path):
    pack = tmp_path / "my sounds"
    pack.mkdir()
    for name in ("one.wav", "two.ogg", "three.flac"):
        render("synth :saw", seconds=1).save(pack / name)
    program = tmp_path / "x.rb"
    program.write_text(
        f'sample "{pack}", "one"\nsleep 1\nsample "{pack}/two.ogg"\nsleep 1\nsample "{pack}", 1'
    )
    (without,) = render_program_files([program], tmp_path, seconds=3)
    assert (without.ok, without.error.kind) == (False, "silent")
    (with_,) = render_program_files([program], tmp_path, seconds=3, sample_folders=[pack])
    assert with_.ok and not with_.warnings
    samples = Clip.load(with_.audio).samples
    assert all(abs(samples[n * 44100 : (n + 1) * 44100]).max() > 0.01 for n in range(3))
    with pytest.raises(EarshotError, match="no such folder"):
        render_program_files([program], tmp_path, sample_folders=[tmp_path / "none"])
