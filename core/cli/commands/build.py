"""Generate, render and embed a corpus.

Run it again to go on where it was stopped, or with a larger N to add programs: what is
there already is not made again.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING

from core import workspace
from core.cli.output import print_status, print_json_line, print_result
from core.cli.parsing import parse_positive_int, parse_fixed_values, parse_nonnegative_int, add_sandbox_option, parse_seconds
from core.errors import EarshotError
from core.progress import Progress

if TYPE_CHECKING:
    from core.pipeline.estimate import BuildEstimate

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name; made if it isn't there")
    parser.add_argument(
        "--per-template", type=parse_nonnegative_int, default=8, metavar="N", help="programs of each template (8)"
    )
    parser.add_argument(
        "--composed", type=parse_nonnegative_int, default=0, metavar="N", help="programs of no template (0)"
    )
    parser.add_argument(
        "--finish", action="store_true", help="add no programs; render and embed what is there"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TEMPLATE.PARAMETER=VALUE",
        help="fix a parameter; LOW..HIGH and A|B narrow it. May be given again",
    )
    parser.add_argument(
        "--templates", nargs="+", metavar="ID", help="only these; `./run generate` lists them"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="whole number (0)")
    parser.add_argument("--seconds", type=parse_seconds, metavar="S", help="length of a clip (18)")
    parser.add_argument("--format", choices=("flac", "ogg"), help="of the clips (flac)")
    parser.add_argument(
        "--preset",
        choices=("paper", "offline"),
        help="which two encoders; if left out the corpus's, for a new one paper if it can be had",
    )
    parser.add_argument("--code-encoder", metavar="ID", help="instead of the preset's")
    parser.add_argument("--audio-encoder", metavar="ID", help="instead of the preset's")
    parser.add_argument("--workers", type=parse_positive_int, metavar="N", help="renders at a time (one a core)")
    parser.add_argument("--json", action="store_true", help="print the result as a JSON line")
    add_sandbox_option(parser)


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Build, then say what became of it."""
    from core.pipeline import build
    from core.pipeline.render_executor import LocalExecutor

    if not (args.finish or args.per_template or args.composed):
        raise EarshotError(
            "No programs are asked for.",
            remedy="Give --per-template or --composed; --finish renders and embeds what is there.",
        )
    report = build.build_corpus(
        args.corpus,
        build.BuildOptions(
            templates=args.templates,
            programs_per_template=0 if args.finish else args.per_template,
            seed=args.seed,
            parameter_values=parse_fixed_values(args.set),
            grammar_program_count=0 if args.finish else args.composed,
        ),
        build.EncoderChoice(args.preset, args.code_encoder, args.audio_encoder),
        build.ClipFormat(args.seconds, args.format),
        executor=LocalExecutor(args.workers),
        progress=progress,
        on_estimate=print_estimate,
    )
    if args.json:
        print_json_line(asdict(report))
    else:
        print_result(report)


def print_estimate(estimate: BuildEstimate) -> None:
    """Say what it will take, before the first clip is made."""
    free = shutil.disk_usage(workspace.get_workspace_root()).free
    text = (
        f"{estimate.program_count:,} clips to make: about {max(1, round(estimate.seconds / 60)):,} min"
        f" and {_format_bytes(estimate.size_bytes)} as {estimate.audio_format}; {_format_bytes(free)} free."
    )
    if estimate.size_bytes > free:
        text += " That is not enough: free some, or begin a corpus with --format ogg."
    print_status(text)


def _format_bytes(byte_count: float) -> str:
    return f"{byte_count / 1e9:.1f} GB" if byte_count >= 1e9 else f"{max(1, round(byte_count / 1e6))} MB"
