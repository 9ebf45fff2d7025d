"""Write a corpus's tables as CSV, LaTeX or Markdown: metrics, sweeps and studies."""

from __future__ import annotations

import argparse

from core.cli.figure_and_table_export_options import (
    add_file_export_arguments,
    open_corpus_and_alignment_to_export,
    print_exported_paths,
    select_items_to_export,
)
from core.progress_callback import Progress

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_file_export_arguments(parser, "table", ("csv", "latex", "markdown"))


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Write the tables and print their paths."""
    # They load pandas and plotly, which --help does not need.
    from core.studies.result_table_collection import collect_result_tables_of_corpus
    from core.table_file_formats import write_table_files

    corpus, alignment = open_corpus_and_alignment_to_export(args, "any")
    tables = collect_result_tables_of_corpus(corpus, alignment, args.run)
    selected_tables = select_items_to_export(tables, args.only, "table", corpus.name)
    paths = write_table_files(selected_tables, args.out, args.format)
    print_exported_paths(paths, "table", args.json)
