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

PROJECT = Path(__file__).resolve().parent.parent
TEMPLATES = PROJECT / "templates"
# It can only be read by setting it, and this module is imported before any thread starts.
UMASK = os.umask(0o022)
os.umask(UMASK)
PARTIAL = ".partial-"  # how the name of a file begins that is being written
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")


def root() -> Path:
    """Folder of everything that is made: `artifacts/`, or `$EARSHOT_WORKSPACE`."""
    named = os.environ.get("EARSHOT_WORKSPACE") or str(PROJECT / "artifacts")
    return _resolved(named, "" if os.path.isabs(named) else os.getcwd())


@functools.lru_cache(maxsize=64)
def _resolved(path: str, folder: str) -> Path:
    """Links followed; kept, for a page asks a dozen times a run, and each costs a call a folder."""
    return Path(folder, path).resolve()


def corpora() -> Path:
    """Folder that holds one folder a corpus."""
    return root() / "corpora"


def jobs() -> Path:
    """Folder that holds one folder a job."""
    return root() / "jobs"


def read_only() -> bool:
    """Whether the workspace is only shown: `./run --read-only` sets EARSHOT_READ_ONLY."""
    return os.environ.get("EARSHOT_READ_ONLY", "").lower() not in ("", "0", "false", "no")


def refuse_if_read_only(what: str) -> None:
    """Raise an EarshotError when the workspace is only shown.

    Parameters
    ----------
    what : str
        What would be done, as in "Starting a job".
    """
    if read_only():
        raise EarshotError(
            f"{what} is off: this workspace is only shown.",
            remedy="Start Earshot without --read-only to change something.",
        )


def checked_name(name: str, what: str = "name") -> str:
    """Return `name` if it is safe as a folder's name, else raise.

    Parameters
    ----------
    name : str
        Comes from outside: a command, a text field, an address.
    what : str
        What it names, for the message: "corpus", "alignment".

    Raises
    ------
    EarshotError
        When it is not 1 to 64 letters, digits, `_` or `-`, starting with a
        letter or digit. So it can hold no path and no hidden file.
    """
    if not isinstance(name, str) or not NAME.match(name):
        raise EarshotError(
            f"{str(name)[:80]!r} cannot be the name of a {what}.",
            remedy="Use 1 to 64 letters, digits, '_' or '-', starting with a letter or digit.",
        )
    return name


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
        mode, dir=path.parent, prefix=partial(path), encoding=encoding, delete=False
    )
    try:
        with handle:
            fcntl.flock(handle, fcntl.LOCK_SH)  # see `sweep`
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(handle.name, 0o666 & ~UMASK)  # a temporary file is its owner's alone
        os.replace(handle.name, path)
    except BaseException:
        Path(handle.name).unlink(missing_ok=True)
        raise


def partial(path: Path) -> str:
    """How the name begins of a file or folder that is to become `path`."""
    return f"{PARTIAL}{path.name[:100]}-"


def sweep(path: Path) -> None:
    """Remove what killed writers of `path` left beside it.

    Whoever writes holds a lock on what it writes, which goes away with its process.
    """
    for left in path.parent.glob(f"{glob.escape(partial(path))}*"):
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
