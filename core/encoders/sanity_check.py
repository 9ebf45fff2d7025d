"""What every encoder must do before it serves: tell unrelated inputs apart."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from core.encoders.base import EmbedError, Encoder
from core.errors import EarshotError

# Cosine above which two unrelated inputs count as the same.
MAX_UNRELATED_COSINE = 0.999
TEST_PROGRAMS = (
    "use_synth :prophet\nlive_loop :a do\n  play scale(:e3, :minor).choose, release: 0.2\n"
    "  sleep 0.125\nend",
    "sample :ambi_lunar_land, rate: 0.5, amp: 2",
    "# A note to myself: buy bread, milk and eggs on the way home.",
)


class ProbeClip(NamedTuple):
    """What an encoder reads of a clip."""

    samples: np.ndarray
    sample_rate: int


def make_probe_clips() -> list[ProbeClip]:
    """A chord, noise and clicks, two seconds each."""
    rate = 44_100
    seconds = np.arange(2 * rate) / rate
    chord = sum(np.sin(2 * np.pi * hertz * seconds) for hertz in (220.0, 277.2, 329.6)) / 4
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, len(seconds))
    clicks = np.where(np.arange(len(seconds)) % (rate // 4) < 40, 0.9, 0.0)
    return [ProbeClip(each.astype(np.float32)[:, None], rate) for each in (chord, noise, clicks)]


def check_encoder_sanity(encoder: Encoder) -> None:
    """Refuse an encoder that hears or reads no difference.

    Raises
    ------
    EarshotError
        When two unrelated inputs come out with a cosine above `ALIKE`, or a
        vector is not finite, zero, or of another length than the entry says.
    """
    entry = encoder.spec
    try:
        vectors = encoder.embed(TEST_PROGRAMS if entry.modality == "code" else make_probe_clips())
    except EmbedError as error:
        raise EarshotError(
            f"{entry.id} gives vectors that are not finite.", remedy=_suggest_remedy(encoder)
        ) from error
    except ValueError as error:
        raise EarshotError(
            f"{entry.id} gives vectors of another length than {entry.dim} ({error})."
        ) from error
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not lengths.all():
        raise EarshotError(f"{entry.id} gives a vector of zeros.", remedy=_suggest_remedy(encoder))
    unit = vectors / lengths
    closest = max(float(unit[a] @ unit[b]) for a, b in combinations(range(len(unit)), 2))
    if closest > MAX_UNRELATED_COSINE:
        raise EarshotError(
            f"{entry.id} tells unrelated inputs hardly apart: the cosine of two is {closest:.5f}.",
            remedy=_suggest_remedy(encoder),
        )


def _suggest_remedy(encoder: Encoder) -> str:
    return f"Its weights may be damaged or untrained ({encoder.spec.source}): use another encoder."
