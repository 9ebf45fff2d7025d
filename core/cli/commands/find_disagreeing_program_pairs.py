"""Find pairs of programs with similar code and different audio, and the reverse.

All pairs of a corpus are searched, before and after alignment; the page Compare plays them.
"""

from __future__ import annotations

import argparse

from core.cli.argument_parsing import (
    add_alignment_option,
    add_corpus_argument,
    add_json_option,
    open_aligned_corpus_from_args,
)
from core.cli.terminal_output import print_json_lines, print_result_to_stdout
from core.progress_callback import Progress
from core.text_formatting import format_table

IS_LONG_RUNNING = True
MAX_DISPLAYED_PAIRS = 5
"""Rows per kind of pair."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser)
    add_alignment_option(parser)
    add_json_option(parser, "print one JSON line per pair")


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Find the pairs, then print all as JSON or the first ones as a table."""
    from core.pipeline import disagreement_search

    aligned_corpus = open_aligned_corpus_from_args(args, "map")
    pairs = disagreement_search.find_disagreeing_program_pairs(aligned_corpus, progress)
    if args.json:
        print_json_lines(pairs.to_dict(orient="records"))
        return
    names = aligned_corpus.corpus.load_programs().set_index("program")["name"]
    displayed = pairs.groupby(["space", "kind"], sort=False).head(MAX_DISPLAYED_PAIRS)
    rows = [
        (
            pair["space"],
            pair["kind"],
            names[pair["first"]],
            names[pair["second"]],
            pair[f"code_{pair['space']}"],
            pair["sound"],
        )
        for pair in displayed.to_dict("records")
    ]
    headers = ("space", "kind", "first", "second", "code distance", "audio distance")
    print_result_to_stdout(format_table(headers, rows))
