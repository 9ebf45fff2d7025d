"""Find pairs that are written alike but sound different, and the reverse.

Among all pairs of a corpus's programs, before and after alignment; the page Compare plays them.
"""

from __future__ import annotations

import argparse

from core.cli.output import print_json_line, print_result, format_table
from core.cli.parsing import open_alignment
from core.progress import Progress

IS_LONG_RUNNING = True
MAX_DISPLAYED_PAIRS = 5  # of each kind


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument("--alignment", metavar="ID", help="without it, the newest")
    parser.add_argument("--json", action="store_true", help="print one JSON line a pair")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Find them, then print all as JSON or the first ones as a table."""
    from core.pipeline import compare

    aligned_corpus = open_alignment(args)
    pairs = compare.find_disagreement_pairs(aligned_corpus, progress)
    if args.json:
        for row in pairs.to_dict(orient="records"):
            print_json_line(row)
        return
    names = aligned_corpus.corpus.load_programs().set_index("program")["name"]
    first = pairs.groupby(["space", "kind"], sort=False).head(MAX_DISPLAYED_PAIRS)
    columns = ("space", "kind", "first", "second", "distance of code", "of sound")
    print_result(
        format_table(
            columns,
            [
                (
                    each.space,
                    each.kind,
                    names[each.first],
                    names[each.second],
                    getattr(each, f"code_{each.space}"),
                    each.sound,
                )
                for each in first.itertuples()
            ],
        )
    )
