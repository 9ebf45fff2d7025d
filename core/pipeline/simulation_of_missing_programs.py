"""Simulation of the programs of a corpus that a joint alignment is trained on or searches."""

from __future__ import annotations

from core.corpus import Corpus, list_corpora
from core.encoders.concatenated_encoders import split_encoder_id
from core.errors import EarshotError
from core.pipeline.embed_missing_programs_and_clips import embed_corpus, embed_missing_code
from core.pipeline.executors import Executor
from core.progress_callback import Progress, ignore_progress
from core.search.stored_simulations import (
    SIMULATION_ENCODER,
    has_joint_objective,
    list_clips_without_simulation,
)

MAX_PROGRAMS_TO_SIMULATE = 5000
"""Some 10 ms each. More would keep a training waiting for minutes: `./run embed` simulates them."""


def simulate_missing_programs(corpus: Corpus, progress: Progress = ignore_progress) -> None:
    """Simulate the programs of a corpus that lack it, before a joint training.

    Raises
    ------
    EarshotError
        When more than 5,000 are missing, or another process is writing.
    """
    missing_count = len(list_clips_without_simulation(corpus))
    if missing_count > MAX_PROGRAMS_TO_SIMULATE:
        raise EarshotError(
            f"{missing_count:,} programs of corpus '{corpus.name}' are not simulated.",
            remedy=f"To simulate them: ./run embed {corpus.name}"
            f" --code-encoder {SIMULATION_ENCODER}",
        )
    if missing_count:
        embed_corpus(corpus, SIMULATION_ENCODER, None, progress)


def simulate_programs_that_joint_alignments_search(
    corpus: Corpus, progress: Progress = ignore_progress, executor: Executor | None = None
) -> None:
    """Simulate new programs, if a joint alignment of any corpus can search this one.

    The caller holds the lock for writing. With more than 5,000 missing simulations nothing is
    done, and predictions take kernel ridge.
    """
    if not _can_joint_alignment_search(corpus):
        return
    if len(list_clips_without_simulation(corpus)) <= MAX_PROGRAMS_TO_SIMULATE:
        embed_missing_code(corpus, SIMULATION_ENCODER, progress, executor)


def _can_joint_alignment_search(corpus: Corpus) -> bool:
    """Return whether a joint alignment exists whose other encoders have embedded the corpus."""
    embedded_by = {encoder_id for encoder_id, _, count in corpus.count_embeddings_by_encoder()}
    for name in list_corpora():
        try:
            records = Corpus.open(name).load_alignments()
        except EarshotError:  # The pages and `check` report a damaged corpus.
            continue
        for record in records:
            if not has_joint_objective(record):
                continue
            encoder_ids = [fields["id"] for fields in record.config["encoders"].values()]
            components = {part for encoder in encoder_ids for part in split_encoder_id(encoder)}
            if components - {SIMULATION_ENCODER} <= embedded_by:
                return True
    return False
