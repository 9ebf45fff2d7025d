"""Import programs into a corpus, then render and embed them.

PATH is a folder of .rb files, a zip of them, one .rb file, or a CSV or Parquet table with a column
"source". Programs that the corpus has are reported; programs that cannot be imported are skipped.

With --vectors, PATH is a CSV or Parquet table of embeddings computed elsewhere for programs of the
corpus. A column "program", "source" or "name" identifies the program; a column "vector" (or
--column) holds the embeddings as lists. `train` and `map` then use them as the encoder
own/code/NAME or own/audio/NAME.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from core.cli.argument_parsing import (
    add_corpus_argument,
    add_corpus_strict_option,
    add_json_option,
    add_sandbox_option,
    add_sonic_pi_option,
    open_corpus_from_args,
    parse_duration_seconds,
)
from core.cli.commands.build_corpus import print_build_estimate
from core.cli.terminal_output import print_json_line, print_result_to_stdout, print_status_to_stderr
from core.clip_length_limits import DEFAULT_CLIP_SECONDS
from core.corpus.legacy_command_names import add_older_json_keys
from core.errors import EarshotError
from core.progress_callback import Progress

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

IS_LONG_RUNNING = True
DEFAULT_EMBEDDING_NAME = "own"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser, "name of the corpus; created if it does not exist")
    parser.add_argument("path", metavar="PATH", help="folder, zip, .rb, .csv, .tsv or .parquet")
    parser.add_argument(
        "--licence", metavar="TEXT", help="licence of the programs, for the data card"
    )
    parser.add_argument(
        "--seconds",
        type=parse_duration_seconds,
        metavar="S",
        help=f"length of a new corpus's clips ({DEFAULT_CLIP_SECONDS:g})",
    )
    parser.add_argument(
        "--format", choices=("flac", "ogg"), help="format of a new corpus's clips (flac)"
    )
    add_sonic_pi_option(parser, None, "a new corpus's clips")
    parser.add_argument("--preset", choices=("paper", "offline"), help="pair of encoders")
    parser.add_argument(
        "--programs-only",
        action="store_true",
        help="do not render and embed; `build --resume` does it later",
    )
    parser.add_argument(
        "--sample-folder",
        action="append",
        default=[],
        metavar="DIR",
        help="folder of own samples that the programs may read; can be repeated",
    )
    add_corpus_strict_option(parser)
    embeddings = parser.add_argument_group("embeddings computed elsewhere")
    embeddings.add_argument(
        "--vectors", choices=("code", "audio"), help="import embeddings of this modality"
    )
    embeddings.add_argument(
        "--name", metavar="NAME", help=f"name of the encoder ({DEFAULT_EMBEDDING_NAME})"
    )
    embeddings.add_argument("--column", metavar="COLUMN", help="column of the embeddings (vector)")
    add_json_option(parser, "print the results as JSON lines")
    add_sandbox_option(parser)


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Import the programs, then render and embed them."""
    from core.pipeline import generate_render_and_embed_corpus, import_programs

    if args.vectors:
        _import_embeddings(args, progress)
        return
    for option, value in (("--name", args.name), ("--column", args.column)):
        if value is not None:
            raise EarshotError(
                f"{option} is an option of --vectors.",
                remedy="Add --vectors code or --vectors audio.",
            )
    import_report = import_programs.import_programs(
        args.corpus,
        args.path,
        progress=progress,
        licence=args.licence,
        clip_format=generate_render_and_embed_corpus.ClipFormat(
            args.seconds, args.format, args.sonic_pi
        ),
        sample_folders=args.sample_folder,
    )
    _print_import_report(import_report, args.json)
    if args.programs_only:
        if args.strict is not None:
            open_corpus_from_args(args).set_strict_about_thread_errors(args.strict)
        return
    build_report = generate_render_and_embed_corpus.build_corpus(
        args.corpus,
        generate_render_and_embed_corpus.BuildOptions(
            programs_per_template=0, is_strict=args.strict
        ),
        generate_render_and_embed_corpus.EncoderChoice(args.preset),
        progress=progress,
        on_estimate=print_build_estimate,
    )
    _print_import_report(build_report, args.json)
    if hint := import_programs.describe_search_without_training(open_corpus_from_args(args)):
        print_status_to_stderr(hint)


def _import_embeddings(args: argparse.Namespace, progress: Progress) -> None:
    from core.pipeline.import_embeddings import import_external_embeddings

    report = import_external_embeddings(
        open_corpus_from_args(args),
        args.path,
        args.vectors,
        args.name or DEFAULT_EMBEDDING_NAME,
        progress,
        vector_column=args.column,
    )
    _print_import_report(report, args.json)


def _print_import_report(report: DataclassInstance, as_json: bool) -> None:
    if as_json:
        print_json_line(add_older_json_keys("import", asdict(report)))
    else:
        print_result_to_stdout(report)
