"""Pairs of programs on which code and audio disagree: one file in an alignment's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from core.corpus.alignment_store import AlignmentRecord, update_alignments_change_stamp
from core.file_errors import convert_read_errors, convert_write_errors
from core.file_locks_and_atomic_writes import atomic_write
from core.workspace import require_writable_workspace

if TYPE_CHECKING:
    from core.corpus import Corpus

PAIRS_FILE = "pairs.parquet"
PROGRAM_COUNT_KEY = "programs"
"""Key in a table's `attrs`: how many programs the corpus had embeddings of."""


def save_disagreement_pairs(record: AlignmentRecord, pairs: pd.DataFrame) -> Path:
    """Write the pairs of an alignment, replacing older ones.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    EarshotError
        If the workspace is read-only or the file cannot be written.
    """
    require_writable_workspace("Saving disagreement pairs")
    path = record.path / PAIRS_FILE
    with convert_write_errors("The table of pairs", path):
        with atomic_write(path) as handle:
            pairs.to_parquet(handle, index=False)
        update_alignments_change_stamp(record.path.parent)
    return path


def count_embedded_programs(corpus: Corpus, record: AlignmentRecord) -> int:
    """Count the programs of a corpus that have both embeddings of an alignment."""
    encoder_ids = {encoder["id"] for encoder in record.config.get("encoders", {}).values()}
    counts = [
        count
        for encoder_id, _, count in corpus.count_embeddings_by_encoder()
        if encoder_id in encoder_ids
    ]
    return min(counts, default=0)


def load_disagreement_pairs(record: AlignmentRecord) -> pd.DataFrame | None:
    """Load the pairs of an alignment; None if none were computed yet.

    Raises
    ------
    EarshotError
        If the file is damaged.
    """
    path = record.path / PAIRS_FILE
    if not path.exists():
        return None
    with convert_read_errors(
        "The disagreement pairs cannot be read", path, "Remove that file and run compare again."
    ):
        return pd.read_parquet(path)
