"""Write a corpus's tables as CSV, LaTeX or Markdown: metrics, sweeps and studies."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.parsing import add_alignment_option, add_corpus_argument, add_json_option
from core.cli.terminal_output import print_json_line, print_result_to_stdout
from core.errors import EarshotError
from core.progress_callback import Progress

IS_LONG_RUNNING = False
DEFAULT_FOLDER = "tables"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser)
    add_alignment_option(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(DEFAULT_FOLDER),
        metavar="FOLDER",
        help=f"folder of the files ({DEFAULT_FOLDER})",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="only these tables; default: all there are"
    )
    parser.add_argument(
        "--format", nargs="+", default=["csv"], metavar="KIND", help="csv, latex or markdown (csv)"
    )
    add_json_option(parser, "print one JSON line per file")


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Write the tables and print their paths."""
    # They load pandas and plotly, which --help does not need.
    from core.corpus import Corpus
    from core.search.default_alignment_choice import choose_default_alignment
    from core.studies.corpus_table_collection import collect_corpus_tables
    from core.table_files import write_table_files

    corpus = Corpus.open(args.corpus)
    alignment_id = args.alignment
    if alignment_id is None and (choice := choose_default_alignment(corpus, "any")) is not None:
        alignment_id = choice.alignment_id
    alignment = None if alignment_id is None else corpus.load_alignment(alignment_id)
    tables = collect_corpus_tables(corpus, alignment)
    names = args.only or list(tables)
    unknown_names = [name for name in names if name not in tables]
    if unknown_names or not names:
        raise EarshotError(
            f"Corpus '{corpus.name}' has no table {', '.join(map(repr, unknown_names))}."
            if unknown_names
            else f"Corpus '{corpus.name}' has no tables yet.",
            remedy=f"It has: {', '.join(tables)}."
            if tables
            else f"Train an alignment: ./run train {corpus.name}",
        )
    for path in write_table_files({name: tables[name] for name in names}, args.out, args.format):
        if args.json:
            print_json_line({"table": path.stem, "path": str(path)})
        else:
            print_result_to_stdout(path)
