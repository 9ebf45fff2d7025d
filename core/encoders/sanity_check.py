"""Check that a loaded encoder distinguishes unrelated inputs."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from core.encoders.encoder_interface import EmbedError, Encoder
from core.errors import EarshotError
from core.sonicpi.audio_clip_and_render_result import Clip

MAX_UNRELATED_COSINE = 0.999
PROBE_PROGRAMS = (
    "use_synth :prophet\nlive_loop :a do\n  play scale(:e3, :minor).choose, release: 0.2\n"
    "  sleep 0.125\nend",
    "sample :ambi_lunar_land, rate: 0.5, amp: 2",
    "# A note to myself: buy bread, milk and eggs on the way home.",
)


def make_sanity_check_clips() -> list[Clip]:
    """Return a chord, noise and clicks, two seconds each."""
    sample_rate = 44_100
    seconds = np.arange(2 * sample_rate) / sample_rate
    tones = [np.sin(2 * np.pi * hertz * seconds) for hertz in (220.0, 277.2, 329.6)]
    chord = (tones[0] + tones[1] + tones[2]) / 4
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, len(seconds))
    clicks = np.where(np.arange(len(seconds)) % (sample_rate // 4) < 40, 0.9, 0.0)
    return [
        Clip(waveform.astype(np.float32)[:, None], sample_rate)
        for waveform in (chord, noise, clicks)
    ]


def check_encoder_sanity(encoder: Encoder) -> None:
    """Raise an error if an encoder does not distinguish unrelated inputs.

    Parameters
    ----------
    encoder : Encoder

    Raises
    ------
    EarshotError
        If two unrelated inputs have a cosine similarity above `MAX_UNRELATED_COSINE`, or a vector
        is not finite, zero, or not of the length that the spec states.
    """
    spec = encoder.spec
    remedy = (
        f"Its weights may be damaged or untrained ({spec.weights_origin}): use another encoder."
    )
    try:
        vectors = encoder.embed(
            PROBE_PROGRAMS if spec.modality == "code" else make_sanity_check_clips()
        )
    except EmbedError as error:
        raise EarshotError(
            f"{spec.id} returns vectors that are not finite.", remedy=remedy
        ) from error
    except ValueError as error:
        raise EarshotError(
            f"{spec.id} returns vectors of another length than {spec.dim} ({error})."
        ) from error
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not norms.all():
        raise EarshotError(f"{spec.id} returns a vector of zeros.", remedy=remedy)
    units = vectors / norms
    max_cosine = max(float(units[i] @ units[j]) for i, j in combinations(range(len(units)), 2))
    if max_cosine > MAX_UNRELATED_COSINE:
        raise EarshotError(
            f"{spec.id} does not distinguish unrelated inputs: cosine similarity {max_cosine:.5f}.",
            remedy=remedy,
        )
