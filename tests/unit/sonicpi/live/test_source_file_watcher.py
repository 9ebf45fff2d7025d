"""Following a source file: saved in place, replaced, half-written, deleted, unreadable."""

import os
from pathlib import Path

import pytest

from core.sonicpi.live import SourceChange, SourceFileWatcher
from core.sonicpi.live.source_file_watcher import MAX_SOURCE_BYTES, SETTLE_SECONDS


class Clock:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        return self.now


class WatchedFile:
    """A file, its watcher and the clock of both."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock = path, Clock()
        self.watcher = SourceFileWatcher(path, self.clock.read)

    def poll_after(self, seconds: float) -> SourceChange | None:
        self.clock.now += seconds
        return self.watcher.read_settled_change()

    def settle(self) -> SourceChange | None:
        """Poll twice, more than a second apart."""
        first = self.watcher.read_settled_change()
        return self.poll_after(1.1) or first

    def read_error(self) -> str:
        change = self.settle()
        assert change is not None and change.code is None and change.error is not None
        return change.error.message


@pytest.fixture
def watched(tmp_path: Path) -> WatchedFile:
    return WatchedFile(tmp_path / "beat.rb")


def test_each_settled_content_is_reported_once(watched: WatchedFile) -> None:
    watched.path.write_text("play 60")
    assert watched.watcher.read_settled_change() is None
    change = watched.poll_after(SETTLE_SECONDS)
    assert change is not None and change.code == "play 60" and change.error is None
    assert watched.poll_after(5) is None
    os.utime(watched.path)
    assert watched.settle() is None


def test_a_half_written_save_is_not_reported(watched: WatchedFile) -> None:
    watched.path.write_text("play 60")
    assert watched.settle() is not None
    watched.path.write_text("")
    assert watched.poll_after(0.2) is None
    assert watched.poll_after(SETTLE_SECONDS + 0.1) is None  # An empty file needs longer.
    watched.path.write_text("play 6")
    assert watched.poll_after(0.2) is None
    watched.path.write_text("play 64\nsleep 1")
    assert watched.poll_after(0.2) is None
    change = watched.poll_after(0.4)
    assert change is not None and change.code == "play 64\nsleep 1"


def test_a_replaced_file_is_followed(watched: WatchedFile) -> None:
    watched.path.write_text("play 60")
    assert watched.settle() is not None
    other = watched.path.with_suffix(".tmp")
    other.write_text("play 61")
    os.utime(other, (1, 1))  # An editor may keep the old time.
    other.replace(watched.path)
    change = watched.settle()
    assert change is not None and change.code == "play 61"


def test_a_deleted_file_may_come_back(watched: WatchedFile) -> None:
    watched.path.write_text("play 60")
    assert watched.settle() is not None
    watched.path.unlink()
    assert watched.poll_after(0.2) is None
    watched.path.write_text("play 60")  # Written anew, with the same content: no news.
    assert watched.settle() is None
    watched.path.unlink()
    assert watched.read_error() == "The file does not exist."
    watched.path.write_text("play 60")
    change = watched.settle()
    assert change is not None and change.code == "play 60"


def test_what_is_no_program_is_reported_with_its_reason(watched: WatchedFile) -> None:
    watched.path.write_bytes(b"play 60\n\xff")
    assert watched.read_error() == "Line 2 is not UTF-8 text."
    watched.path.write_bytes(b"#" * (MAX_SOURCE_BYTES + 1))
    assert "exceeds 100,000 bytes" in watched.read_error()
    watched.path.unlink()
    watched.path.mkdir()
    assert "regular file" in watched.read_error()
    watched.path.rmdir()
    os.mkfifo(watched.path)  # Opening it must not wait for a writer.
    assert watched.settle() is None  # The same reason as before.
    watched.path.unlink()
    watched.path.symlink_to(watched.path)
    assert "symbolic links" in watched.read_error()


def test_a_name_that_no_file_can_have_is_reported() -> None:
    watched = WatchedFile(Path("a\0b"))
    assert "null" in watched.read_error()
