"""The clips that were heard last: a short list in the workspace, for coming back to them."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from core import workspace

MOST = 12
LONGEST = 200  # letters of a name
_lock = threading.Lock()


@dataclass(frozen=True)
class Heard:
    """A clip that was heard.

    Attributes
    ----------
    path : Path
        Of its file.
    name : str
        The program's.
    when : float
        Seconds since 1970.
    """

    path: Path
    name: str
    when: float

    @property
    def corpus(self) -> str:
        """The corpus that it belongs to, "" for none."""
        inside = self.path.relative_to(workspace.root()).parts
        return inside[1] if inside[0] == "corpora" else ""


def last() -> list[Heard]:
    """The clips heard last that are still there, the newest first."""
    return [each for each in _read() if each.path.is_file()]


def note(path: Path, name: str) -> None:
    """Put a clip at the top of the list; nothing happens where that can't be written.

    Parameters
    ----------
    path : Path
        A file below the workspace.
    name : str
        The program's.
    """
    if workspace.read_only():
        return
    with _lock:
        before = [each for each in _read() if each.path != path]
        _write([Heard(path, name[:LONGEST], time.time()), *before][:MOST])


def note_made(name: str, digest: str, flac: bytes) -> None:
    """As `note`, for a clip that lies on no disk: it is kept while it is on the list.

    Parameters
    ----------
    name : str
        The program's.
    digest : str
        Tells this clip from others: hexadecimal digits.
    flac : bytes
        Its file.
    """
    if workspace.read_only():
        return
    path = _folder() / f"{digest}.flac"
    try:
        if not path.is_file():
            with workspace.atomic_write(path) as file:
                file.write(flac)
    except OSError:
        return
    note(path, name)
    kept = {each.path for each in _read()}
    for old in _folder().glob("*.flac"):
        if old not in kept:
            old.unlink(missing_ok=True)


def _folder() -> Path:
    return workspace.root() / "heard"


def _file() -> Path:
    return _folder() / "heard.json"


def _read() -> list[Heard]:
    try:
        rows = json.loads(_file().read_text(encoding="utf-8"))
        root = workspace.root()
        found = [Heard(root / row["path"], str(row["name"]), float(row["when"])) for row in rows]
        return [each for each in found if each.path.resolve().is_relative_to(root)]
    except (OSError, ValueError, TypeError, KeyError):
        # Nothing was heard yet, or the list is damaged: it is no loss.
        return []


def _write(heard: list[Heard]) -> None:
    root = workspace.root()
    rows = [{**asdict(each), "path": str(each.path.relative_to(root))} for each in heard]
    try:
        with workspace.atomic_write(_file(), "w") as file:
            json.dump(rows, file)
    except OSError:
        return
