"""Render programs to audio files with Sonic Pi.

FILE can be a folder, for all *.rb files in it, or - for standard input. A program that fails does
not stop the others; the exit status is then 1. An error that ends one thread of a program is a
warning, as long as the program sounds; with --strict the program fails.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.argument_parsing import (
    SONIC_PI_CHOICES,
    add_json_option,
    add_sandbox_option,
    add_sonic_pi_option,
    add_strict_option,
    parse_duration_seconds,
)
from core.cli.terminal_output import print_json_line, print_result_to_stdout
from core.clip_length_limits import DEFAULT_CLIP_SECONDS
from core.errors import ReportedFailureError
from core.progress_callback import Progress
from core.text_formatting import format_table

if TYPE_CHECKING:
    from core.pipeline.render_program_files import RenderedFile
    from core.sonicpi import RenderProblem

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a program, a folder, or -")
    parser.add_argument(
        "--out", type=Path, default=Path("."), metavar="DIR", help="output folder (.)"
    )
    parser.add_argument(
        "--seconds",
        type=parse_duration_seconds,
        default=DEFAULT_CLIP_SECONDS,
        metavar="S",
        help=f"length of the clips ({DEFAULT_CLIP_SECONDS:g})",
    )
    parser.add_argument(
        "--format",
        choices=("flac", "wav", "ogg", "mp3"),
        default="flac",
        help="format of the clips (flac)",
    )
    parser.add_argument(
        "--samples",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="folders of audio files that the programs can play",
    )
    add_sonic_pi_option(parser, SONIC_PI_CHOICES[0], "the clips")
    add_strict_option(parser)
    add_json_option(parser, "print one JSON line per file, as soon as it is rendered")
    add_sandbox_option(parser)


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Render the programs, then print the result of each."""
    from core.pipeline import render_program_files

    options = render_program_files.RenderFileOptions(
        args.seconds, args.format, args.samples, args.sonic_pi, is_strict=args.strict
    )
    results = {}
    for index, result in render_program_files.iterate_rendered_files(
        args.files, args.out, options, progress=progress
    ):
        results[index] = result
        if args.json:  # An interrupted command has printed what it rendered.
            print_json_line(asdict(result))
    if not args.json:
        _print_render_results([results[index] for index in sorted(results)])
    failed = sum(not result.ok for result in results.values())
    if failed:
        raise ReportedFailureError(f"{failed} of {len(results)} programs did not render.")


def _print_render_results(results: list[RenderedFile]) -> None:
    """Print a table of the clips, and one of the errors and warnings."""
    clips = [
        (result.file, result.audio, result.seconds, result.peak) for result in results if result.ok
    ]
    problems = [
        (
            result.file,
            problem.format_problem_location() or None,
            severity,
            problem.kind,
            problem.message,
        )
        for result in results
        for severity, problem in _list_render_problems(result)
    ]
    if clips:
        print_result_to_stdout(format_table(("file", "clip", "seconds", "peak"), clips))
    if problems:
        headers = ("file", "where", "", "kind", "message")
        print_result_to_stdout(("\n" if clips else "") + format_table(headers, problems))


def _list_render_problems(result: RenderedFile) -> list[tuple[str, RenderProblem]]:
    """List the error and the warnings of a result; a warning that the error repeats is omitted."""
    error = result.error
    problems = [("error", error)] if error else []
    for warning in result.warnings:
        if not (error and warning.message in error.message):
            problems.append(("warning", warning))
    return problems
