"""Progress lines and progress bars in a terminal."""

import errno
import io
import os
import pty
import re
import termios

import pytest

from core.cli import terminal_output


def test_a_pipe_gets_lines_per_step_and_no_control_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    with terminal_output.open_terminal_progress() as progress:
        for done in range(101):
            progress("Rendering programs", done, 100, "a\x1b[2J" if done == 100 else "")
        progress("Embedding clips", 0, 0)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "Rendering programs: 0/100 (0 %)"
    assert lines[-2].startswith("Rendering programs: 100/100 (100 %)")
    assert lines[-1] == "Embedding clips: 0/0"
    assert "\x1b" not in stream.getvalue()


def read_until_closed(reader: int) -> bytes:
    """Read what was written to a terminal whose writing end is closed, and close it.

    The kernel hands over what was written in parts, some of them later.
    """
    parts = []
    try:
        while part := os.read(reader, 65_536):
            parts.append(part)
    except OSError as error:  # How Linux reports that the writing end is closed.
        if error.errno != errno.EIO:
            raise
    os.close(reader)
    return b"".join(parts)


def test_a_terminal_gets_a_bar_with_percentage_rate_and_remaining_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, writer = pty.openpty()
    termios.tcsetwinsize(writer, (24, 100))
    with os.fdopen(writer, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        with terminal_output.open_terminal_progress() as progress:
            progress("Rendering programs", 10, 40)
            progress("Embedding clips", 3, 40)
            progress("Rendering programs", 40, 40, "the last one")
    shown = read_until_closed(reader).decode()
    lines = [line.strip() for line in re.split(r"[\r\n]|\x1b\[A", shown)]
    assert any(re.match(r"Rendering programs  25%\|█+ *\| 10/40", line) for line in lines)
    assert any(re.match(r"Embedding clips   8%\|█+. *\| 3/40", line) for line in lines)
    last = [line for line in lines if "100%" in line][-1]
    assert re.search(r"40/40 .*/s, 00:00 left, the last one$", last)
