"""Clips as files: named by what they were rendered from, whole or not there."""

from __future__ import annotations

import errno
import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

import numpy as np
import soundfile

from core import workspace
from core.errors import EarshotError
from core.sonicpi.clip import Clip, RenderProblem
from core.sonicpi import ogg
from core.workspace import atomic_write

AUDIO_FORMATS = ("flac", "ogg")
PARTIAL_PREFIX = ".partial-"  # how the name of a file begins that is being written
INT16_FULL_SCALE = 2**15  # of 16-bit samples


@dataclass(frozen=True, eq=False)
class StoredClip:
    """A clip's file and what it holds.

    Attributes
    ----------
    clip : Clip
        As it would be read: 16 bits a sample in FLAC, so not quite what was rendered.
    relative_path : str
        Path below the folder of clips.
    size_bytes : int
    sha256 : str
        Of the file.
    warnings : tuple of Problem
        What the renderer had to say about it, which the file remembers.
    """

    clip: Clip
    relative_path: str
    size_bytes: int
    sha256: str
    warnings: tuple[RenderProblem, ...] = ()


def build_clip_path(render_id: str, audio_format: str) -> str:
    """Path of a clip below the folder of clips: ``ab/abcd….flac``."""
    return f"{render_id[:2]}/{render_id}.{audio_format}"


def find_clip_file(corpus_name: str, render_id: str) -> Path | None:
    """The clip of that name in a corpus, whichever program it is of; None if there is none."""
    folder = workspace.get_corpora_folder() / corpus_name / "audio"
    paths = (folder / build_clip_path(render_id, audio_format) for audio_format in AUDIO_FORMATS)
    return next((path for path in paths if path.is_file()), None)


def write_clip(clips_folder: Path, relative_path: str, clip: Clip, warnings: Sequence[RenderProblem] = ()) -> StoredClip:
    """Write a clip; return it as whoever reads the file will hear it.

    What is embedded is what the file holds, whether that is done now or after an
    interruption. Of FLAC, which keeps 16-bit samples as they are, that is known without
    decoding what has just been encoded.
    """
    lossless = relative_path.endswith(".flac")
    samples = _convert_to_int16(clip.samples) if lossless else clip.samples
    content = _encode_audio(samples, clip.sample_rate, Path(relative_path).suffix[1:], _serialize_warnings(warnings))
    try:
        with atomic_write(clips_folder / relative_path) as handle:
            handle.write(content)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise EarshotError(
            f"A clip cannot be written ({error.strerror}).",
            where=str(clips_folder / relative_path),
            remedy="Free some disk space and run the command again: it goes on where it was."
            if full
            else "Check that you may write there, then run the command again.",
        ) from error
    if lossless:
        heard = Clip(samples.astype(np.float32) / INT16_FULL_SCALE, clip.sample_rate)
    else:
        heard = Clip.load(clips_folder / relative_path)
    digest = hashlib.sha256(content).hexdigest()
    return StoredClip(heard, relative_path, len(content), digest, tuple(warnings))


def load_existing_clip(clips_folder: Path, relative_path: str, seconds: float) -> StoredClip | None:
    """Take a clip that lies at its place already; None if there is no whole one.

    That happens when a build was killed between writing the file and noting
    it, or when the database was lost and its clips were not.
    """
    path = clips_folder / relative_path
    if not path.is_file():
        return None
    try:
        content = path.read_bytes()
        clip = Clip.load(path)
        with soundfile.SoundFile(path) as opened:
            warnings = _parse_warnings(opened.comment)
    except (EarshotError, OSError, soundfile.LibsndfileError):
        return None
    if len(clip.samples) != round(seconds * clip.sample_rate):
        return None
    return StoredClip(clip, relative_path, len(content), hashlib.sha256(content).hexdigest(), warnings)


def remove_partial_clips(clips_folder: Path) -> int:
    """Remove half-written files that a killed writer left; return how many."""
    leftovers = list(clips_folder.glob(f"*/{PARTIAL_PREFIX}*"))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return len(leftovers)


def _convert_to_int16(samples: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1] as whole numbers, int16 of the same shape."""
    scaled = np.rint(samples * INT16_FULL_SCALE)
    return np.clip(scaled, -INT16_FULL_SCALE, INT16_FULL_SCALE - 1, out=scaled).astype(np.int16)


def _encode_audio(samples: np.ndarray, sample_rate: int, audio_format: str, comment: str) -> bytes:
    def write_to_buffer() -> bytes:
        buffer = io.BytesIO()
        with soundfile.SoundFile(
            buffer, "w", sample_rate, samples.shape[1], format=audio_format.upper()
        ) as opened:
            if comment:
                opened.comment = comment
            opened.write(samples)
        return buffer.getvalue()

    return ogg.encode_reproducibly(write_to_buffer) if audio_format == "ogg" else write_to_buffer()


def _serialize_warnings(warnings: Sequence[RenderProblem]) -> str:
    """Warnings as the file's comment, from which a lost row is made again."""
    rows = [{"kind": each.kind, "message": each.message, "line": each.line} for each in warnings]
    return json.dumps({"warnings": rows}) if rows else ""


def _parse_warnings(comment: str) -> tuple[RenderProblem, ...]:
    try:
        return tuple(RenderProblem(**row) for row in json.loads(comment)["warnings"])
    except (ValueError, TypeError, KeyError):
        return ()
