"""History of the clips that were played last, saved in the workspace."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from core import file_locks_and_atomic_writes, workspace
from core.corpus import does_clip_exist
from core.corpus.legacy_saved_names import translate_legacy_played_clip

MAX_PLAYED_CLIPS = 12
MAX_NAME_CHARS = 200
GALLERY_FOLDER = "gallery"  # Of the clips of core.pipeline.template_gallery_rendering.
_history_lock = threading.Lock()


@dataclass(frozen=True)
class PlayedClip:
    """A clip that was played.

    Attributes
    ----------
    path : Path
        Audio file of the clip.
    name : str
        Name of its program.
    played_at : float
        Seconds since 1970-01-01 UTC.
    """

    path: Path
    name: str
    played_at: float

    @property
    def corpus_name(self) -> str:
        """Name of the corpus of the clip, "" if it belongs to none."""
        parts = self.path.relative_to(workspace.get_workspace_root()).parts
        return parts[1] if parts[0] == "corpora" else ""


def load_play_history() -> list[PlayedClip]:
    """Return the clips that were played last and still exist, newest first.

    In a read-only workspace there are none: the history is its owner's, not the visitors'.
    """
    if workspace.is_workspace_read_only():
        return []
    return [clip for clip in _read_play_history() if does_clip_exist(clip.path)]


def is_clip_private(path: Path) -> bool:
    """Return whether a clip may be its owner's own: one outside of the corpora and the gallery.

    The play history and single renders have folders of their own; whatever else makes clips in the
    workspace is private too, until its folder is added here.
    """
    folders = (workspace.get_corpora_folder(), workspace.get_workspace_root() / GALLERY_FOLDER)
    return not any(path.is_relative_to(folder.resolve()) for folder in folders)


def record_played_clip(path: Path, name: str) -> None:
    """Add a clip to the history, unless the history cannot be written.

    Parameters
    ----------
    path : Path
        Audio file in the workspace.
    name : str
        Name of its program.
    """
    if workspace.is_workspace_read_only():
        return
    with _history_lock:
        older_clips = [clip for clip in _read_play_history() if clip.path != path]
        clip = PlayedClip(path, name[:MAX_NAME_CHARS], time.time())
        _write_play_history([clip, *older_clips][:MAX_PLAYED_CLIPS])


def record_played_generated_clip(name: str, digest: str, flac_bytes: bytes) -> None:
    """Add a clip that has no file to the history, and store it as long as it is listed.

    Parameters
    ----------
    name : str
        Name of the program.
    digest : str
        Hexadecimal hash that identifies the clip.
    flac_bytes : bytes
        Content of its FLAC file.
    """
    if workspace.is_workspace_read_only():
        return
    path = _get_history_folder() / f"{digest}.flac"
    try:
        if not path.is_file():
            with file_locks_and_atomic_writes.atomic_write(path) as file:
                file.write(flac_bytes)
    except OSError:
        return
    record_played_clip(path, name)
    listed_paths = {clip.path for clip in _read_play_history()}
    for stored_path in _get_history_folder().glob("*.flac"):
        if stored_path not in listed_paths:
            stored_path.unlink(missing_ok=True)


def _get_history_folder() -> Path:
    return workspace.get_workspace_root() / "heard"


def _get_history_path() -> Path:
    return _get_history_folder() / "heard.json"


def _read_play_history() -> list[PlayedClip]:
    try:
        saved_rows = json.loads(_get_history_path().read_text(encoding="utf-8"))
        root = workspace.get_workspace_root()
        clips = [
            PlayedClip(root / row["path"], str(row["name"]), float(row["played_at"]))
            for row in map(translate_legacy_played_clip, saved_rows)
        ]
        # The file may have been edited: nothing outside the workspace is served.
        return [clip for clip in clips if clip.path.resolve().is_relative_to(root)]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        # A missing or damaged history counts as empty, because losing it does no harm.
        return []


def _write_play_history(played_clips: list[PlayedClip]) -> None:
    root = workspace.get_workspace_root()
    rows = [{**asdict(clip), "path": str(clip.path.relative_to(root))} for clip in played_clips]
    try:
        with file_locks_and_atomic_writes.atomic_write(_get_history_path(), "w") as file:
            json.dump(rows, file)
    except OSError:
        return
