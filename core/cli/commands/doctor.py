"""What is there, what is missing, and the command that gets it.

It changes nothing. The exit status is 1 when something is missing that Earshot can't do
without.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from core.cli.output import json_line, show, table
from core.doctor import doctor_rows
from core.errors import EarshotError
from core.progress import Progress

HEAVY = False


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON line a row")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Look, then print."""
    rows = doctor_rows()
    if args.json:
        for row in rows:
            json_line(asdict(row))
    else:
        shown = [("✓" if r.ok else "✗" if r.needed else "–", r.what, r.state) for r in rows]
        show(table(("", "what", "state"), shown))
        for row in rows:
            if row.remedy:
                show(f"\n{row.what}: {row.state}\n    {row.remedy}")
    missing = [row.what for row in rows if row.needed and not row.ok]
    if missing:
        raise EarshotError(f"Missing: {', '.join(missing)}.")
