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
from core.cli.output import aside, json_line, show
from core.cli.parsing import count, fixed_values, natural, sandbox_waiver, seconds
from core.errors import EarshotError
from core.progress import Progress

if TYPE_CHECKING:
    from core.pipeline.estimate import Estimate

HEAVY = True


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name; made if it isn't there")
    parser.add_argument(
        "--per-template", type=natural, default=8, metavar="N", help="programs of each template (8)"
    )
    parser.add_argument(
        "--composed", type=natural, default=0, metavar="N", help="programs of no template (0)"
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
    parser.add_argument("--seconds", type=seconds, metavar="S", help="length of a clip (18)")
    parser.add_argument("--format", choices=("flac", "ogg"), help="of the clips (flac)")
    parser.add_argument(
        "--preset",
        choices=("paper", "offline"),
        help="which two encoders; if left out the corpus's, for a new one paper if it can be had",
    )
    parser.add_argument("--code-encoder", metavar="ID", help="instead of the preset's")
    parser.add_argument("--audio-encoder", metavar="ID", help="instead of the preset's")
    parser.add_argument("--workers", type=count, metavar="N", help="renders at a time (one a core)")
    parser.add_argument("--json", action="store_true", help="print the result as a JSON line")
    sandbox_waiver(parser)


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Build, then say what became of it."""
    from core.pipeline import build

    if not (args.finish or args.per_template or args.composed):
        raise EarshotError(
            "No programs are asked for.",
            remedy="Give --per-template or --composed; --finish renders and embeds what is there.",
        )
    report = build.build(
        args.corpus,
        templates=args.templates,
        per_template=0 if args.finish else args.per_template,
        seed=args.seed,
        preset=args.preset,
        code_encoder=args.code_encoder,
        audio_encoder=args.audio_encoder,
        seconds=args.seconds,
        progress=progress,
        audio_format=args.format,
        workers=args.workers,
        values=fixed_values(args.set),
        composed=0 if args.finish else args.composed,
        expect=tell_expected,
    )
    if args.json:
        json_line(asdict(report))
    else:
        show(report)


def tell_expected(expected: Estimate) -> None:
    """Say what it will take, before the first clip is made."""
    free = shutil.disk_usage(workspace.root()).free
    text = (
        f"{expected.programs:,} clips to make: about {max(1, round(expected.seconds / 60)):,} min"
        f" and {_size(expected.bytes)} as {expected.audio_format}; {_size(free)} free."
    )
    if expected.bytes > free:
        text += " That is not enough: free some, or begin a corpus with --format ogg."
    aside(text)


def _size(number: float) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{max(1, round(number / 1e6))} MB"
