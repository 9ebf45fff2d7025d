"""Clips as files: named by what they were rendered from, whole or not there."""

from __future__ import annotations

import errno
import hashlib
from dataclasses import dataclass
from pathlib import Path

from core.errors import EarshotError
from core.sonicpi.clip import Clip

FORMATS = ("flac", "ogg")


@dataclass(frozen=True, eq=False)
class StoredClip:
    """A clip's file and what it holds.

    Attributes
    ----------
    clip : Clip
        As read back: 16 bits a sample in FLAC, so not quite what was rendered.
    file : str
        Path below the folder of clips.
    bytes : int
    sha256 : str
        Of the file.
    """

    clip: Clip
    file: str
    bytes: int
    sha256: str


def place(render_id: str, audio_format: str) -> str:
    """Path of a clip below the folder of clips: ``ab/abcd….flac``."""
    return f"{render_id[:2]}/{render_id}.{audio_format}"


def store(folder: Path, file: str, clip: Clip) -> StoredClip:
    """Write a clip, then read it back.

    What is embedded is what the file holds, whether that is done now or after
    an interruption; reading at once also shows that the file can be read.
    """
    try:
        clip.save(folder / file)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise EarshotError(
            f"A clip cannot be written ({error.strerror}).",
            where=str(folder / file),
            remedy="Free some disk space and run the command again: it goes on where it was."
            if full
            else "Check that you may write there, then run the command again.",
        ) from error
    return _read(folder, file)


def adopt(folder: Path, file: str, seconds: float) -> StoredClip | None:
    """Take a clip that lies at its place already; None if there is no whole one.

    That happens when a build was killed between writing the file and noting
    it, or when the database was lost and its clips were not.
    """
    if not (folder / file).is_file():
        return None
    try:
        stored = _read(folder, file)
    except EarshotError:
        return None
    return stored if len(stored.clip.samples) == round(seconds * stored.clip.sample_rate) else None


def sweep(folder: Path) -> int:
    """Remove half-written files that a killed writer left; return how many."""
    leftovers = list(folder.glob("*/.partial-*"))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return len(leftovers)


def _read(folder: Path, file: str) -> StoredClip:
    content = (folder / file).read_bytes()
    clip = Clip.load(folder / file)
    return StoredClip(clip, file, len(content), hashlib.sha256(content).hexdigest())
