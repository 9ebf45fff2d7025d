"""Verify a corpus: database, programs, clips, embeddings, alignments.

With --repair what is damaged or belongs to nothing is removed, and what is missing is made
again, nothing else. The exit status is 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import sys

from core.cli.output import json_line, show, table
from core.cli.parsing import sandbox_waiver
from core.progress import Progress

HEAVY = True


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument("--repair", action="store_true", help="make good what can be")
    parser.add_argument(
        "--failures", action="store_true", help="only list the programs that failed, and why"
    )
    parser.add_argument("--card", action="store_true", help="only print the data card")
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    sandbox_waiver(parser)


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Check, then say what was found."""
    if args.failures:
        _failures(args)
    elif args.card:
        _card(args)
    else:
        _check(args, progress)


def _check(args: argparse.Namespace, progress: Progress) -> None:
    from dataclasses import asdict

    from core.pipeline import check

    report = check.check(args.corpus, args.repair, progress)
    if args.json:
        json_line({**asdict(report), "ok": report.ok})
    else:
        show(str(report))
    if not report.ok:
        sys.exit(1)


def _failures(args: argparse.Namespace) -> None:
    from core.corpus import Corpus

    corpus = Corpus.open(args.corpus)
    rows = corpus.programs()
    columns = ["name", "error_kind", "error_line", "error_message"]
    failed = rows[rows["state"] == "failed"][["program", *columns]]
    if args.json:
        for row in failed.to_dict("records"):
            json_line(row)
    elif failed.empty:
        show(f"{args.corpus}: no program failed.")
    else:
        kinds = ", ".join(f"{number} {kind}" for kind, number in corpus.failures().items())
        show(f"{args.corpus}: {len(failed):,} of {len(rows):,} programs failed ({kinds}).")
        show(table(("program", "kind", "line", "why"), failed[columns].values.tolist()))


def _card(args: argparse.Namespace) -> None:
    from core.pipeline.data_card import data_card

    card = data_card(args.corpus)
    if args.json:
        json_line(card.facts)
    else:
        show(card.markdown)
