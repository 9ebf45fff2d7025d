"""Under what terms each part of Earshot may be used.

Python's packages as their metadata state it, Debian's as its copyright files do, and the
encoders, whose weights have terms of their own.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from core.cli.output import print_json_line, print_result, format_table
from core.progress import Progress

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON line a part")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """List them."""
    from core.licences import list_licences

    rows = list_licences()
    if args.json:
        for row in rows:
            print_json_line(asdict(row))
    else:
        shown = [(row.kind, row.name, row.version, row.licence) for row in rows]
        print_result(format_table(("part", "name", "version", "licence"), shown))
