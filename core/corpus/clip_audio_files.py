"""Read and write the audio files of clips, which are named by what they were rendered from."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from core.errors import EarshotError
from core.file_locks_and_atomic_writes import PARTIAL_PREFIX
from core.sonicpi import reproducible_ogg
from core.sonicpi.audio_clip_and_render_result import Clip, RenderProblem, quantise_samples_to_int16

AUDIO_FORMATS = ("flac", "ogg")
_INT16_FULL_SCALE = 2**15


@dataclass(frozen=True)
class ClipFileRecord:
    """What the database records about the file of a clip.

    Attributes
    ----------
    relative_path : str
        Path below the folder of clips.
    size_bytes : int
    sha256 : str
        Hash of the file.
    seconds, rms, peak : float
        Length and level of the clip as it is read from the file, linear, 0 to 1.
    warnings : tuple of RenderProblem
        The renderer's warnings, which the file holds as its comment.
    """

    relative_path: str
    size_bytes: int
    sha256: str
    seconds: float
    rms: float
    peak: float
    warnings: tuple[RenderProblem, ...] = ()


def build_clip_path(render_id: str, audio_format: str) -> str:
    """Return the path of a clip below the folder of clips.

    Examples
    --------
    >>> build_clip_path("abcd", "flac")
    'ab/abcd.flac'
    """
    return f"{render_id[:2]}/{render_id}.{audio_format}"


def encode_clip(
    clip: Clip, audio_format: str, warnings: Sequence[RenderProblem] = ()
) -> tuple[bytes, Clip]:
    """Return the content of a clip's file, and the clip as it is read from the file.

    Embeddings are computed from what the file holds, so that they do not depend on whether a build
    was interrupted. FLAC stores 16-bit samples exactly, so its content is known without decoding.

    Parameters
    ----------
    clip : Clip
    audio_format : {"flac", "ogg"}
    warnings : sequence of RenderProblem
        Stored as the comment of the file.
    """
    is_lossless = audio_format == "flac"
    samples = quantise_samples_to_int16(clip.samples) if is_lossless else clip.samples
    comment = _serialize_render_warnings(warnings)
    content = _encode_audio_file(samples, clip.sample_rate, audio_format, comment)
    if is_lossless:
        return content, Clip(samples.astype(np.float32) / _INT16_FULL_SCALE, clip.sample_rate)
    return content, Clip.decode_audio_file(content)


def load_clip_from_existing_file(
    clips_folder: Path, relative_path: str, seconds: float
) -> tuple[ClipFileRecord, Clip] | None:
    """Load a clip that has a file but may have no row in the database.

    That happens when a build was killed between the two, or when the database was lost.

    Returns
    -------
    tuple of ClipFileRecord and Clip, or None
        None if the file is missing, damaged or of another length than `seconds`.
    """
    path = clips_folder / relative_path
    if not path.is_file():
        return None
    try:
        content = path.read_bytes()
        clip = Clip.load(path)
        with soundfile.SoundFile(path) as sound_file:
            warnings = _parse_render_warnings(sound_file.comment)
    except (EarshotError, OSError, soundfile.LibsndfileError):
        return None
    if len(clip.samples) != round(seconds * clip.sample_rate):
        return None
    digest = hashlib.sha256(content).hexdigest()
    record = ClipFileRecord(
        relative_path, len(content), digest, clip.seconds, clip.rms, clip.peak, warnings
    )
    return record, clip


def remove_partial_clip_files(clips_folder: Path) -> int:
    """Remove the incomplete files of writers that were killed, and return their number."""
    leftovers = list(clips_folder.glob(f"*/{PARTIAL_PREFIX}*"))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return len(leftovers)


def _encode_audio_file(
    samples: np.ndarray, sample_rate: int, audio_format: str, comment: str
) -> bytes:
    def encode_samples_in_memory() -> bytes:
        buffer = io.BytesIO()
        with soundfile.SoundFile(
            buffer, "w", sample_rate, samples.shape[1], format=audio_format.upper()
        ) as sound_file:
            if comment:
                sound_file.comment = comment
            sound_file.write(samples)
        return buffer.getvalue()

    return (
        reproducible_ogg.encode_ogg_reproducibly(encode_samples_in_memory)
        if audio_format == "ogg"
        else encode_samples_in_memory()
    )


def _serialize_render_warnings(warnings: Sequence[RenderProblem]) -> str:
    """Return warnings as the comment of a file, from which a lost row is restored."""
    rows = [warning.to_dict_without_empty_fields() for warning in warnings]
    return json.dumps({"warnings": rows}) if rows else ""


def _parse_render_warnings(comment: str) -> tuple[RenderProblem, ...]:
    try:
        return tuple(RenderProblem(**row) for row in json.loads(comment)["warnings"])
    except (ValueError, TypeError, KeyError):
        return ()
