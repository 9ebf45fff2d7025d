"""Print the metrics of an alignment, before and after.

The metrics measure the agreement of the two spaces and the retrieval of a program's clip, for raw
embeddings, for aligned ones, and for aligned code against raw audio.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.output import print_json_lines, print_result
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


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Evaluate the alignment, then print its metrics."""
    from core.pipeline import evaluate

    print_alignment_metrics(
        evaluate.evaluate_alignment(open_aligned_corpus_from_args(args), progress), args.json
    )


def print_alignment_metrics(metrics: pd.DataFrame, as_json: bool) -> None:
    """Print one table per split with a column per comparison, or JSON lines with intervals."""
    if as_json:
        print_json_lines(metrics.to_dict(orient="records"))
        return
    for split, rows in metrics.groupby("split", sort=False):
        comparisons = list(rows["reading"].unique())
        values = rows.pivot(index="metric", columns="reading", values="value")
        values = values.loc[rows["metric"].unique(), comparisons]
        print_result(f"\n{split}, {rows['programs'].iloc[0]} programs")
        print_result(format_table(["metric", *comparisons], values.itertuples()))
