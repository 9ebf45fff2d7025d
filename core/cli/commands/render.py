"""Render programs to sound, as Sonic Pi plays them.

FILE may be a folder, for all *.rb in it, or - for standard input. One that fails does
not stop the others; then the exit status is 1.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import print_json_line, print_result, format_table
from core.cli.parsing import add_sandbox_option, parse_seconds
from core.errors import EarshotError
from core.progress import Progress

if TYPE_CHECKING:
    from core.pipeline.render import RenderedFile
    from core.sonicpi import RenderProblem

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a program, a folder, or -")
    parser.add_argument(
        "--out", type=Path, default=Path("."), metavar="DIR", help="folder of the sounds (.)"
    )
    parser.add_argument(
        "--seconds", type=parse_seconds, default=18.0, metavar="S", help="length of a clip (18)"
    )
    parser.add_argument(
        "--format",
        choices=("flac", "wav", "ogg", "mp3"),
        default="flac",
        help="of the sound files (flac)",
    )
    parser.add_argument(
        "--samples",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="folders of sounds that the programs may play",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON line a file")
    add_sandbox_option(parser)


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Render, then print what became of each file."""
    from core.pipeline import render

    results = render.render_files(
        args.files,
        args.out,
        seconds=args.seconds,
        progress=progress,
        audio_format=args.format,
        sample_folders=args.samples,
    )
    if args.json:
        for result in results:
            print_json_line(asdict(result))
    else:
        _print_results(results)
    failed = sum(not result.ok for result in results)
    if failed:
        raise EarshotError(f"{failed} of {len(results)} programs did not render.")


def _print_results(results: list[RenderedFile]) -> None:
    """Print a table of the sounds, and one of what failed or sounds otherwise than meant."""
    sounds = [(r.file, r.audio, r.seconds, r.peak) for r in results if r.ok]
    said = [
        (r.file, _format_location(problem), what, problem.kind, problem.message)
        for r in results
        for what, problems in (("error", [r.error]), ("warning", r.warnings))
        for problem in problems
        if problem and not (what == "warning" and _is_repeated_in_error(r, problem))
    ]
    if sounds:
        print_result(format_table(("file", "sound", "seconds", "peak"), sounds))
    if said:
        print_result(("\n" if sounds else "") + format_table(("file", "where", "", "kind", "what happened"), said))


def _is_repeated_in_error(result: RenderedFile, warning: RenderProblem) -> bool:
    """Whether the error tells already what the warning does."""
    return result.error is not None and warning.message in result.error.message


def _format_location(problem: RenderProblem) -> str | None:
    return f"line {problem.line}" if problem.line else None
