"""One run of a sweep: training and evaluation of one configuration with one seed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from core.alignment import TrainingPairs, ValidationPairs
from core.alignment import train as train_heads
from core.alignment.config import AlignmentConfig
from core.alignment.training_device_and_precision import should_use_bf16
from core.corpus import EmbeddingPairs
from core.pipeline.evaluate_alignment_on_held_out_programs import (
    ComparedSpaces,
    build_aligned_embedding_spaces,
    evaluate_held_out_splits,
)

FEWER_CCA_DIRECTIONS = (5, 3, 2, 1)
"""A narrow configuration has fewer than ten pairs of directions; the sweep then compares at one of
these numbers, which all configurations have."""
ROW_COLUMNS = ("split", "reading", "metric", "value", "low", "high", "null_mean", "calibrated")


@dataclass(frozen=True)
class SweepRun:
    """A configuration of a sweep with a seed.

    Attributes
    ----------
    number : int
        Number of the configuration in the sweep.
    seed : int
    config : AlignmentConfig
    code_encoder : str
        Id of the encoder of the pairs.
    """

    number: int
    seed: int
    config: AlignmentConfig
    code_encoder: str

    def fix_device_and_precision(self) -> SweepRun:
        """Return the run for a processor, in the precision that this machine would choose."""
        use_bf16 = should_use_bf16(self.config.precision, torch.device("cpu"))
        precision = "bf16" if use_bf16 else "fp32"
        return replace(self, config=replace(self.config, device="cpu", precision=precision))

    def compute_run_hash(self) -> str:
        """Return a hash of the run, which its result repeats."""
        fields = [self.number, self.seed, self.code_encoder, self.config.to_dict()]
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def train_sweep_run(pairs: EmbeddingPairs, run: SweepRun) -> dict[str, Any]:
    """Train and evaluate a configuration with a seed.

    Parameters
    ----------
    pairs : EmbeddingPairs
        By the code encoder of the run.
    run : SweepRun

    Returns
    -------
    dict
        "number", "seed", "seconds" and "epochs" of the training, and "rows": one dict per split,
        reading and metric, with the keys `ROW_COLUMNS`.

    Raises
    ------
    EarshotError
        When the training diverges.
    """
    start = time.monotonic()
    is_training, is_validation = pairs.splits == "train", pairs.splits == "validation"
    code, audio = torch.from_numpy(pairs.code_embeddings), torch.from_numpy(pairs.audio_embeddings)
    result = train_heads(
        TrainingPairs(code[is_training], audio[is_training]),
        ValidationPairs(code[is_validation], audio[is_validation]),
        run.config,
    )
    seconds = time.monotonic() - start
    return {
        "number": run.number,
        "seed": run.seed,
        "seconds": seconds,
        "epochs": len(result.history),
        # The interval over programs is much the same for every seed.
        "rows": compute_metric_rows(
            pairs,
            build_aligned_embedding_spaces(result.heads, pairs),
            with_intervals=run.seed == 0,
        ),
    }


def is_sweep_run_record(value: object, run: SweepRun) -> bool:
    """Return whether a value from another machine is what `train_sweep_run` returns for a run."""
    if not isinstance(value, dict) or set(value) != {"number", "seed", "seconds", "epochs", "rows"}:
        return False
    if (value["number"], value["seed"]) != (run.number, run.seed):
        return False
    if not isinstance(value["seconds"], float) or not isinstance(value["epochs"], int):
        return False
    rows = value["rows"]
    return isinstance(rows, list) and bool(rows) and all(_is_metric_row(row) for row in rows)


def _is_metric_row(row: object) -> bool:
    if not isinstance(row, dict) or tuple(row) != ROW_COLUMNS:
        return False
    names: Sequence[object] = [row[column] for column in ROW_COLUMNS[:3]]
    numbers: Sequence[object] = [row[column] for column in ROW_COLUMNS[3:]]
    return all(isinstance(name, str) for name in names) and all(
        number is None or isinstance(number, int | float) for number in numbers
    )


def compute_metric_rows(
    pairs: EmbeddingPairs,
    spaces: dict[str, ComparedSpaces],
    *,
    with_intervals: bool = False,
    permutations: int = 0,
) -> list[dict[str, Any]]:
    """Evaluate some readings; return one row per split, reading and metric.

    Parameters
    ----------
    pairs : EmbeddingPairs
    spaces : dict of reading to ComparedSpaces
    with_intervals : bool
        Whether rows of test programs have the interval over programs.
    permutations : int
        Permutations of pairs for the rows with intervals.
    """
    table = evaluate_held_out_splits(
        spaces,
        pairs.splits,
        interval_splits=("test",) if with_intervals else (),
        permutations=permutations,
        fewer_cca_directions=FEWER_CCA_DIRECTIONS,
    )
    columns = table[[*ROW_COLUMNS]]
    return [dict(zip(ROW_COLUMNS, row)) for row in columns.itertuples(index=False)]
