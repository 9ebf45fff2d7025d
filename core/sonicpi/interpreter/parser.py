"""Programs to syntax trees: a Ruby process that parses with Ruby's own parser and runs nothing."""

from __future__ import annotations

import atexit
import json
import os
import resource
import select
import signal
import struct
import subprocess
import threading
import time
from pathlib import Path

from core.errors import EarshotError
from core.sonicpi.sandbox import sandbox_state, sandboxed

SCRIPT = Path(__file__).with_name("parser.rb")
PATIENCE = 20.0  # seconds for one program; it takes milliseconds, but the machine may be busy
TRIES = 2
START = 60.0
MEMORY = 1 << 30
INSTALL = "Install it with: sudo apt-get install ruby"

_lock = threading.Lock()
_kept: list[_Reader] = []


def read(source: str) -> list | None:
    """Parse a program.

    Returns
    -------
    list or None
        The tree that `parser.rb` describes. Of a program with errors, what is left
        without the lines that cannot be read; None when nothing can.

    Raises
    ------
    EarshotError
        When there is no Ruby, or the parser was killed or starved: that says nothing of the
        program, which another try may well read.
    """
    body = source.encode("utf-8", "replace")
    with _lock:
        for _ in range(TRIES):
            if not _kept:
                _kept.append(_Reader())
            try:
                return json.loads(_kept[0].ask(body))["tree"]
            except (ValueError, RecursionError):
                _kept.pop().close()
                return None
            except (OSError, EOFError, TimeoutError):
                # A program that ends the parser by itself is one that cannot be read.
                if not _kept.pop().close():
                    return None
        raise EarshotError(
            f"The parser was killed, or too slow, {TRIES} times.", remedy="Do it again."
        )


class _Reader:
    """The process. In the sandbox where there is one; as it runs nothing, also without."""

    def __init__(self):
        if sandbox_state()[0]:
            command = sandboxed(
                ["/usr/bin/ruby", "--disable-gems", str(SCRIPT)], sample_folders=(SCRIPT.parent,)
            )
        else:
            command = ["/usr/bin/ruby", "--disable-gems", str(SCRIPT)]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        except OSError as error:
            raise EarshotError("Ruby is not installed.", remedy=INSTALL) from error
        resource.prlimit(self._process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
        self._answered(b"", START)

    def ask(self, body: bytes) -> bytes:
        return self._answered(body, PATIENCE)

    def _answered(self, body: bytes, patience: float) -> bytes:
        self._process.stdin.write(struct.pack(">I", len(body)))
        view = memoryview(body)
        while view:
            view = view[self._process.stdin.write(view) :]
        deadline = time.monotonic() + patience
        (size,) = struct.unpack(">I", self._read(4, deadline))
        return self._read(size, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        found = bytearray()
        while len(found) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise TimeoutError
            part = os.read(self._process.stdout.fileno(), size - len(found))
            if not part:
                raise EOFError
            found += part
        return bytes(found)

    def end(self) -> None:
        self._process.kill()
        self.close()

    def close(self) -> bool:
        """End it; whether it had not ended by itself, but was killed or is still busy."""
        try:
            status = self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            status = None
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        return status in (None, -signal.SIGKILL, 128 + signal.SIGKILL)


@atexit.register
def _close() -> None:
    while _kept:
        _kept.pop().end()
