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
from core.sonicpi.sandbox import check_sandbox, wrap_in_sandbox

PARSER_SCRIPT = Path(__file__).with_name("parser.rb")
PARSE_TIMEOUT_SECONDS = 20.0  # seconds for one program; it takes milliseconds, but the machine may be busy
MAX_PARSE_ATTEMPTS = 2
START_TIMEOUT_SECONDS = 60.0
MAX_PARSER_MEMORY_BYTES = 1 << 30
INSTALL_HINT = "Install it with: sudo apt-get install ruby"

_parser_lock = threading.Lock()
_running_parsers: list[_ParserProcess] = []


def parse_program(source: str) -> list | None:
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
    with _parser_lock:
        for _ in range(MAX_PARSE_ATTEMPTS):
            if not _running_parsers:
                _running_parsers.append(_ParserProcess())
            try:
                return json.loads(_running_parsers[0].request_tree(body))["tree"]
            except (ValueError, RecursionError):
                _running_parsers.pop().close_and_check_killed()
                return None
            except (OSError, EOFError, TimeoutError):
                # A program that ends the parser by itself is one that cannot be read.
                if not _running_parsers.pop().close_and_check_killed():
                    return None
        raise EarshotError(
            f"The parser was killed, or too slow, {MAX_PARSE_ATTEMPTS} times.", remedy="Do it again."
        )


class _ParserProcess:
    """The process. In the sandbox where there is one; as it runs nothing, also without."""

    def __init__(self):
        if check_sandbox()[0]:
            command = wrap_in_sandbox(
                ["/usr/bin/ruby", "--disable-gems", str(PARSER_SCRIPT)], sample_folders=(PARSER_SCRIPT.parent,)
            )
        else:
            command = ["/usr/bin/ruby", "--disable-gems", str(PARSER_SCRIPT)]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        except OSError as error:
            raise EarshotError("Ruby is not installed.", remedy=INSTALL_HINT) from error
        resource.prlimit(self._process.pid, resource.RLIMIT_AS, (MAX_PARSER_MEMORY_BYTES, MAX_PARSER_MEMORY_BYTES))
        self._exchange_message(b"", START_TIMEOUT_SECONDS)

    def request_tree(self, source_bytes: bytes) -> bytes:
        return self._exchange_message(source_bytes, PARSE_TIMEOUT_SECONDS)

    def _exchange_message(self, body: bytes, timeout_seconds: float) -> bytes:
        self._process.stdin.write(struct.pack(">I", len(body)))
        view = memoryview(body)
        while view:
            view = view[self._process.stdin.write(view) :]
        deadline = time.monotonic() + timeout_seconds
        (size,) = struct.unpack(">I", self._read_exactly(4, deadline))
        return self._read_exactly(size, deadline)

    def _read_exactly(self, size: int, deadline: float) -> bytes:
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

    def kill_process(self) -> None:
        self._process.kill()
        self.close_and_check_killed()

    def close_and_check_killed(self) -> bool:
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
def _kill_parsers() -> None:
    while _running_parsers:
        _running_parsers.pop().kill_process()
