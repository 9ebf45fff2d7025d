"""Watch a source file that an editor saves, and report each new content once.

The file is polled, which works on every file system. A content counts when it has not changed for
a moment, so a half-written save is not reported, and the file may be replaced, or deleted and
written again.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import EarshotError
from core.programs.source_decoding import decode_source

POLL_INTERVAL_SECONDS = 0.25
SETTLE_SECONDS = 0.3
# An editor that empties the file before it writes may take longer, and a deleted file may be back.
SETTLE_SECONDS_IF_EMPTY = 1.0
MAX_SOURCE_BYTES = 100_000  # as the editor of the dashboard


@dataclass(frozen=True)
class SourceChange:
    """New content of a followed file, or why it cannot be read.

    Attributes
    ----------
    path : Path
    code : str or None
        None if the file cannot be read as a program.
    error : EarshotError or None
        Why it cannot; None if `code` is given.
    """

    path: Path
    code: str | None
    error: EarshotError | None = None


class SourceFileWatcher:
    """Reports the changes of one file.

    Parameters
    ----------
    path : str or Path
        The file, which need not exist yet.
    read_clock : callable, optional
        Returns the time in seconds; for tests.

    Examples
    --------
    >>> watcher = SourceFileWatcher("beat.rb")
    >>> watcher.read_settled_change()  # None until the content has been the same for a moment
    """

    def __init__(self, path: str | Path, read_clock: Callable[[], float] = time.monotonic):
        self.path = Path(os.path.abspath(os.path.expanduser(path)))
        self._read_clock = read_clock
        self._reported: bytes | str | None = None
        self._candidate: bytes | str | None = None
        self._candidate_since = 0.0
        self.last_change: SourceChange | None = None

    def read_settled_change(self) -> SourceChange | None:
        """Return the newest content if it is new and settled, else None."""
        content = self._read_content_or_problem()
        now = self._read_clock()
        if content != self._candidate:
            self._candidate, self._candidate_since = content, now
        is_transient = isinstance(content, str) or not content.strip()
        settle_seconds = SETTLE_SECONDS_IF_EMPTY if is_transient else SETTLE_SECONDS
        if content == self._reported or now - self._candidate_since < settle_seconds:
            return None
        self._reported = content
        self.last_change = self._decode_content_as_change(content)
        return self.last_change

    def _read_content_or_problem(self) -> bytes | str:
        """Return the content, or as a str why there is none."""
        try:
            # Without O_NONBLOCK, opening a named pipe would wait for its writer.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return "The file does not exist."
        except (OSError, ValueError) as error:
            return f"{getattr(error, 'strerror', None) or error}."
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return "This is not a regular file."
            content = _read_at_most_byte_count(descriptor, MAX_SOURCE_BYTES + 1)
        except OSError as error:
            return f"{error.strerror or error}."
        finally:
            os.close(descriptor)
        if len(content) > MAX_SOURCE_BYTES:
            return f"The file exceeds {MAX_SOURCE_BYTES:,} bytes."
        return content

    def _decode_content_as_change(self, content: bytes | str) -> SourceChange:
        if isinstance(content, str):
            remedy = "Earshot continues to follow it."
            return SourceChange(
                self.path, None, EarshotError(content, where=str(self.path), remedy=remedy)
            )
        try:
            return SourceChange(self.path, decode_source(content, str(self.path)))
        except EarshotError as error:
            return SourceChange(self.path, None, error)


def _read_at_most_byte_count(descriptor: int, byte_count: int) -> bytes:
    content = b""
    while chunk := os.read(descriptor, byte_count - len(content)):
        content += chunk
    return content
