"""One writer at a time, and a name for whoever it is."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Iterator

from core.errors import EarshotError
from core.workspace import refuse_if_read_only

_held_descriptors: set[int] = set()


def _close_locks_in_child() -> None:
    # A forked child shares the open file and so the lock: it would keep a
    # killed writer's corpus shut for as long as it lives.
    for descriptor in _held_descriptors:
        os.close(descriptor)
    _held_descriptors.clear()


os.register_at_fork(after_in_child=_close_locks_in_child)


class WriterLock:
    """A lock on a file that goes away with its process, however that ends.

    Parameters
    ----------
    path : Path
        The lock file. It is made when missing and never deleted: two processes
        that lock two files of the same name would both go ahead.
    what : str
        What it guards, for the message: "Corpus 'starter'".
    """

    def __init__(self, path: Path, resource_name: str):
        self._path = path
        self._resource_name = resource_name
        self._thread_local = threading.local()

    @property
    def is_held_by_thread(self) -> bool:
        """True while this thread holds the lock."""
        return getattr(self._thread_local, "depth", 0) > 0

    @contextmanager
    def acquire(self, writer_name: str) -> Iterator[None]:
        """Hold the lock for the block; a block inside of it costs nothing.

        Parameters
        ----------
        writer_name : str
            The command that writes, as another writer's message will show it.

        Raises
        ------
        EarshotError
            When someone else holds it, and who, and since when; when the workspace is only shown.
        """
        if self.is_held_by_thread:
            self._thread_local.depth += 1
            try:
                yield
            finally:
                self._thread_local.depth -= 1
            return
        refuse_if_read_only("Writing to a corpus")
        descriptor = self._lock_file(writer_name)
        self._thread_local.depth = 1
        try:
            yield
        finally:
            self._thread_local.depth = 0
            _held_descriptors.discard(descriptor)
            os.close(descriptor)

    def _lock_file(self, writer_name: str) -> int:
        descriptor = -1
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write_owner(descriptor, writer_name)
        except BlockingIOError as error:
            signature = os.pread(descriptor, 4096, 0)
            os.close(descriptor)
            raise EarshotError(
                f"{self._resource_name} is being written by {_describe_owner(signature)}.",
                remedy="Wait until it has finished, or end it; what it has finished stays.",
            ) from error
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
            raise EarshotError(
                f"{self._resource_name} cannot be written ({error.strerror}).",
                where=str(self._path),
                remedy="Check that you may write there and that the disk is not full.",
            ) from error
        _held_descriptors.add(descriptor)
        return descriptor

    @staticmethod
    def _write_owner(descriptor: int, writer_name: str) -> None:
        signature = {
            "pid": os.getpid(),
            "command": writer_name,
            "since": datetime.now().astimezone().isoformat(timespec="seconds"),
        }
        # The line is written before the rest is cut off, so that nobody reads
        # an empty file.
        line = json.dumps(signature).encode() + b"\n"
        os.pwrite(descriptor, line, 0)
        os.ftruncate(descriptor, len(line))


def _describe_owner(owner_record: bytes) -> str:
    try:
        who = json.loads(owner_record.split(b"\n", 1)[0])
        return f"process {who['pid']} ({who['command']}) since {who['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
