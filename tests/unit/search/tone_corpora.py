"""Further corpora of tones beside the one of the fixture `corpus`."""

from __future__ import annotations

import numpy as np

from core import encoders
from core.corpus import Corpus
from core.programs import Program
from core.sonicpi import RenderResult
from tests.unit.search.signals import make_tone_clip

ENCODERS = {"code": "sonicpi", "audio": "log-mel"}


def make_tone_corpus(name: str, count: int, revision_suffix: str = "") -> Corpus:
    """Make a corpus of `count` tones with random embeddings; its first program is "play 0"."""
    corpus = Corpus.create(name, seconds=0.5)
    notes = [0, *range(50, 49 + count)]
    programs = [Program(f"play {note}\n", f"{name}-{note}", "t", "", {}, 0) for note in notes]
    corpus.add_programs(programs)
    program_ids = [program.id for program in programs]
    for position, program_id in enumerate(program_ids):
        corpus.store_render_result(
            program_id, RenderResult(make_tone_clip(150 * 2 ** (position % 7))), 0.5
        )
    rng = np.random.default_rng(count)
    for encoder_id in ENCODERS.values():
        spec = encoders.find_encoder_spec(encoder_id)
        embeddings = rng.normal(size=(count, spec.dim)).astype(np.float32)
        revision = spec.revision + revision_suffix
        corpus.store_embeddings(encoder_id, revision, program_ids, embeddings)
    corpus.set_corpus_setting("encoders", ENCODERS)
    return corpus
