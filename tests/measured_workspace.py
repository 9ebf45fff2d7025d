"""A small workspace whose clips are measured, for tests of what other programs ask Earshot."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.corpus import Corpus
from core.programs import Program
from core.search.aspect_similarity import ASPECT_ENCODER, DESCRIPTOR_ENCODER
from core.sonicpi import SAMPLE_RATE, Clip, RenderResult

SECONDS = 2.0
PROGRAM_COUNT = 72
CODE_ENCODER, AUDIO_ENCODER = "sonicpi", "log-mel"


def build_measured_workspace() -> None:
    """Build the corpus "tones": programs of one repeated note, with clips and an alignment."""
    from core.alignment import AlignmentConfig
    from core.pipeline.embed_missing_programs_and_clips import embed_corpus, embed_missing_clips
    from core.pipeline.train_and_evaluate_alignment import train

    corpus = Corpus.create("tones", seconds=SECONDS)
    programs = [
        Program(
            source=write_repeated_note(40 + number % 48, 1 if number < 48 else 0.3),
            name=f"tone-{number:02d}",
            template=("02_1_beeps", "02_3_synths", "03_1_samples")[number % 3],
            role="melody",
            parameters={"note": 40 + number % 48},
            seed=0,
        )
        for number in range(PROGRAM_COUNT)
    ]
    corpus.add_programs(programs)
    time = np.arange(int(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    for number, program in enumerate(programs):
        frequency = 440 * 2 ** ((40 + number % 48 - 69) / 12)
        amplitude = np.exp(-9 * (time % 0.25)) * (0.3 if number < 48 else 0.1)
        tone = amplitude * np.sin(2 * np.pi * frequency * time)
        samples = np.stack([tone, tone], axis=1).astype(np.float32)
        corpus.store_render_result(program.id, RenderResult(Clip(samples)), 0.1)
    corpus.set_corpus_setting("encoders", {"code": CODE_ENCODER, "audio": AUDIO_ENCODER})
    embed_corpus(corpus)
    for encoder_id in (ASPECT_ENCODER, DESCRIPTOR_ENCODER):
        embed_missing_clips(corpus, encoder_id)
    train(Corpus.open("tones"), AlignmentConfig(objective="kernel_ridge"))


def write_repeated_note(note: int, amp: float = 1) -> str:
    """Return a program that plays a note four times per second."""
    return f"8.times do\n  play {note}, amp: {amp}\n  sleep 0.25\nend\n"


def get_clip_bytes(workspace: Path) -> bytes:
    """Return the file of one of the clips."""
    return next(iter(sorted(workspace.glob("corpora/tones/audio/*/*.flac")))).read_bytes()
