"""What is there, what is missing, and the command that gets it.

It changes nothing. The exit status is 1 when something is missing that Earshot can't do
without.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from core.cli.output import print_json_line, print_result, format_table
from core.doctor import check_requirements
from core.errors import EarshotError
from core.progress import Progress

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON line a row")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Look, then print."""
    rows = check_requirements()
    if args.json:
        for row in rows:
            print_json_line(asdict(row))
    else:
        shown = [("✓" if r.is_ok else "✗" if r.is_required else "–", r.name, r.state) for r in rows]
        print_result(format_table(("", "what", "state"), shown))
        for row in rows:
            if row.remedy:
                print_result(f"\n{row.name}: {row.state}\n    {row.remedy}")
    missing = [row.name for row in rows if row.is_required and not row.is_ok]
    if missing:
        raise EarshotError(f"Missing: {', '.join(missing)}.")
