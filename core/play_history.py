"""The clips that were heard last: a short list in the workspace, for coming back to them."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from core import workspace
from core.corpus.legacy_names import translate_played_clip

MAX_PLAYED_CLIPS = 12
MAX_NAME_CHARS = 200  # letters of a name
_history_lock = threading.Lock()


@dataclass(frozen=True)
class PlayedClip:
    """A clip that was heard.

    Attributes
    ----------
    path : Path
        Of its file.
    name : str
        The program's.
    played_at : float
        Seconds since 1970.
    """

    path: Path
    name: str
    played_at: float

    @property
    def corpus_name(self) -> str:
        """The corpus that it belongs to, "" for none."""
        inside = self.path.relative_to(workspace.get_workspace_root()).parts
        return inside[1] if inside[0] == "corpora" else ""


def load_play_history() -> list[PlayedClip]:
    """The clips heard last that are still there, the newest first."""
    return [each for each in _read_history() if each.path.is_file()]


def record_played_clip(path: Path, name: str) -> None:
    """Put a clip at the top of the list; nothing happens where that can't be written.

    Parameters
    ----------
    path : Path
        A file below the workspace.
    name : str
        The program's.
    """
    if workspace.is_read_only():
        return
    with _history_lock:
        before = [each for each in _read_history() if each.path != path]
        _write_history(
            [PlayedClip(path, name[:MAX_NAME_CHARS], time.time()), *before][:MAX_PLAYED_CLIPS]
        )


def record_generated_clip(name: str, digest: str, flac_bytes: bytes) -> None:
    """As `note`, for a clip that lies on no disk: it is kept while it is on the list.

    Parameters
    ----------
    name : str
        The program's.
    digest : str
        Tells this clip from others: hexadecimal digits.
    flac_bytes : bytes
        Its file.
    """
    if workspace.is_read_only():
        return
    path = _get_history_folder() / f"{digest}.flac"
    try:
        if not path.is_file():
            with workspace.atomic_write(path) as file:
                file.write(flac_bytes)
    except OSError:
        return
    record_played_clip(path, name)
    kept = {each.path for each in _read_history()}
    for old in _get_history_folder().glob("*.flac"):
        if old not in kept:
            old.unlink(missing_ok=True)


def _get_history_folder() -> Path:
    return workspace.get_workspace_root() / "heard"


def _get_history_path() -> Path:
    return _get_history_folder() / "heard.json"


def _read_history() -> list[PlayedClip]:
    try:
        rows = [
            translate_played_clip(row)
            for row in json.loads(_get_history_path().read_text(encoding="utf-8"))
        ]
        root = workspace.get_workspace_root()
        found = [
            PlayedClip(root / row["path"], str(row["name"]), float(row["played_at"]))
            for row in rows
        ]
        return [each for each in found if each.path.resolve().is_relative_to(root)]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        # Nothing was heard yet, or the list is damaged: it is no loss.
        return []


def _write_history(played_clips: list[PlayedClip]) -> None:
    root = workspace.get_workspace_root()
    rows = [{**asdict(each), "path": str(each.path.relative_to(root))} for each in played_clips]
    try:
        with workspace.atomic_write(_get_history_path(), "w") as file:
            json.dump(rows, file)
    except OSError:
        return
