"""Export a corpus as Parquet, zip, audio folder for Hugging Face datasets, or for embedding-atlas.

Each format contains the data card of the corpus and a dictionary of its columns.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.parsing import add_corpus_argument, add_json_option, open_corpus_from_args
from core.cli.terminal_output import print_json_line, print_result_to_stdout, print_status_to_stderr
from core.progress_callback import Progress

IS_LONG_RUNNING = True
EXPORT_FORMATS = ("parquet", "zip", "audiofolder", "atlas")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser)
    parser.add_argument("--format", required=True, choices=EXPORT_FORMATS)
    parser.add_argument(
        "--out", type=Path, default=Path("."), metavar="PATH", help="output path (.)"
    )
    parser.add_argument(
        "--alignment",
        metavar="ID",
        help="alignment of the vectors (parquet) or the map (atlas); default: the one made for it",
    )
    parser.add_argument(
        "--licence",
        metavar="TAG",
        help="licence tag of the dataset card, such as cc-by-4.0 (derived from the sources)",
    )
    add_json_option(parser, "print the result as one JSON line")


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Export the corpus, then print the path."""
    from core.pipeline import atlas_export, corpus_export

    options = corpus_export.ExportOptions(alignment_id=args.alignment, licence=args.licence)
    corpus = open_corpus_from_args(args)
    path = corpus_export.export_corpus(corpus, args.format, args.out, progress, options)
    if args.json:
        absolute_path = str(path.absolute())
        print_json_line({"corpus": args.corpus, "format": args.format, "path": absolute_path})
        return
    print_result_to_stdout(f"Wrote {path}.")
    if args.format == "atlas":
        print_status_to_stderr(f"Open it: {atlas_export.format_atlas_command(str(path))}")
