"""A corpus of the paper's size in a moment: real programs and parameters, one clip a template.

Programs of a template share its one real clip, and lie around a place of their own in each space,
as programs do; what pages read, draw and search is as large as if all had been rendered.
"""

from __future__ import annotations

import sqlite3
from unittest import mock

import numpy as np
import pandas as pd

from core import encoders, sonicpi
from core.alignment import AlignmentConfig
from core.corpus import Corpus, EmbeddingPairs
from core.programs import Program, generate, list_templates
from core.progress import Progress
from core.pipeline.train import train

CODE, AUDIO = "sentence-transformers/all-MiniLM-L6-v2", "aisfx"
EPOCHS = 3


def make(name: str, programs: int, seed: int = 0) -> Corpus:
    """Make the corpus in the workspace, with an alignment that has learnt little."""
    rng = np.random.default_rng(seed)
    corpus = Corpus.create(name)
    each = -(-programs // len(list_templates()))
    made = [program for t in list_templates() for program in generate(t, each, seed=seed)][:programs]
    corpus.add_programs(made)
    ids = list(corpus.load_programs()["program"])
    made = [program for program in made if program.id in set(ids)]
    _share_clips(corpus, made)
    for encoder in (CODE, AUDIO):
        known = encoders.find_encoder_spec(encoder)
        vectors = _around(made, known.dim, rng)
        corpus.put_embeddings(encoder, known.revision, [p.id for p in made], vectors)
    corpus.set_setting("encoders", {"code": CODE, "audio": AUDIO})
    _align(corpus, made, rng)
    return corpus


def _share_clips(corpus: Corpus, made: list[Program]) -> None:
    first = {program.template: program for program in reversed(made)}
    for program in first.values():
        assert corpus.put_rendering(program.id, sonicpi.try_render(program.source), 18.0)
    with sqlite3.connect(corpus.path / "corpus.sqlite") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(clips)")][1:]
        for template, program in first.items():
            database.execute(
                f"INSERT OR IGNORE INTO clips (program, {', '.join(columns)})"
                f" SELECT others.position, {', '.join('one.' + c for c in columns)}"
                " FROM programs AS others, clips AS one JOIN programs AS owner"
                " ON owner.position = one.program WHERE owner.id = ? AND others.template = ?",
                (program.id, template),
            )


def _around(made: list[Program], width: int, rng: np.random.Generator) -> np.ndarray:
    """Rows around a centre a template: float32 [n, width]."""
    names = sorted({program.template for program in made})
    centres = rng.normal(size=(len(names), width))
    at = [names.index(program.template) for program in made]
    return (centres[at] + 0.6 * rng.normal(size=(len(made), width))).astype(np.float32)


def _align(corpus: Corpus, made: list[Program], rng: np.random.Generator) -> None:
    """Train, judge and keep an alignment as any other; but its map is drawn, not laid out.

    To lay out noise takes minutes and shows no more.
    """

    def drawn(heads: object, pairs: EmbeddingPairs, progress: Progress) -> pd.DataFrame:
        n = len(pairs.program_ids)
        by_id = {program.id: program for program in made}
        known = [by_id[program] for program in pairs.program_ids]
        places = [_around(known, 4, rng) for _ in range(2)]  # of code and of audio
        columns = ("before_x", "before_y", "after_x", "after_y")
        return pd.DataFrame(
            {
                "program": pairs.program_ids * 2,
                "modality": ["code"] * n + ["audio"] * n,
                **{
                    name: np.concatenate([side[:, column] for side in places])
                    for column, name in enumerate(columns)
                },
                "similarity": np.tile(rng.uniform(-1, 1, n).astype(np.float32), 2),
                "overlap_before": np.tile(rng.integers(4, size=n) / 3, 2).astype(np.float32),
                "overlap_after": np.tile(rng.integers(4, size=n) / 3, 2).astype(np.float32),
            }
        )

    with mock.patch("core.pipeline.train.compute_map", drawn):
        train(corpus, AlignmentConfig(epochs=EPOCHS))
