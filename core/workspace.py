"""Paths of the workspace, its read-only mode, and validation of folder names."""

from __future__ import annotations

import functools
import os
import re
import shutil
from pathlib import Path

from core.errors import EarshotError

PROJECT_FOLDER = Path(__file__).resolve().parent.parent
TEMPLATES_FOLDER = PROJECT_FOLDER / "templates"
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")


def get_workspace_root() -> Path:
    """Return the folder of all generated data: ``$EARSHOT_WORKSPACE``, or ``artifacts/``."""
    path = os.environ.get("EARSHOT_WORKSPACE") or str(PROJECT_FOLDER / "artifacts")
    return _resolve_path_in_folder(path, "" if os.path.isabs(path) else os.getcwd())


@functools.lru_cache(maxsize=64)
def _resolve_path_in_folder(path: str, folder: str) -> Path:
    # Cached because a page run asks a dozen times, and each time costs one system call per folder.
    return Path(folder, path).resolve()


def get_corpora_folder() -> Path:
    """Return the folder that holds one folder per corpus."""
    return get_workspace_root() / "corpora"


def get_jobs_folder() -> Path:
    """Return the folder that holds one folder per job."""
    return get_workspace_root() / "jobs"


def get_renders_folder() -> Path:
    """Return the folder of the clips that programs were rendered to by request."""
    return get_workspace_root() / "renders"


def is_workspace_read_only() -> bool:
    """Return whether the workspace is read-only: `./run --read-only` sets EARSHOT_READ_ONLY."""
    return os.environ.get("EARSHOT_READ_ONLY", "").lower() not in ("", "0", "false", "no")


def require_writable_workspace(action: str) -> None:
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


def get_free_bytes(path: Path) -> int:
    """Return the free bytes of the disk that holds a path, which need not exist yet."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free
