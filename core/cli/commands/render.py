"""Render programs to sound, as Sonic Pi plays them.

FILE may be a folder, for all *.rb in it, or - for standard input. One that fails does
not stop the others; then the exit status is 1.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.output import json_line, show, table
from core.cli.parsing import sandbox_waiver, seconds
from core.errors import EarshotError
from core.progress import Progress

HEAVY = False


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a program, a folder, or -")
    parser.add_argument("--out", type=Path, default=Path("."), metavar="DIR", help="folder (.)")
    parser.add_argument(
        "--seconds", type=seconds, default=18.0, metavar="S", help="length of a clip (18)"
    )
    parser.add_argument(
        "--format", choices=("flac", "wav", "ogg", "mp3"), default="flac", help="(flac)"
    )
    parser.add_argument(
        "--samples", type=Path, nargs="+", default=[], metavar="DIR", help="sounds it may play"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON line a file")
    sandbox_waiver(parser)


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Render, then print what became of each file."""
    from core.stages import render

    results = render.render_files(
        args.files,
        args.out,
        seconds=args.seconds,
        progress=progress,
        format=args.format,
        sample_folders=args.samples,
    )
    if args.json:
        for result in results:
            json_line(result)
    else:
        show(table(("file", "sound", "seconds", "peak", ""), map(_row, results)))
    failed = sum(not result["ok"] for result in results)
    if failed:
        raise EarshotError(f"{failed} of {len(results)} programs did not render.")


def _row(result: dict) -> tuple:
    problems = [result["error"]] if result["error"] else result["warnings"]
    said = "; ".join(map(_told, problems))
    return result["file"], result["audio"], result["seconds"], result["peak"], said


def _told(problem: dict) -> str:
    line = f"line {problem['line']}: " if problem["line"] else ""
    return f"{problem['kind']}: {line}{problem['message']}"
