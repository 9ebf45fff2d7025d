"""Metrics of an alignment, before and after.

How alike the two spaces are, on which split, and how often a program finds its clip:
with the raw embeddings, with the aligned ones, and aligned code against raw audio.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from core.cli.output import print_json_line, print_result, format_table
from core.cli.parsing import open_alignment
from core.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument("--alignment", metavar="ID", help="without it, the newest")
    parser.add_argument("--json", action="store_true", help="print one JSON line a row")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Evaluate, then print."""
    from core.pipeline import evaluate

    print_metrics(evaluate.evaluate_alignment(open_alignment(args), progress), args.json)


def print_metrics(metrics: pd.DataFrame, as_json: bool) -> None:
    """Print a table a split, with a column a reading; or JSON lines, intervals included."""
    if as_json:
        for row in metrics.to_dict(orient="records"):
            print_json_line(row)
        return
    for split, rows in metrics.groupby("split", sort=False):
        readings = list(rows["reading"].unique())
        values = rows.pivot(index="metric", columns="reading", values="value")
        values = values.loc[rows["metric"].unique(), readings]
        print_result(f"\n{split}, {rows['programs'].iloc[0]} programs")
        print_result(format_table(["metric", *readings], values.itertuples()))
