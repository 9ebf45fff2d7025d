"""Rendering to a file of the workspace, by the real Sonic Pi."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from core import operations
from core.operations import program_rendering
from core.play_history import is_clip_private
from core.sonicpi import RenderError


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    return tmp_path


def render(program: str, **options) -> operations.RenderedClip:
    return operations.render_program(
        operations.RenderRequest(program=program, seconds=1, **options)
    )


def test_each_format_is_a_sound_file_of_the_asked_length(workspace: Path):
    for audio_format, name in (("flac", "FLAC"), ("wav", "WAV"), ("ogg", "OGG")):
        clip = render("play 60", audio_format=audio_format)
        path = Path(clip.path)
        assert path.parent == workspace / "renders"
        info = soundfile.info(str(path))
        assert (info.format, info.frames, clip.seconds) == (name, 44_100, 1.0)
        assert clip.mime_type == f"audio/{audio_format}"
        assert operations.read_rendered_clip(clip) == path.read_bytes()
        assert is_clip_private(path)


def test_errors_have_a_line_and_warnings_come_with_the_clip():
    with pytest.raises(RenderError, match="line 3"):
        render("play 60\nplay 61\nend")
    with pytest.raises(RenderError):
        render("puts 1")
    (warning,) = render("play 60\nsleep 0.2\nplya 61").warnings
    assert (warning.kind, warning.line) == ("runtime", 3)


def test_only_the_newest_clips_are_kept(monkeypatch: pytest.MonkeyPatch, workspace: Path):
    monkeypatch.setattr(program_rendering, "MAX_STORED_RENDERS", 2)
    paths = [Path(render(f"play {note}").path) for note in (60, 62, 64)]
    assert [path.is_file() for path in paths] == [False, True, True]
