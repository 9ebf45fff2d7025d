"""A synthetic corpus of the paper's size: real programs, one rendered clip per template.

All programs of a template share its clip, and their embeddings lie around a centre of the template,
as real ones do. What pages read, draw and search is as large as if every program had been rendered.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from unittest import mock

import numpy as np
import pandas as pd

from core import encoders, sonicpi
from core.alignment import AlignmentConfig
from core.corpus import Corpus, EmbeddingPairs
from core.pipeline.train_and_evaluate_alignment import train
from core.programs import Program, generate, list_templates
from core.progress_callback import Progress

CODE_ENCODER, AUDIO_ENCODER = "sentence-transformers/all-MiniLM-L6-v2", "aisfx"
CLIP_SECONDS = 18.0
EPOCHS = 3
SPREAD = 0.6  # of embeddings around their centre, whose coordinates have standard deviation 1


def create_big_corpus(
    name: str, program_count: int, seed: int = 0, *, is_evaluated: bool = True
) -> Corpus:
    """Create the corpus in the workspace, with a briefly trained alignment.

    Parameters
    ----------
    name : str
    program_count : int
        At most; programs with the same source are stored once.
    seed : int
    is_evaluated : bool
        Whether the alignment gets metrics and a calibrated confidence, which take a minute.
    """
    rng = np.random.default_rng(seed)
    corpus = Corpus.create(name)
    templates = list_templates()
    per_template = -(-program_count // len(templates))
    programs = [
        program for template in templates for program in generate(template, per_template, seed=seed)
    ][:program_count]
    corpus.add_programs(programs)
    stored_ids = set(corpus.load_programs()["program"])
    programs = [program for program in programs if program.id in stored_ids]
    program_ids = [program.id for program in programs]
    _share_clips(corpus, programs)
    for encoder_id in (CODE_ENCODER, AUDIO_ENCODER):
        spec = encoders.find_encoder_spec(encoder_id)
        template_ids = [program.template for program in programs]
        embeddings = _draw_around_templates(template_ids, spec.dim, rng)
        corpus.store_embeddings(encoder_id, spec.revision, program_ids, embeddings)
    corpus.set_corpus_setting("encoders", {"code": CODE_ENCODER, "audio": AUDIO_ENCODER})
    train_with_random_map(corpus, rng, is_evaluated=is_evaluated)
    return corpus


def _share_clips(corpus: Corpus, programs: list[Program]) -> None:
    """Render the first program of each template, and give its clip to the others."""
    first_by_template = {program.template: program for program in reversed(programs)}
    for program in first_by_template.values():
        rendering = sonicpi.try_render(program.source)
        assert corpus.store_render_result(program.id, rendering, CLIP_SECONDS)
    with sqlite3.connect(corpus.path / "corpus.sqlite") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(clips)")][1:]
        for template, program in first_by_template.items():
            database.execute(
                f"INSERT OR IGNORE INTO clips (program, {', '.join(columns)})"
                f" SELECT others.position, {', '.join('clip.' + column for column in columns)}"
                " FROM programs AS others, clips AS clip JOIN programs AS owner"
                " ON owner.position = clip.program WHERE owner.id = ? AND others.template = ?",
                (program.id, template),
            )


def _draw_around_templates(templates: list[str], dim: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a vector per program around the random centre of its template: float32 [n, dim]."""
    names, template_indices = np.unique(templates, return_inverse=True)
    centres = rng.normal(size=(len(names), dim))
    noise = rng.normal(size=(len(templates), dim))
    return (centres[template_indices] + SPREAD * noise).astype(np.float32)


def train_with_random_map(
    corpus: Corpus, rng: np.random.Generator, *, is_evaluated: bool = True
) -> None:
    """Train, evaluate and save an alignment, with a random map.

    UMAP takes minutes for random embeddings, and its layout of them would show no more.
    """

    def draw_random_map(_heads: object, pairs: EmbeddingPairs, _progress: Progress) -> pd.DataFrame:
        n = len(pairs.program_ids)
        template_by_id = corpus.load_programs().set_index("program")["template"]
        templates = template_by_id[list(pairs.program_ids)].tolist()
        positions = np.concatenate([_draw_around_templates(templates, 4, rng) for _ in range(2)])
        return pd.DataFrame(
            {
                "program": pairs.program_ids * 2,
                "modality": ["code"] * n + ["audio"] * n,
                "before_x": positions[:, 0],
                "before_y": positions[:, 1],
                "after_x": positions[:, 2],
                "after_y": positions[:, 3],
                "similarity": np.tile(rng.uniform(-1, 1, n).astype(np.float32), 2),
                "overlap_before": np.tile(rng.integers(4, size=n) / 3, 2).astype(np.float32),
                "overlap_after": np.tile(rng.integers(4, size=n) / 3, 2).astype(np.float32),
            }
        )

    replacements: dict[str, Callable[..., object]] = {"compute_alignment_map": draw_random_map}
    if not is_evaluated:
        replacements["evaluate_projection_heads"] = lambda *_: pd.DataFrame()
        replacements["calibrate_confidence"] = lambda *_: {}
    with mock.patch.multiple("core.pipeline.train_and_evaluate_alignment", **replacements):
        train(corpus, AlignmentConfig(epochs=EPOCHS))
