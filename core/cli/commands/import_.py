"""Add programs from elsewhere to a corpus, then render and embed them.

PATH is a folder of .rb files, a zip of them, one .rb file, or a CSV or Parquet table with a
column "source". What is there already is reported, what cannot be taken is left out.

With --vectors, PATH is a CSV or Parquet table of vectors that were made elsewhere, of programs
that the corpus has: a column "program", "source" or "name" says whose, a column "vector" (or
--column) holds them as lists. `train` and `map` then take them as the encoder own/code/NAME or
own/audio/NAME.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from core.cli.commands.build import print_estimate
from core.cli.output import print_json_line, print_result
from core.cli.parsing import add_sandbox_option, open_corpus, parse_seconds
from core.errors import EarshotError
from core.progress import Progress

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name; made if it isn't there")
    parser.add_argument("path", metavar="PATH", help="folder, zip, .rb, .csv or .parquet")
    parser.add_argument("--licence", metavar="TEXT", help="of the programs, for the data card")
    parser.add_argument("--seconds", type=parse_seconds, metavar="S", help="of a new corpus's clips (18)")
    parser.add_argument("--format", choices=("flac", "ogg"), help="of a new corpus's clips (flac)")
    parser.add_argument("--preset", choices=("paper", "offline"), help="which two encoders")
    parser.add_argument(
        "--programs-only", action="store_true", help="don't render and embed; `build` does it later"
    )
    own = parser.add_argument_group("vectors that were made elsewhere")
    own.add_argument("--vectors", choices=("code", "audio"), help="what they are vectors of")
    own.add_argument("--as", dest="called", metavar="NAME", help="what they are called (own)")
    own.add_argument("--column", metavar="COLUMN", help="which column holds them (vector)")
    parser.add_argument("--json", action="store_true", help="print the results as JSON lines")
    add_sandbox_option(parser)


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Import, then build what is missing."""
    from core.pipeline import build, import_programs

    if args.vectors:
        _import_embeddings(args, progress)
        return
    for option, given in (("--as", args.called), ("--column", args.column)):
        if given is not None:
            raise EarshotError(
                f"{option} is of vectors.", remedy="Add --vectors code or --vectors audio."
            )
    report = import_programs.import_programs(
        args.corpus,
        args.path,
        progress=progress,
        licence=args.licence,
        clip_format=build.ClipFormat(args.seconds, args.format),
    )
    print_json_line(asdict(report)) if args.json else print_result(str(report))
    if args.programs_only:
        return
    built = build.build_corpus(
        args.corpus,
        build.BuildOptions(programs_per_template=0),
        build.EncoderChoice(args.preset),
        progress=progress,
        on_estimate=print_estimate,
    )
    print_json_line(asdict(built)) if args.json else print_result(str(built))


def _import_embeddings(args: argparse.Namespace, progress: Progress) -> None:
    from core.pipeline.import_embeddings import import_vectors

    report = import_vectors(
        open_corpus(args), args.path, args.vectors, args.called or "own", progress, vector_column=args.column
    )
    print_json_line(asdict(report)) if args.json else print_result(str(report))
