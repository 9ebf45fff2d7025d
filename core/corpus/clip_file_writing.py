"""Write the audio files of clips, with few synchronizations of the disk for many files.

A file is on the disk before the caller records it, so that a power cut never leaves a record
without its file. `fsync` costs about 5 ms per file, whatever its size. From a few files on, the
whole file system is synchronized instead, once for their contents and once for their names.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.errors import EarshotError
from core.file_locks_and_atomic_writes import PARTIAL_PREFIX, atomic_write

MIN_FILES_OF_GROUP_WRITE = 4  # Below, synchronizing other programs' files may cost more.


def write_clip_files(clips_folder: Path, content_by_path: Mapping[str, bytes]) -> None:
    """Write the contents of the files of clips; all are on the disk when this returns.

    If it fails or is killed, each file is either complete or missing under its name. The caller
    holds the writer lock of the corpus: what a killed writer left is removed when the next one
    takes it.

    Parameters
    ----------
    clips_folder : Path
    content_by_path : mapping of str to bytes
        Contents by path below the folder.

    Raises
    ------
    EarshotError
        If a file cannot be written.
    """
    synchronize_file_system = _find_file_system_synchronization()
    with _convert_write_errors(clips_folder):
        if len(content_by_path) < MIN_FILES_OF_GROUP_WRITE or synchronize_file_system is None:
            for relative_path, content in content_by_path.items():
                with atomic_write(clips_folder / relative_path) as handle:
                    handle.write(content)
        else:
            _write_files_as_group(clips_folder, content_by_path, synchronize_file_system)


def _write_files_as_group(
    folder: Path,
    content_by_path: Mapping[str, bytes],
    synchronize_file_system: Callable[[Path], None],
) -> None:
    final_by_partial: dict[str, str] = {}
    try:
        for relative_path, content in content_by_path.items():
            # Strings, because building `Path` objects takes as long as writing a small clip.
            parent, name = os.path.split(f"{folder}/{relative_path}")
            partial = f"{parent}/{PARTIAL_PREFIX}{name}-{os.getpid()}"
            final_by_partial[partial] = f"{parent}/{name}"
            _write_partial_file(partial, content)
        synchronize_file_system(folder)
        for partial, final in final_by_partial.items():
            os.replace(partial, final)
        synchronize_file_system(folder)
    except BaseException:
        for partial in final_by_partial:
            Path(partial).unlink(missing_ok=True)
        raise


def _write_partial_file(path: str, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        descriptor = os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        descriptor = os.open(path, flags, 0o666)
    with open(descriptor, "wb", buffering=0) as file:
        written = 0
        while written < len(content):  # One call writes at most 2 GiB, or what the disk can hold.
            written += file.write(memoryview(content)[written:])


def _find_file_system_synchronization() -> Callable[[Path], None] | None:
    """Return a function that synchronizes the file system of a folder; None if there is none.

    It calls `syncfs` of Linux, which the module `os` does not offer. `os.sync` would wait for
    every file system of the machine and reports no errors.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "syncfs"):
        return None

    def synchronize_file_system(folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            if libc.syncfs(descriptor) != 0:
                code = ctypes.get_errno()
                raise OSError(code, os.strerror(code), str(folder))
        finally:
            os.close(descriptor)

    return synchronize_file_system


@contextmanager
def _convert_write_errors(clips_folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        is_disk_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise EarshotError(
            f"A clip cannot be written ({error.strerror}).",
            where=str(error.filename or clips_folder),
            remedy="Free some disk space and run the command again: it resumes where it stopped."
            if is_disk_full
            else "Check that you may write there, then run the command again.",
        ) from error
