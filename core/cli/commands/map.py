"""Lay out the map of a corpus's code and sound.

The picture of both, before and after alignment, that the page Map shows.
"""

from __future__ import annotations

import argparse

from core.cli.output import print_json_line, print_result
from core.cli.parsing import open_alignment
from core.progress import Progress

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument("--alignment", metavar="ID", help="without it, the newest")
    parser.add_argument("--json", action="store_true", help="print one JSON line a point")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Lay it out, then print it or say how large it is."""
    from core.pipeline import map as stage

    points = stage.compute_and_save_map(open_alignment(args), progress)
    if args.json:
        for row in points.to_dict(orient="records"):
            print_json_line(row)
    else:
        print_result(f"The map of {args.corpus} holds {len(points)} points: ./run shows it.")
