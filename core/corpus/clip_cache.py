"""Files of clips on this machine: those of an audio store are fetched when they are used."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from core.corpus.audio_shard_index import INDEX_FILE, AudioStoreIndex, StoredClip
from core.corpus.audio_shard_store import AudioStore, is_content_of_clip
from core.corpus.clip_audio_files import AUDIO_FORMATS, build_clip_path
from core.errors import EarshotError
from core.file_locks_and_atomic_writes import PARTIAL_PREFIX, atomic_write
from core.workspace import get_corpora_folder

CACHE_SHARE_AFTER_REMOVAL = 0.9
MEASURED_SHARE = 1 / 16
"""Share of the cache that is fetched before its size is measured again."""
MIN_UNUSED_S = 10.0
"""A file that was used more recently is kept, because somebody may be opening it."""

_unmeasured_bytes: dict[Path, int] = {}
_unmeasured_bytes_lock = threading.Lock()


def get_local_clip_file(path: str | Path) -> Path:
    """Return the file of a clip, which is fetched from the corpus's audio store if it has one.

    Parameters
    ----------
    path : str or Path
        Absolute path, as a corpus gives it.

    Returns
    -------
    Path
        The same path. If there is no such clip anywhere, there is no such file.

    Raises
    ------
    EarshotError
        If the clip cannot be fetched or stored.
    """
    path = Path(path)
    fetch_clip_files([path])
    return path


def find_clip_file(corpus_name: str, render_id: str) -> Path | None:
    """Return the file of a rendered clip in a corpus, fetched if needed; None if there is none.

    Raises
    ------
    EarshotError
        If the clip cannot be fetched.
    """
    folder = get_corpora_folder() / corpus_name / "audio"
    for audio_format in AUDIO_FORMATS:
        path = folder / build_clip_path(render_id, audio_format)
        if does_clip_exist(path):
            return get_local_clip_file(path)
    return None


def does_clip_exist(path: str | Path) -> bool:
    """Return whether a clip has a file on this machine or lies in its corpus's audio store."""
    path = Path(path)
    if path.is_file():
        return True
    corpus_folder, relative_path = _split_clip_path(path)
    index = AudioStoreIndex(corpus_folder)
    return index.exists() and relative_path in index.find_clips([relative_path])


def fetch_clip_files(paths: Iterable[str | Path]) -> None:
    """Fetch the missing files of clips from the audio stores of their corpora, at the same time.

    Parameters
    ----------
    paths : iterable of str or Path
        Absolute paths. Those that are in no store are ignored.

    Raises
    ------
    EarshotError
        If a clip cannot be fetched or stored.
    """
    missing: dict[Path, list[str]] = {}
    for path in map(Path, paths):
        if not _update_access_time_of_clip_file(path):
            corpus_folder, relative_path = _split_clip_path(path)
            missing.setdefault(corpus_folder, []).append(relative_path)
    for corpus_folder, relative_paths in missing.items():
        store = AudioStore.open(corpus_folder)
        if store is not None:
            clips = store.index.find_clips(relative_paths)
            _fetch_clips(store, list(clips.values()))


def try_to_fetch_clip_files(paths: Iterable[str | Path]) -> None:
    """Fetch the missing files of clips as `fetch_clip_files`, or leave them missing."""
    with suppress(EarshotError):
        fetch_clip_files(paths)


def _split_clip_path(path: Path) -> tuple[Path, str]:
    """Return the corpus's folder and the path below its folder ``audio/``."""
    return path.parent.parent.parent, f"{path.parent.name}/{path.name}"


def _update_access_time_of_clip_file(path: Path) -> bool:
    """Set the access time of a clip of an audio store; return whether the file exists."""
    try:
        status = path.stat()
    except OSError:
        return False
    if (path.parent.parent.parent / INDEX_FILE).exists():
        try:
            os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))
        except OSError:  # A read-only workspace, which nobody removes files from either.
            pass
    return True


def _fetch_clips(store: AudioStore, clips: list[StoredClip]) -> None:
    if len(clips) == 1:
        contents: list[bytes | Exception] = [store.read_clip(clips[0])]
    else:
        contents = store.storage.read_ranges(
            [(clip.shard_name, clip.offset, clip.size_bytes) for clip in clips]
        )
    for clip, content in zip(clips, contents, strict=True):
        if isinstance(content, Exception) or not is_content_of_clip(content, clip):
            content = store.read_clip(clip)  # Once more, and with a clear error.
        _write_cached_clip(store.clips_folder / clip.relative_path, content)
    remove_least_recently_used(store, sum(clip.size_bytes for clip in clips))


def _write_cached_clip(path: Path, content: bytes) -> None:
    for attempt in range(2):
        try:
            with atomic_write(path) as file:
                file.write(content)
            return
        except FileNotFoundError:  # A writer that began meanwhile removed the partial file.
            if attempt == 0:
                continue
            raise
        except OSError as error:
            raise EarshotError(
                f"A clip of the audio store cannot be kept here ({error.strerror}).",
                where=str(path),
                remedy="Free some disk space, or check that you may write there.",
            ) from error


def remove_least_recently_used(store: AudioStore, added_bytes: int) -> None:
    """Keep the local files of stored clips below the size of the cache.

    The folder is measured at the first call in a process, and then whenever a sixteenth of the
    cache was added.

    Parameters
    ----------
    store : AudioStore
    added_bytes : int
        Size of the files that were added since the last call.
    """
    with _unmeasured_bytes_lock:
        unmeasured = _unmeasured_bytes.get(store.corpus_folder)
        if unmeasured is not None:
            unmeasured += added_bytes
        is_due = unmeasured is None or unmeasured >= store.cache_bytes * MEASURED_SHARE
        _unmeasured_bytes[store.corpus_folder] = 0 if is_due else unmeasured or 0
    if not is_due:
        return
    stored_sizes = store.index.load_clip_sizes()
    files = [
        (status.st_atime, status.st_size, path)
        for path, status in _list_files(store.clips_folder)
        if f"{path.parent.name}/{path.name}" in stored_sizes
    ]
    excess = sum(size for _, size, _ in files) - store.cache_bytes
    if excess <= 0:
        return
    excess += round(store.cache_bytes * (1 - CACHE_SHARE_AFTER_REMOVAL))
    newest_removable = time.time() - MIN_UNUSED_S
    for access_time, size, path in sorted(files):
        if excess <= 0 or access_time > newest_removable:
            break
        path.unlink(missing_ok=True)
        excess -= size


def _list_files(folder: Path) -> Iterable[tuple[Path, os.stat_result]]:
    for path in folder.glob("*/*"):
        if not path.name.startswith(PARTIAL_PREFIX):
            try:
                yield path, path.stat()
            except OSError:  # Another process removed it.
                continue
