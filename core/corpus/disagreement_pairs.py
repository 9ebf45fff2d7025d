"""The pairs of programs that were compared under an alignment: one file in its folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from core.corpus.alignments import AlignmentRecord
from core.errors import EarshotError
from core.workspace import atomic_write, refuse_if_read_only

PAIRS_FILE = "pairs.parquet"


def save_disagreement_pairs(record: AlignmentRecord, pairs: pd.DataFrame) -> Path:
    """Write the pairs of an alignment in place of older ones."""
    refuse_if_read_only("Keeping compared pairs")
    path = record.path / PAIRS_FILE
    try:
        with atomic_write(path) as handle:
            pairs.to_parquet(handle, index=False)
    except OSError as error:
        raise EarshotError(
            f"The pairs cannot be written ({error.strerror}).",
            where=str(path),
            remedy="Check that you may write there and that the disk is not full.",
        ) from error
    return path


def load_disagreement_pairs(record: AlignmentRecord) -> pd.DataFrame | None:
    """The pairs of an alignment; None before they were looked for.

    Raises
    ------
    EarshotError
        When the file is damaged.
    """
    path = record.path / PAIRS_FILE
    if not path.exists():
        return None
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise EarshotError(
            f"The compared pairs cannot be read ({error}).",
            where=str(path),
            remedy="Remove that file and compare again.",
        ) from error
