"""Export a corpus as Parquet, as a zip, or as an audio folder for Hugging Face datasets.

Each format contains the data card of the corpus.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.output import print_json_line, print_result_to_stdout
from core.cli.parsing import add_corpus_argument, add_json_option, open_corpus_from_args
from core.progress_callback import Progress

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser)
    parser.add_argument("--format", required=True, choices=("parquet", "zip", "audiofolder"))
    parser.add_argument(
        "--out", type=Path, default=Path("."), metavar="PATH", help="output path (.)"
    )
    add_json_option(parser, "print the result as one JSON line")


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Export the corpus, then print the path."""
    from core.pipeline import corpus_export

    path = corpus_export.export_corpus(open_corpus_from_args(args), args.format, args.out, progress)
    if args.json:
        absolute_path = str(path.absolute())
        print_json_line({"corpus": args.corpus, "format": args.format, "path": absolute_path})
    else:
        print_result_to_stdout(f"Wrote {path}.")
