"""From a sound to what is nearest to it, and how much of that was foretold."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from core.errors import EarshotError
from core.sonicpi.clip import Clip
from core.search.aligned_corpus import (
    Neighbour,
    build_neighbours,
    validate_query,
    load_encoder_at_revision,
    load_search_index,
)

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
            f"It is longer than {MAX_AUDIO_SECONDS:.0f} s.", where=file_name, remedy="Give a part of it."
        )
    if not len(samples) or not np.isfinite(samples).all():
        raise EarshotError("It holds no sound.", where=file_name)
    if float(np.abs(samples).max()) < 2.0**-16:
        raise EarshotError("It is silent.", where=file_name, remedy="Give one that can be heard.")
    stereo = np.repeat(samples, 2, axis=1) if channels == 1 else samples[:, :2]
    return Clip(np.ascontiguousarray(np.clip(stereo, -1, 1)), rate)


def find_audio_neighbours(
    corpus_name: str,
    clip: Clip,
    k: int = 5,
    alignment_id: str | None = None,
    direction: str = "audio->code",
) -> list[Neighbour]:
    """Find the programs nearest to a sound that need be in no corpus.

    Parameters
    ----------
    corpus_name : str
    clip : Clip
    k : int
        How many, at least 1.
    alignment_id : str, optional
        Without it, the newest.
    direction : {"audio->code", "audio->audio"}
        By code, in the shared space; or by raw sound, which needs no alignment.

    Raises
    ------
    EarshotError
        When k or the direction isn't one, the corpus or alignment isn't there, or the audio
        encoder isn't the one that the corpus was embedded with.
    """
    if direction not in ("audio->code", "audio->audio"):
        raise EarshotError(
            f"A sound has no code to go from in direction {direction!r}.",
            remedy="Give audio->code or audio->audio.",
        )
    validate_query(direction, k)
    space = load_search_index(corpus_name, alignment_id, direction)
    ear = load_encoder_at_revision(space.encoder_records["audio"])
    query = np.asarray(ear.embed([clip]), dtype=np.float32)  # [1, d]
    return build_neighbours(space, *space.find_nearest_rows(query, k, direction))
