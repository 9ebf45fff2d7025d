"""Where things lie on disk, and the one place where outside names are checked."""

from __future__ import annotations

import fcntl
import functools
import glob
import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Iterator

from core.errors import EarshotError

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
TEMPLATES_FOLDER = PROJECT_FOLDER / "templates"
# It can only be read by setting it, and this module is imported before any thread starts.
PROCESS_UMASK = os.umask(0o022)
os.umask(PROCESS_UMASK)
PARTIAL_PREFIX = ".partial-"  # how the name of a file begins that is being written
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")


def get_workspace_root() -> Path:
    """Folder of everything that is made: `artifacts/`, or `$EARSHOT_WORKSPACE`."""
    named = os.environ.get("EARSHOT_WORKSPACE") or str(PROJECT_FOLDER / "artifacts")
    return _resolve_path(named, "" if os.path.isabs(named) else os.getcwd())


@functools.lru_cache(maxsize=64)
def _resolve_path(path: str, folder: str) -> Path:
    """Links followed; kept, for a page asks a dozen times a run, and each costs a call a folder."""
    return Path(folder, path).resolve()


def get_corpora_folder() -> Path:
    """Folder that holds one folder a corpus."""
    return get_workspace_root() / "corpora"


def get_jobs_folder() -> Path:
    """Folder that holds one folder a job."""
    return get_workspace_root() / "jobs"


def is_read_only() -> bool:
    """Return whether the workspace is read-only: `./run --read-only` sets EARSHOT_READ_ONLY."""
    return os.environ.get("EARSHOT_READ_ONLY", "").lower() not in ("", "0", "false", "no")


def refuse_if_read_only(action: str) -> None:
    """Raise an EarshotError if the workspace is read-only.

    Parameters
    ----------
    action : str
        What would be done, as in "Starting a job".
    """
    if is_read_only():
        raise EarshotError(
            f"{action} is disabled: this workspace is read-only.",
            remedy="Start Earshot without --read-only to change something.",
        )


def validate_name(name: str, kind: str = "name") -> str:
    """Return `name` if it is safe as a folder's name, else raise.

    Parameters
    ----------
    name : str
        Comes from outside: a command, a text field, an address.
    kind : str
        What it names, for the message: "corpus", "alignment".

    Raises
    ------
    EarshotError
        When it is not 1 to 64 letters, digits, `_` or `-`, starting with a
        letter or digit. So it can hold no path and no hidden file.
    """
    if not isinstance(name, str) or not NAME_PATTERN.match(name):
        raise EarshotError(
            f"{str(name)[:80]!r} cannot be the name of a {kind}.",
            remedy="Use 1 to 64 letters, digits, '_' or '-', starting with a letter or digit.",
        )
    return name


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder for the block; wait for another process or thread that holds it.

    The folder and its lock file ``.lock`` are created if they are missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def atomic_write(path: Path, mode: str = "wb") -> Iterator[IO]:
    """Write a file beside its place and rename it there when it is whole.

    Parameters
    ----------
    path : Path
        Its final place. Missing folders are made.
    mode : {"wb", "w"}
        As of `open`; text is UTF-8.

    Yields
    ------
    file object
        Of the temporary file. When the block raises, nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    encoding = None if "b" in mode else "utf-8"
    handle = tempfile.NamedTemporaryFile(
        mode, dir=path.parent, prefix=format_partial_prefix(path), encoding=encoding, delete=False
    )
    try:
        with handle:
            fcntl.flock(handle, fcntl.LOCK_SH)  # see `sweep`
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(handle.name, 0o666 & ~PROCESS_UMASK)  # a temporary file is its owner's alone
        os.replace(handle.name, path)
    except BaseException:
        Path(handle.name).unlink(missing_ok=True)
        raise


def format_partial_prefix(path: Path) -> str:
    """How the name begins of a file or folder that is to become `path`."""
    return f"{PARTIAL_PREFIX}{path.name[:100]}-"


def remove_partial_files(path: Path) -> None:
    """Remove what killed writers of `path` left beside it.

    Whoever writes holds a lock on what it writes, which goes away with its process.
    """
    for left in path.parent.glob(f"{glob.escape(format_partial_prefix(path))}*"):
        try:
            descriptor = os.open(left, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        except OSError:  # it is being written, or was removed meanwhile
            pass
        finally:
            os.close(descriptor)
