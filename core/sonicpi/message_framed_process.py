"""A child process that exchanges length-prefixed messages over its standard input and output."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import time
from collections.abc import Mapping, Sequence


class FramedProcessError(Exception):
    """The process ended or stopped answering; it must be replaced."""


class FramedProcess:
    """A child process that reads and writes messages after their length.

    A message is a big-endian u32 length, then that many bytes.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    environment : mapping of str to str, optional
        Its environment variables; the default are those of this process.

    Raises
    ------
    OSError
        When the program cannot be started.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None):
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def output_descriptor(self) -> int:
        """File descriptor of the pipe from which the process's output is read."""
        return self._output.fileno()

    def send_message(self, body: bytes) -> None:
        """Write one message.

        Raises
        ------
        FramedProcessError
            When the process has closed its input.
        """
        view = memoryview(struct.pack(">I", len(body)) + body)
        try:
            while view:
                # The pipe is unbuffered and blocking, so `write` returns the number of bytes.
                view = view[self._input.write(view) or 0 :]
        except OSError as error:
            raise FramedProcessError("the process closed its input") from error

    def receive_message(self, deadline: float) -> bytearray:
        """Read one message.

        Parameters
        ----------
        deadline : float
            Time of `time.monotonic` at which to give up, in seconds.

        Raises
        ------
        FramedProcessError
            When the process ends, or the deadline passes.
        """
        (size,) = struct.unpack(">I", self.read_exactly(4, deadline))
        return self.read_exactly(size, deadline)

    def read_exactly(self, byte_count: int, deadline: float) -> bytearray:
        """Read `byte_count` bytes into memory that the caller may keep.

        Raises
        ------
        FramedProcessError
            As `receive_message`.
        """
        buffer = bytearray(byte_count)
        view = memoryview(buffer)
        descriptor = self.output_descriptor
        while view:
            seconds_left = deadline - time.monotonic()
            if seconds_left <= 0 or not select.select([descriptor], [], [], seconds_left)[0]:
                raise FramedProcessError("the process did not answer in time")
            read_count = os.readv(descriptor, [view])
            if read_count == 0:
                raise FramedProcessError("the process ended")
            view = view[read_count:]
        return buffer

    def wait_for_exit(self, timeout_seconds: float) -> int | None:
        """Return the exit status; None while the process still runs after the timeout."""
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        """Kill the process, if it still runs, and close its pipes; safe to call twice."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._input.close()
        self._output.close()
