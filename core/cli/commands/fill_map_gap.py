"""Generate, render and add programs that are predicted to lie at a place of the map.

Positions are those of the page Map. Nothing else of the map moves; the next training computes it
again.
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
    parser.add_argument(
        "--at", nargs=2, type=float, required=True, metavar=("X", "Y"), help="place on the map"
    )
    parser.add_argument(
        "--panel",
        choices=("before", "after"),
        default="after",
        help="picture of the place: before places by code, after by predicted sound (default)",
    )
    parser.add_argument("--count", type=int, default=4, help="programs to add (default: 4)")
    parser.add_argument("--seed", type=int, help="seed of the programs that are tried")
    add_json_option(parser, "print one JSON line per program")


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Fill the gap, then print the programs."""
    from core.pipeline.map_gap_filling import DEFAULT_GAP_SEED, MapGap, fill_map_gap

    seed = DEFAULT_GAP_SEED if args.seed is None else args.seed
    gap = MapGap(args.at[0], args.at[1], args.panel, seed, args.count)
    report = fill_map_gap(open_aligned_corpus_from_args(args, "map"), gap, progress)
    if args.json:
        print_json_lines(
            [
                {
                    "program": candidate.program.id,
                    "name": candidate.program.name,
                    "template": candidate.program.template,
                    "distance": round(candidate.distance, 4),
                    "is_added": candidate.program.id in report.added_ids,
                    "source": candidate.program.source,
                }
                for candidate in report.candidates
            ]
        )
    else:
        print_result_to_stdout(str(report))
