"""The sound files that a client of the server may have read."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from core.errors import EarshotError
from core.search.query_audio_decoding import MAX_AUDIO_BYTES
from core.workspace import get_corpora_folder, get_renders_folder

SOUND_FILE_SUFFIXES = (".flac", ".wav", ".ogg", ".mp3")


def read_sound_file(path_text: str, folders: Sequence[Path] = ()) -> bytes:
    """Read a sound file in the workspace's clips and renderings, or in one of the given folders.

    The path comes from a program that may have been misled by a text it read. It therefore reaches
    only folders that the user named, whatever links lie in them, and only regular sound files.

    Parameters
    ----------
    path_text : str
        Absolute path, or one that starts with ~.
    folders : sequence of Path
        Folders that are allowed besides those of corpora and renderings.

    Raises
    ------
    EarshotError
        When the file lies elsewhere, does not exist, is no sound file or is larger than 20 MB.
    """
    allowed = [
        folder.resolve() for folder in (get_corpora_folder(), get_renders_folder(), *folders)
    ]
    remedy = (
        f"Give the absolute path of a {', '.join(SOUND_FILE_SUFFIXES)} file in"
        f" {', '.join(map(str, allowed))}; ./run mcp --folder FOLDER allows one more folder."
    )
    try:
        path = Path(path_text).expanduser()
        resolved = path.resolve(strict=False)
    except (ValueError, OSError, RuntimeError) as error:
        raise EarshotError(f"{path_text[:200]!r} is no path.", remedy=remedy) from error
    # The same answer whether the file exists, so that nothing is learned about other folders.
    if not path.is_absolute() or not any(resolved.is_relative_to(folder) for folder in allowed):
        raise EarshotError("It is outside the allowed folders.", where=str(path), remedy=remedy)
    if resolved.suffix.lower() not in SOUND_FILE_SUFFIXES:
        raise EarshotError("It is not a sound file.", where=str(path), remedy=remedy)
    return _read_regular_file(resolved, remedy)


def _read_regular_file(path: Path, remedy: str) -> bytes:
    """Read a file without following a link or waiting for a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise EarshotError(
            f"It cannot be read: {error.strerror}.", where=str(path), remedy=remedy
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise EarshotError("It is not a file.", where=str(path), remedy=remedy)
    with open(descriptor, "rb") as file:
        # One byte more than allowed is enough for the decoder to refuse it.
        return file.read(MAX_AUDIO_BYTES + 1)
