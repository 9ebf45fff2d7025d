"""Compute the map of a corpus's code and audio in two dimensions.

The page Map shows it, before and after alignment.
"""

from __future__ import annotations

import argparse

from core.cli.argument_parsing import (
    add_alignment_option,
    add_corpus_argument,
    add_json_option,
    open_aligned_corpus_from_args,
)
from core.cli.terminal_output import print_json_lines, print_result_to_stdout
from core.progress_callback import Progress

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser)
    add_alignment_option(parser)
    add_json_option(parser, "print one JSON line per point")


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Compute the map, then print its points or their number."""
    from core.pipeline.alignment_map_computation import compute_and_save_alignment_map

    points = compute_and_save_alignment_map(open_aligned_corpus_from_args(args, "map"), progress)
    if args.json:
        print_json_lines(points.to_dict(orient="records"))
    else:
        print_result_to_stdout(
            f"Computed the map of {args.corpus} with {len(points)} points."
            " To see it: ./run, page Map"
        )
