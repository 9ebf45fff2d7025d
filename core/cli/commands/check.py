"""Verify a corpus: database, programs, clips, embeddings, alignments.

With --repair what is damaged or belongs to nothing is removed, and what is missing is made
again, nothing else. The exit status is 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import sys

from core.cli.output import print_json_line, print_result, format_table
from core.cli.parsing import add_sandbox_option, open_corpus
from core.progress import Progress

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument("--repair", action="store_true", help="make good what can be")
    parser.add_argument(
        "--failures", action="store_true", help="only list the programs that failed, and why"
    )
    parser.add_argument("--card", action="store_true", help="only print the data card")
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    add_sandbox_option(parser)


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Check, then say what was found."""
    if args.failures:
        _print_failures(args)
    elif args.card:
        _print_data_card(args)
    else:
        _run_check(args, progress)


def _run_check(args: argparse.Namespace, progress: Progress) -> None:
    from dataclasses import asdict

    from core.pipeline import check

    report = check.check_corpus(args.corpus, args.repair, progress)
    if args.json:
        print_json_line({**asdict(report), "ok": report.ok})
    else:
        print_result(str(report))
    if not report.ok:
        sys.exit(1)


def _print_failures(args: argparse.Namespace) -> None:
    corpus = open_corpus(args)
    rows = corpus.load_programs()
    columns = ["name", "error_kind", "error_line", "error_message"]
    failed = rows[rows["state"] == "failed"][["program", *columns]]
    if args.json:
        for row in failed.to_dict("records"):
            print_json_line(row)
    elif failed.empty:
        print_result(f"{args.corpus}: no program failed.")
    else:
        kinds = ", ".join(f"{number} {kind}" for kind, number in corpus.count_failures_by_kind().items())
        print_result(f"{args.corpus}: {len(failed):,} of {len(rows):,} programs failed ({kinds}).")
        print_result(format_table(("program", "kind", "line", "why"), failed[columns].values.tolist()))


def _print_data_card(args: argparse.Namespace) -> None:
    from core.pipeline.data_card import make_data_card

    card = make_data_card(open_corpus(args))
    if args.json:
        print_json_line(card.facts)
    else:
        print_result(card.markdown)
