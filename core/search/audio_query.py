"""Reading of audio files that users give as queries."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from core.errors import EarshotError
from core.sonicpi.clip import Clip

MAX_AUDIO_BYTES = 20_000_000
MAX_AUDIO_SECONDS = 120.0
MAX_AUDIO_FRAMES = 192_000 * 120  # whatever rate the file claims


def read_audio(data: bytes, file_name: str = "the file") -> Clip:
    """Read a sound that somebody gave.

    Parameters
    ----------
    data : bytes
        A FLAC, WAV, Ogg or MP3 file, at most 20 MB and 2 minutes.
    file_name : str
        For messages.

    Raises
    ------
    EarshotError
        When it is larger or longer than that, no sound file, empty, or damaged.
    """
    if len(data) > MAX_AUDIO_BYTES:
        raise EarshotError(
            f"It has {len(data) / 1e6:.0f} MB; {MAX_AUDIO_BYTES / 1e6:.0f} MB is the most.",
            where=file_name,
            remedy="Give a shorter part of it.",
        )
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate, channels = file.samplerate, file.channels
            # Some headers claim a length that the file doesn't have, so no more is read than fits.
            most = min(int(MAX_AUDIO_SECONDS * rate), MAX_AUDIO_FRAMES)
            if channels > 8 or not 4_000 <= rate <= 192_000:
                raise EarshotError(
                    f"It has {channels} channels at {rate} Hz.",
                    where=file_name,
                    remedy="Give 1 to 8 channels at 4,000 to 192,000 Hz.",
                )
            samples = file.read(most + 1, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, ValueError, MemoryError) as error:
        raise EarshotError(
            "It cannot be read as a sound.",
            where=file_name,
            remedy="Give a FLAC, WAV, Ogg or MP3 file.",
        ) from error
    if len(samples) > most:
        raise EarshotError(
            f"It is longer than {MAX_AUDIO_SECONDS:.0f} s.",
            where=file_name,
            remedy="Give a part of it.",
        )
    if not len(samples) or not np.isfinite(samples).all():
        raise EarshotError("It holds no sound.", where=file_name)
    if float(np.abs(samples).max()) < 2.0**-16:
        raise EarshotError("It is silent.", where=file_name, remedy="Give one that can be heard.")
    stereo = np.repeat(samples, 2, axis=1) if channels == 1 else samples[:, :2]
    return Clip(np.ascontiguousarray(np.clip(stereo, -1, 1)), rate)
