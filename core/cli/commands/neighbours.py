"""The clips that a snippet will sound like, without rendering it.

The nearest in the shared space of an alignment, nearest first.
"""

from __future__ import annotations

import argparse
import sys

from core.cli.output import json_line, show, table
from core.cli.parsing import count
from core.errors import EarshotError
from core.programs.decoding import decoded
from core.progress import Progress

HEAVY = False
# No snippet is that long; it keeps a wrong file from being read whole.
MAX_BYTES = 1_000_000


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument(
        "--snippet", required=True, metavar="FILE", help="Sonic Pi code; - reads standard input"
    )
    parser.add_argument("-k", type=count, default=5, metavar="N", help="how many (5)")
    parser.add_argument("--alignment", metavar="ID", help="without it, the newest")
    parser.add_argument("--json", action="store_true", help="print one JSON line a neighbour")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Find the neighbours, then print them."""
    snippet = read_snippet(args.snippet)
    from core.search import query

    found = query.neighbours(args.corpus, snippet, k=args.k, alignment_id=args.alignment)
    if not args.json:
        rows = [(n.rank, n.similarity, n.name, n.template, n.audio) for n in found]
        show(table(("rank", "similarity", "name", "template", "audio"), rows))
        return
    for one in found:
        json_line(
            {
                "rank": one.rank,
                "similarity": one.similarity,
                "program": one.program,
                "template": one.template,
                "audio": one.audio,
            }
        )


def read_snippet(name: str) -> str:
    """The code in the file `name`, or on standard input for "-".

    Raises
    ------
    EarshotError
        When it can't be read, is too long, or is not UTF-8 text.
    """
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with open(name, "rb") as file:
                data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise EarshotError(f"{error.strerror or error}.", where=name) from error
    if len(data) > MAX_BYTES:
        raise EarshotError(f"This is longer than {MAX_BYTES} bytes.", where=name)
    return decoded(data, name)
