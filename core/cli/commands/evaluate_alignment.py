"""Print the metrics of an alignment, before and after.

The metrics measure the agreement of the two spaces and the retrieval of a program's clip, for raw
embeddings, for aligned ones, and for aligned code against raw audio.
"""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from core.cli.output import print_json_lines, print_result_to_stdout
from core.cli.parsing import (
    add_alignment_option,
    add_corpus_argument,
    add_json_option,
    open_aligned_corpus_from_args,
)
from core.formatting import format_table
from core.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser)
    add_alignment_option(parser)
    add_json_option(parser, "print one JSON line per row")


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Evaluate the alignment, then print its metrics."""
    from core.pipeline import evaluate

    aligned_corpus = open_aligned_corpus_from_args(args, "any")
    metrics = evaluate.evaluate_alignment(aligned_corpus, progress)
    relabelled_count = aligned_corpus.count_relabelled_programs()
    if relabelled_count and not args.json:
        print_result_to_stdout(
            f"Left out of validation and test: {relabelled_count} programs that took part in the"
            " training of this alignment."
        )
    print_alignment_metrics(aligned_corpus.record.id, metrics, args.json)


def print_alignment_metrics(alignment_id: str, metrics: pd.DataFrame, as_json: bool) -> None:
    """Print one table per split with a column per comparison, or JSON lines with intervals."""
    if as_json:
        json_rows = metrics.to_dict(orient="records")
        print_json_lines([{"alignment": alignment_id, **row} for row in json_rows])
        return
    for split, rows in metrics.groupby("split", sort=False):
        comparisons = list(rows["reading"].unique())
        cells = rows.assign(
            cell=[
                _format_metric_and_calibrated_value(value, calibrated)
                for value, calibrated in zip(rows["value"], rows["calibrated"])
            ]
        )
        table = cells.pivot(index="metric", columns="reading", values="cell")
        table = table.loc[rows["metric"].unique(), comparisons].fillna("")
        print_result_to_stdout(
            f"\n{split}, {rows['programs'].iloc[0]} programs: value / calibrated"
        )
        print_result_to_stdout(format_table(["metric", *comparisons], table.itertuples()))
    print_result_to_stdout(
        "\nCalibrated: 0 for permuted pairs or a random order, 1 for the maximum. cca@N: mean over"
        " the same N pairs of directions before and after alignment."
    )


def _format_metric_and_calibrated_value(value: float, calibrated: float) -> str:
    """Return "0.512 / 0.43"; without a calibrated value only the value, without a value ""."""
    if math.isnan(value):
        return ""
    return f"{value:.3f}" if math.isnan(calibrated) else f"{value:.3f} / {calibrated:.2f}"
