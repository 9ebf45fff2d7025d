"""Which files a client of the server may have read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import EarshotError
from core.mcp_server.sound_file_access import read_sound_file


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    workspace = tmp_path / "workspace"
    (workspace / "renders").mkdir(parents=True)
    (workspace / "renders/a.flac").write_bytes(b"sound")
    (workspace / "secret.flac").write_bytes(b"secret")
    (tmp_path / "music").mkdir()
    (tmp_path / "music/kick.WAV").write_bytes(b"kick")
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(workspace))
    return workspace


def test_clips_of_the_workspace_and_named_folders_are_read(workspace: Path, tmp_path: Path):
    assert read_sound_file(str(workspace / "renders/a.flac")) == b"sound"
    assert read_sound_file(str(tmp_path / "music/kick.WAV"), [tmp_path / "music"]) == b"kick"
    with pytest.raises(EarshotError, match="allowed folders"):
        read_sound_file(str(tmp_path / "music/kick.WAV"))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "renders/a.flac",
        "{workspace}/renders/../secret.flac",
        "{workspace}/renders/link.flac",
        "{workspace}/renders/linked/secret.flac",
        "{workspace}/renders/\0.flac",
        "~nobody-of-this-name/a.flac",
        "https://example.org/a.flac",
        "",
    ],
)
def test_other_files_are_refused_without_being_read(path: str, workspace: Path):
    (workspace / "renders/link.flac").symlink_to(workspace / "secret.flac")
    (workspace / "renders/linked").symlink_to(workspace)
    with pytest.raises(EarshotError, match="allowed folders|is no path"):
        read_sound_file(path.format(workspace=workspace))


def test_what_is_no_sound_file_is_refused(workspace: Path):
    folder = workspace / "renders"
    (folder / "notes.txt").write_text("secret", encoding="utf-8")
    (folder / "folder.flac").mkdir()
    os.mkfifo(folder / "pipe.flac")  # Opening it must not wait for a writer.
    for name in ("notes.txt", "folder.flac", "pipe.flac", "missing.flac"):
        with pytest.raises(EarshotError, match="not a sound file|not a file|cannot be read"):
            read_sound_file(str(folder / name))
