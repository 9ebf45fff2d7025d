"""`render` answers to every file and folder that it is given, at once and without a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core import workspace
from core.cli import main

PARTIAL = "live_loop(:a) { play 60; sleep 0.25 }\nin_thread { sleep 0.5; nope }\n"
TIMEOUT_S = 120
LONG_NAME = "a" * 250
# Name of an input or output, and a part of the message.
BAD_INPUTS = {
    "fifo": "not a regular file",
    "/dev/zero": "not a regular file",
    "missing.rb": "cannot be read (No such file or directory)",
    "good.rb/inside.rb": "cannot be read (Not a directory)",
    f"{LONG_NAME}{LONG_NAME}.rb": "cannot be read (File name too long)",
    "empty-folder": "No program was found",
    "huge.rb": "larger than 4 MiB",
}
BAD_OUTPUTS = {
    "good.rb": "It is a file, and sounds need a folder",
    "fifo": "It is a file, and sounds need a folder",
    "/dev/null": "It is a file, and sounds need a folder",
    "/dev/null/x": "It is a file, and sounds need a folder",
    "good.rb/inside": "It is a file, and sounds need a folder",
    "/proc/earshot": "The folder cannot be created",
    LONG_NAME + LONG_NAME: "The folder cannot be created (File name too long)",
    "taken": "There is a folder of that name",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    (folder / "good.rb").write_text("play 60\n")
    (folder / "partial.rb").write_text(PARTIAL)
    (folder / "empty-folder").mkdir()
    (folder / "taken" / "good.flac").mkdir(parents=True)
    with (folder / "huge.rb").open("wb") as handle:
        handle.truncate((4 << 20) + 1)
    os.mkfifo(folder / "fifo")
    return folder


class RenderCommand:
    """The command `render` in a folder, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def __call__(self, folder: Path, *arguments: str) -> tuple[int, str, str]:
        """Return exit status, output and messages."""
        self.monkeypatch.chdir(folder)
        status = main(["render", "--seconds", "1", *arguments])
        return status, *self.capsys.readouterr()


@pytest.fixture
def run_render(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> RenderCommand:
    return RenderCommand(monkeypatch, capsys)


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_an_input_that_is_no_program_is_an_error(folder: Path, name: str, run_render):
    status, output, errors = run_render(folder, name, "--out", "out")
    assert status == 1 and output == "" and "Traceback" not in errors
    assert BAD_INPUTS[name] in errors


@pytest.mark.parametrize("name", BAD_OUTPUTS)
def test_an_output_that_cannot_be_written_is_an_error(folder: Path, name: str, run_render):
    status, _, errors = run_render(folder, "good.rb", "--out", name)
    assert status == 1 and "Traceback" not in errors
    assert BAD_OUTPUTS[name] in errors


def test_problems_with_one_file_of_a_folder_do_not_stop_the_others(tmp_path: Path, run_render):
    (tmp_path / "good.rb").write_text("play 60")
    (tmp_path / "empty.rb").write_text("")
    (tmp_path / "latin.rb").write_bytes(b"play 60\n# caf\xe9")
    (tmp_path / "folder.rb").mkdir()
    (tmp_path / "lost.rb").symlink_to(tmp_path / "nowhere")
    (tmp_path / f"{LONG_NAME}.rb").write_text("play 62")
    os.mkfifo(tmp_path / "fifo.rb")
    status, output, errors = run_render(tmp_path, ".", "--out", "out", "--json")
    assert status == 1 and "4 of 6 programs did not render" in errors, errors
    results = {row["file"]: row for row in map(json.loads, output.splitlines())}
    assert results["good.rb"]["ok"] and Path(tmp_path / "out/good.flac").is_file()
    assert results[f"{LONG_NAME}.rb"]["ok"]
    assert results["latin.rb"]["error"]["line"] == 2
    assert results["empty.rb"]["error"]["kind"] == "silent"
    assert "not a regular file" in results["fifo.rb"]["error"]["message"]
    assert "No such file" in results["lost.rb"]["error"]["message"]


def test_a_program_with_an_error_in_a_thread_has_a_clip_and_a_warning(folder: Path, run_render):
    status, output, _ = run_render(folder, "partial.rb", "--out", "partial", "--json")
    (row,) = map(json.loads, output.splitlines())
    assert status == 0 and row["ok"] and (folder / row["audio"]).is_file()
    (warning,) = row["warnings"]
    assert (warning["kind"], warning["line"], warning["seconds"]) == ("runtime", 2, 0.5)
    status, output, _ = run_render(folder, "partial.rb", "--out", "partial")
    assert status == 0 and "line 2, at 0.5 s" in output


def test_strict_makes_it_fail(folder: Path, run_render):
    status, output, _ = run_render(folder, "partial.rb", "--out", "strict", "--json", "--strict")
    (row,) = map(json.loads, output.splitlines())
    assert status == 1 and not row["ok"] and row["error"]["line"] == 2
    assert not list((folder / "strict").iterdir())


def test_an_interrupted_command_has_printed_what_it_rendered(tmp_path: Path):
    (tmp_path / "a.rb").write_text("play 60")
    (tmp_path / "b.rb").write_text("play 60\nwhile true\nend")  # 10 s of processor time
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "core", "render", "a.rb", "b.rb", "--out", "out", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(workspace.PROJECT_FOLDER)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first_line = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=TIMEOUT_S)
    assert json.loads(first_line)["file"] == "a.rb" and rest == ""
    assert process.returncode == 130 and "stopped" in errors
