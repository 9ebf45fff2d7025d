"""Render ids and embeddings that tests make up where the real ones do not matter."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from core import encoders
from core.clip_length_limits import DEFAULT_CLIP_SECONDS
from core.corpus import Corpus


def compute_fake_render_id(
    source: str,
    seconds: float = DEFAULT_CLIP_SECONDS,
    sonic_pi: str = "3.2",
) -> str:
    """Return a render id without asking the installed Sonic Pi for its version."""
    return hashlib.sha256(f"{seconds} {source}".encode()).hexdigest()


def put_random_embeddings(
    corpus: Corpus, encoder_ids: Sequence[str], program_ids: Sequence[str], rng: np.random.Generator
) -> None:
    """Embed programs by normally distributed vectors, code encoder first."""
    for encoder_id in encoder_ids:
        spec = encoders.find_encoder_spec(encoder_id)
        embeddings = rng.normal(size=(len(program_ids), spec.dim)).astype(np.float32)
        corpus.store_embeddings(encoder_id, spec.revision, program_ids, embeddings)
    corpus.set_corpus_setting("encoders", dict(zip(("code", "audio"), encoder_ids)))
