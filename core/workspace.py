"""Paths of the workspace, validation of names, file locks and atomic writes."""

from __future__ import annotations

import fcntl
import functools
import glob
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from core.errors import EarshotError

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
TEMPLATES_FOLDER = PROJECT_FOLDER / "templates"
# Reading the umask requires setting it, which is safe only before any thread starts: at import.
PROCESS_UMASK = os.umask(0o022)
os.umask(PROCESS_UMASK)
PARTIAL_PREFIX = ".partial-"  # of the names of files and folders that are being written
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")


def get_workspace_root() -> Path:
    """Return the folder of all generated data: ``$EARSHOT_WORKSPACE``, or ``artifacts/``."""
    path = os.environ.get("EARSHOT_WORKSPACE") or str(PROJECT_FOLDER / "artifacts")
    return _resolve_path(path, "" if os.path.isabs(path) else os.getcwd())


@functools.lru_cache(maxsize=64)
def _resolve_path(path: str, folder: str) -> Path:
    # Cached because a page run asks a dozen times, and each time costs one system call per folder.
    return Path(folder, path).resolve()


def get_corpora_folder() -> Path:
    """Return the folder that holds one folder per corpus."""
    return get_workspace_root() / "corpora"


def get_jobs_folder() -> Path:
    """Return the folder that holds one folder per job."""
    return get_workspace_root() / "jobs"


def is_workspace_read_only() -> bool:
    """Return whether the workspace is read-only: `./run --read-only` sets EARSHOT_READ_ONLY."""
    return os.environ.get("EARSHOT_READ_ONLY", "").lower() not in ("", "0", "false", "no")


def refuse_if_workspace_read_only(action: str) -> None:
    """Raise an EarshotError if the workspace is read-only.

    Parameters
    ----------
    action : str
        The refused action, as in "Starting a job".

    Raises
    ------
    EarshotError
        If the workspace is read-only.
    """
    if is_workspace_read_only():
        raise EarshotError(
            f"{action} is disabled: this workspace is read-only.",
            remedy="Start Earshot without --read-only to change something.",
        )


def validate_folder_name(name: str, kind: str = "name") -> str:
    """Return a name unchanged if it is safe as the name of a folder.

    Parameters
    ----------
    name : str
        From a user: an argument, a text field, a part of a URL.
    kind : str
        The kind of thing it names, for the message: "corpus", "alignment".

    Raises
    ------
    EarshotError
        If it is not 1 to 64 letters, digits, ``_`` or ``-``, starting with a letter or digit.
        Accepted names contain no path and do not start with a dot.

    Examples
    --------
    >>> validate_folder_name("beats-2", "corpus")
    'beats-2'
    """
    if not isinstance(name, str) or not NAME_PATTERN.match(name):
        raise EarshotError(
            f"{str(name)[:80]!r} cannot be the name of a {kind}.",
            remedy="Use 1 to 64 letters, digits, '_' or '-', starting with a letter or digit.",
        )
    return name


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


def get_free_bytes(path: Path) -> int:
    """Return the free bytes of the disk that holds a path, which need not exist yet."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free
