"""A file lock that admits one writer at a time and names the one that holds it."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from core.errors import EarshotError
from core.workspace import require_writable_workspace

MAX_OWNER_RECORD_BYTES = 4096
_held_descriptors: set[int] = set()


def _close_lock_files_after_fork() -> None:
    # A forked child shares the open file and so the lock. Without this, it would keep the lock of
    # a killed writer for as long as it lives.
    for descriptor in _held_descriptors:
        os.close(descriptor)
    _held_descriptors.clear()


os.register_at_fork(after_in_child=_close_lock_files_after_fork)


class WriterLock:
    """A lock on a file that its process releases however it ends.

    Parameters
    ----------
    path : Path
        The lock file. It is created if it is missing and never deleted: two processes that lock
        two files of the same name would both go ahead.
    resource_name : str
        What the lock protects, for messages: "Corpus 'starter'".
    """

    def __init__(self, path: Path, resource_name: str):
        self._path = path
        self._resource_name = resource_name
        self._thread_local = threading.local()

    @property
    def is_held_by_current_thread(self) -> bool:
        """Whether this thread holds the lock."""
        return getattr(self._thread_local, "depth", 0) > 0

    @contextmanager
    def hold_writer_lock(self, writer_name: str) -> Iterator[None]:
        """Hold the lock for the block; a nested block of the same thread adds nothing.

        Parameters
        ----------
        writer_name : str
            The command that writes, as another writer's error message shows it.

        Raises
        ------
        EarshotError
            If someone else holds the lock (the message names the holder and since when), or the
            workspace is read-only.
        """
        if self.is_held_by_current_thread:
            self._thread_local.depth += 1
            try:
                yield
            finally:
                self._thread_local.depth -= 1
            return
        require_writable_workspace("Writing to a corpus")
        descriptor = self._open_and_lock_lock_file(writer_name)
        self._thread_local.depth = 1
        try:
            yield
        finally:
            self._thread_local.depth = 0
            _held_descriptors.discard(descriptor)
            os.close(descriptor)

    def _open_and_lock_lock_file(self, writer_name: str) -> int:
        descriptor = -1
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write_lock_owner(descriptor, writer_name)
        except BlockingIOError as error:
            owner_record = os.pread(descriptor, MAX_OWNER_RECORD_BYTES, 0)
            os.close(descriptor)
            raise EarshotError(
                f"{self._resource_name} is being written by {_describe_lock_owner(owner_record)}.",
                remedy="Wait until it has finished, or stop it; what it has finished stays.",
            ) from error
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
            if not self._path.parent.exists():
                raise EarshotError(
                    f"{self._resource_name} no longer exists.",
                    where=str(self._path.parent),
                    remedy="It was deleted or renamed in another tab or by a command.",
                ) from error
            raise EarshotError(
                f"{self._resource_name} cannot be written ({error.strerror}).",
                where=str(self._path),
                remedy="Check that you may write there and that the disk is not full.",
            ) from error
        _held_descriptors.add(descriptor)
        return descriptor

    @staticmethod
    def _write_lock_owner(descriptor: int, writer_name: str) -> None:
        owner = {
            "pid": os.getpid(),
            "command": writer_name,
            "since": datetime.now().astimezone().isoformat(timespec="seconds"),
        }
        # The line is written before the rest is cut off, so that nobody reads an empty file.
        line = json.dumps(owner).encode() + b"\n"
        os.pwrite(descriptor, line, 0)
        os.ftruncate(descriptor, len(line))


def _describe_lock_owner(owner_record: bytes) -> str:
    try:
        owner = json.loads(owner_record.split(b"\n", 1)[0])
        return f"process {owner['pid']} ({owner['command']}) since {owner['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
