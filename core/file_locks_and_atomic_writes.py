"""Exclusive locks of files and folders, and writes that appear whole or not at all."""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

# Reading the umask requires setting it, which is safe only before any thread starts: at import.
PROCESS_UMASK = os.umask(0o022)
os.umask(PROCESS_UMASK)
PARTIAL_PREFIX = ".partial-"  # of the names of files and folders that are being written


@contextmanager
def lock_file(path: Path, open_flags: int = os.O_RDWR | os.O_CREAT) -> Iterator[None]:
    """Hold the exclusive lock of a file for the block; wait for another holder to release it.

    Parameters
    ----------
    path : Path
        File that carries the lock. The default flags create it if it is missing.
    open_flags : int
        Flags of `os.open`.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    descriptor = os.open(path, open_flags, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder for the block; wait for another process or thread that holds it.

    The folder and its lock file ``.lock`` are created if they are missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with lock_file(folder / ".lock"):
        yield


@contextmanager
def lock_folder_and_remove_partial_folders(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder for the block, without what killed writers left in it.

    Every writer of `folder` must hold this lock, so that no other one is in the middle of writing.
    Partial files stay: their writers need no lock.
    """
    with lock_folder(folder):
        for leftover in folder.glob(f"{PARTIAL_PREFIX}*"):
            if leftover.is_dir():
                shutil.rmtree(leftover)
        yield


@contextmanager
def atomic_write(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Write a temporary file in the block, then rename it to its final path.

    Parameters
    ----------
    path : Path
        Final path. Missing folders are created.
    mode : {"wb", "w"}
        As in `open`; text is encoded as UTF-8.

    Yields
    ------
    file object
        The temporary file. It is removed if the block raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    encoding = None if "b" in mode else "utf-8"
    handle = tempfile.NamedTemporaryFile(
        mode, dir=path.parent, prefix=format_partial_prefix(path), encoding=encoding, delete=False
    )
    try:
        with handle:
            # The lock keeps `remove_partial_files` of other processes away from this file.
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        # A temporary file is readable by its owner only.
        os.chmod(handle.name, 0o666 & ~PROCESS_UMASK)
        os.replace(handle.name, path)
    except BaseException:
        Path(handle.name).unlink(missing_ok=True)
        raise


@contextmanager
def atomic_write_folder(target: Path) -> Iterator[Path]:
    """Write a temporary folder in the block, then rename it to its final path.

    Parameters
    ----------
    target : Path
        Final path, which does not exist. Missing parent folders are created.

    Yields
    ------
    Path
        The temporary folder. It is removed if the block raises.
    """
    parent = target.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=format_partial_prefix(target), dir=parent))
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # While the lock is held, `remove_partial_files` leaves the folder alone.
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield folder
        # A temporary folder is readable by its owner only.
        os.chmod(folder, 0o777 & ~PROCESS_UMASK)
        os.replace(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def format_partial_prefix(path: Path) -> str:
    """Return the name prefix of a temporary file or folder that will be renamed to `path`."""
    return f"{PARTIAL_PREFIX}{path.name[:100]}-"


def remove_partial_files(path: Path) -> None:
    """Remove the temporary files and folders that killed writers of `path` left behind.

    A writer holds a lock on its temporary file. The kernel releases the lock when the writer ends,
    so files of running writers are recognized and stay.
    """
    for leftover in path.parent.glob(f"{glob.escape(format_partial_prefix(path))}*"):
        try:
            descriptor = os.open(leftover, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        except OSError:  # It is being written, or another process has removed it.
            pass
        finally:
            os.close(descriptor)
