"""Export a corpus: Parquet, zip, audio folder for Hugging Face, table for embedding-atlas, shards.

Each format contains the data card of the corpus and a dictionary of its columns.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.argument_parsing import add_corpus_argument, add_json_option, open_corpus_from_args
from core.cli.terminal_output import print_json_line, print_result_to_stdout, print_status_to_stderr
from core.errors import EarshotError
from core.progress_callback import Progress

IS_LONG_RUNNING = True
EXPORT_FORMATS = ("parquet", "zip", "audiofolder", "atlas", "shards")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser)
    parser.add_argument("--format", required=True, choices=EXPORT_FORMATS)
    parser.add_argument(
        "--out",
        default=".",
        metavar="PATH",
        help="output path (.); for shards also a URL, such as s3://BUCKET/FOLDER",
    )
    parser.add_argument(
        "--shard-mb", type=int, metavar="N", help="largest size of a shard in MB (256)"
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
    from core.pipeline import embedding_atlas_export

    path = (
        _export_as_shards(args, progress)
        if args.format == "shards"
        else _export_corpus_from_args(args, progress)
    )
    if args.json:
        print_json_line({"corpus": args.corpus, "format": args.format, "path": path})
        return
    print_result_to_stdout(f"Wrote {path}.")
    if args.format == "atlas":
        print_status_to_stderr(f"Open it: {embedding_atlas_export.format_atlas_command(path)}")


def _export_corpus_from_args(args: argparse.Namespace, progress: Progress) -> str:
    from core.pipeline import corpus_export, shard_folder

    if shard_folder.is_url(args.out):
        raise EarshotError(
            "Only shards can be written to a URL.",
            remedy="Add --format shards, or give a path on this machine.",
        )
    if args.shard_mb is not None:
        raise EarshotError("Only shards have a size.", remedy="Leave --shard-mb out.")
    options = corpus_export.ExportOptions(alignment_id=args.alignment, licence=args.licence)
    corpus = open_corpus_from_args(args)
    path = corpus_export.export_corpus(corpus, args.format, Path(args.out), progress, options)
    return str(path.absolute() if args.json else path)


def _export_as_shards(args: argparse.Namespace, progress: Progress) -> str:
    from core.pipeline import corpus_export, shard_export

    if args.alignment is not None:
        raise EarshotError("Shards contain no vectors.", remedy="Leave --alignment out.")
    options = corpus_export.ExportOptions(licence=args.licence)
    corpus = open_corpus_from_args(args)
    shard_mb = shard_export.DEFAULT_SHARD_MB if args.shard_mb is None else args.shard_mb
    return shard_export.export_corpus_shards(corpus, args.out, progress, options, shard_mb)
