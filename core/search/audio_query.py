"""From a sound to what is nearest to it, and how much of that was foretold."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from core.errors import EarshotError
from core.sonicpi.clip import Clip
from core.search.aligned_corpus import (
    Neighbour,
    as_neighbours,
    check_question,
    loaded_encoder,
    space_of,
)

MOST_BYTES = 20_000_000
MOST_SECONDS = 120.0
MOST_FRAMES = 192_000 * 120  # whatever rate the file claims


def read_sound(data: bytes, name: str = "the file") -> Clip:
    """Read a sound that somebody gave.

    Parameters
    ----------
    data : bytes
        A FLAC, WAV, Ogg or MP3 file, at most 20 MB and 2 minutes.
    name : str
        For messages.

    Raises
    ------
    EarshotError
        When it is larger or longer than that, no sound file, empty, or damaged.
    """
    if len(data) > MOST_BYTES:
        raise EarshotError(
            f"It has {len(data) / 1e6:.0f} MB; {MOST_BYTES / 1e6:.0f} MB is the most.",
            where=name,
            remedy="Give a shorter part of it.",
        )
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate, channels = file.samplerate, file.channels
            # Some headers claim a length that the file doesn't have, so no more is read than fits.
            most = min(int(MOST_SECONDS * rate), MOST_FRAMES)
            if channels > 8 or not 4_000 <= rate <= 192_000:
                raise EarshotError(
                    f"It has {channels} channels at {rate} Hz.",
                    where=name,
                    remedy="Give 1 to 8 channels at 4,000 to 192,000 Hz.",
                )
            samples = file.read(most + 1, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, ValueError, MemoryError) as error:
        raise EarshotError(
            "It cannot be read as a sound.",
            where=name,
            remedy="Give a FLAC, WAV, Ogg or MP3 file.",
        ) from error
    if len(samples) > most:
        raise EarshotError(
            f"It is longer than {MOST_SECONDS:.0f} s.", where=name, remedy="Give a part of it."
        )
    if not len(samples) or not np.isfinite(samples).all():
        raise EarshotError("It holds no sound.", where=name)
    if float(np.abs(samples).max()) < 2.0**-16:
        raise EarshotError("It is silent.", where=name, remedy="Give one that can be heard.")
    stereo = np.repeat(samples, 2, axis=1) if channels == 1 else samples[:, :2]
    return Clip(np.ascontiguousarray(np.clip(stereo, -1, 1)), rate)


def neighbours_of_sound(
    corpus_name: str,
    sound: Clip,
    k: int = 5,
    alignment_id: str | None = None,
    direction: str = "audio->code",
) -> list[Neighbour]:
    """Find the programs nearest to a sound that need be in no corpus.

    Parameters
    ----------
    corpus_name : str
    sound : Clip
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
    check_question(direction, k)
    space = space_of(corpus_name, alignment_id, direction)
    ear = loaded_encoder(space.encoders["audio"])
    query = np.asarray(ear.embed([sound]), dtype=np.float32)  # [1, d]
    return as_neighbours(space, *space.nearest(query, k, direction))
