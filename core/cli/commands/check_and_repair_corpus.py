"""Verify a corpus: database, programs, clips, embeddings, alignments.

With --repair, remove what is damaged or unreferenced, and make again only what is missing. The exit
status is 1 if there is a fault.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from core.cli.argument_parsing import (
    add_corpus_argument,
    add_json_option,
    add_sandbox_option,
    open_corpus_from_args,
)
from core.cli.terminal_output import print_json_line, print_json_lines, print_result_to_stdout
from core.corpus.legacy_command_names import add_older_json_keys
from core.progress_callback import Progress
from core.text_formatting import format_named_counts, format_table

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser)
    parser.add_argument("--repair", action="store_true", help="repair the faults")
    parser.add_argument(
        "--failures", action="store_true", help="only list the programs that failed, with errors"
    )
    parser.add_argument("--card", action="store_true", help="only print the data card")
    add_json_option(parser, "print JSON lines")
    add_sandbox_option(parser)


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Check the corpus, then print the faults."""
    if args.failures:
        _print_failed_programs(args)
    elif args.card:
        _print_data_card(args)
    else:
        _verify_corpus_and_print_report(args, progress)


def _verify_corpus_and_print_report(args: argparse.Namespace, progress: Progress) -> None:
    from core.pipeline import corpus_check_and_repair

    report = corpus_check_and_repair.verify_corpus(args.corpus, args.repair, progress)
    if args.json:
        print_json_line(
            {**add_older_json_keys("check", asdict(report)), "ok": report.has_no_faults}
        )
    else:
        print_result_to_stdout(str(report))
    if not report.has_no_faults:
        sys.exit(1)


def _print_failed_programs(args: argparse.Namespace) -> None:
    corpus = open_corpus_from_args(args)
    programs = corpus.load_programs()
    columns = ["name", "error_kind", "error_line", "error_message"]
    failed = programs[programs["state"] == "failed"][["program", *columns]]
    if args.json:
        print_json_lines(failed.to_dict("records"))
    elif failed.empty:
        print_result_to_stdout(f"{args.corpus}: no program failed.")
    else:
        kinds = format_named_counts(corpus.count_failures_by_kind())
        print_result_to_stdout(
            f"{args.corpus}: {len(failed):,} of {len(programs):,} programs failed ({kinds})."
        )
        headers = ("program", "kind", "line", "error")
        print_result_to_stdout(format_table(headers, failed[columns].values.tolist()))


def _print_data_card(args: argparse.Namespace) -> None:
    from core.pipeline.corpus_data_card import make_data_card

    card = make_data_card(open_corpus_from_args(args))
    if args.json:
        print_json_line(card.facts)
    else:
        print_result_to_stdout(card.markdown_text)
