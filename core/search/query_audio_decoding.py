"""Reading of audio files that users give as queries."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from core.errors import EarshotError
from core.sonicpi.audio_clip_and_render_result import Clip

MAX_AUDIO_BYTES = 20_000_000
MAX_AUDIO_SECONDS = 120.0
MAX_AUDIO_FRAMES = 192_000 * 120
"""Bounds the memory of a file whatever sample rate its header states."""
MAX_AUDIO_CHANNELS = 8
MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 4_000, 192_000
MIN_AUDIBLE_PEAK = 2.0**-16
"""Half of the smallest step of 16 bits."""


def decode_audio_bytes(data: bytes, file_name: str = "the file") -> Clip:
    """Read an audio file of at most 20 MB and 2 minutes.

    Parameters
    ----------
    data : bytes
        Content of a FLAC, WAV, Ogg or MP3 file.
    file_name : str
        For error messages.

    Returns
    -------
    Clip
        In stereo, at the file's sample rate. Mono is copied to both channels; of more channels,
        the first two are taken.

    Raises
    ------
    EarshotError
        When the file is too large or too long, is no audio file, is empty, silent or damaged.
    """
    if len(data) > MAX_AUDIO_BYTES:
        raise EarshotError(
            f"It has {len(data) / 1e6:.0f} MB; {MAX_AUDIO_BYTES / 1e6:.0f} MB is the maximum.",
            where=file_name,
            remedy="Give a shorter part of it.",
        )
    try:
        samples, sample_rate = _decode_audio_samples(data, file_name)
    except (soundfile.LibsndfileError, RuntimeError, ValueError, MemoryError) as error:
        raise EarshotError(
            "It cannot be read as a sound.",
            where=file_name,
            remedy="Give a FLAC, WAV, Ogg or MP3 file.",
        ) from error
    if len(samples) > _get_max_frame_count(sample_rate):
        raise EarshotError(
            f"It is longer than {MAX_AUDIO_SECONDS:.0f} s.",
            where=file_name,
            remedy="Give a part of it.",
        )
    if not len(samples) or not np.isfinite(samples).all():
        raise EarshotError("It holds no sound.", where=file_name)
    if float(np.abs(samples).max()) < MIN_AUDIBLE_PEAK:
        raise EarshotError("It is silent.", where=file_name, remedy="Give one that can be heard.")
    stereo = np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples[:, :2]
    return Clip(np.ascontiguousarray(np.clip(stereo, -1, 1)), sample_rate)


def _decode_audio_samples(data: bytes, file_name: str) -> tuple[np.ndarray, int]:
    """Return the samples, float32 [frames, channels], and their rate.

    A file that is too long yields one frame more than allowed: a header may state any length, so
    the length is only known after reading.
    """
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        if (
            file.channels > MAX_AUDIO_CHANNELS
            or not MIN_SAMPLE_RATE <= file.samplerate <= MAX_SAMPLE_RATE
        ):
            raise EarshotError(
                f"It has {file.channels} channels at {file.samplerate} Hz.",
                where=file_name,
                remedy=f"Give 1 to {MAX_AUDIO_CHANNELS} channels at {MIN_SAMPLE_RATE:,} to"
                f" {MAX_SAMPLE_RATE:,} Hz.",
            )
        max_frames = _get_max_frame_count(file.samplerate)
        samples = file.read(max_frames + 1, dtype="float32", always_2d=True)
        return samples, file.samplerate


def _get_max_frame_count(sample_rate: int) -> int:
    return min(int(MAX_AUDIO_SECONDS * sample_rate), MAX_AUDIO_FRAMES)
