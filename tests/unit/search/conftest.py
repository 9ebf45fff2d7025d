"""A corpus of tones with real audio embeddings, random code embeddings and no alignment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core import encoders
from core.corpus import Corpus
from core.programs import Program
from core.sonicpi import Clip, RenderResult
from tests.unit.search.signals import make_tone_clip

CODE, AUDIO = "sonicpi", "log-mel"  # Neither loads a model.
MEASURED_PROGRAM_COUNT = 80


@pytest.fixture
def corpus(empty_workspace: Path) -> Corpus:
    """Six programs tone-0 … tone-5, whose clips are sines of 100 Hz to 3,200 Hz."""
    corpus = Corpus.create("starter", seconds=0.5)
    programs = [Program(f"play {n}\n", f"tone-{n}", "t", "melody", {}, 0) for n in range(6)]
    corpus.add_programs(programs)
    program_ids = [program.id for program in programs]
    clips: list[Clip] = [make_tone_clip(100 * 2**n) for n in range(6)]
    for program_id, clip in zip(program_ids, clips):
        corpus.store_render_result(program_id, RenderResult(clip), 0.5)
    audio_encoder = encoders.get_encoder(AUDIO)
    audio = np.asarray(audio_encoder.embed(clips))
    corpus.store_embeddings(AUDIO, audio_encoder.spec.revision, program_ids, audio)
    code_spec = encoders.find_encoder_spec(CODE)
    code = np.random.default_rng(0).normal(size=(6, code_spec.dim)).astype(np.float32)
    corpus.store_embeddings(CODE, code_spec.revision, program_ids, code)
    corpus.set_corpus_setting("encoders", {"code": CODE, "audio": AUDIO})
    return corpus


@pytest.fixture
def measured_corpus(empty_workspace: Path) -> Corpus:
    """Eighty programs of eight templates, each with embeddings and descriptors drawn at random."""
    corpus = Corpus.create("measured", seconds=0.5)
    programs = [
        Program(f"play {n}\n", f"tone-{n}", f"t{n % 8}", "melody", {}, 0)
        for n in range(MEASURED_PROGRAM_COUNT)
    ]
    corpus.add_programs(programs)
    program_ids = [program.id for program in programs]
    for program_id in program_ids:
        corpus.store_render_result(program_id, RenderResult(make_tone_clip(220)), 0.5)
    rng = np.random.default_rng(0)
    for encoder in (CODE, AUDIO, "descriptors"):
        spec = encoders.find_encoder_spec(encoder)
        rows = rng.normal(size=(MEASURED_PROGRAM_COUNT, spec.dim)).astype(np.float32)
        corpus.store_embeddings(encoder, spec.revision, program_ids, rows)
    corpus.set_corpus_setting("encoders", {"code": CODE, "audio": AUDIO})
    return corpus
