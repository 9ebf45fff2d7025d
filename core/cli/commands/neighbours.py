"""The clips that a snippet will sound like, without rendering it.

The nearest in the shared space of an alignment, nearest first.
"""

from __future__ import annotations

import argparse
import sys

from core.cli.output import print_json_line, print_result, format_table
from core.cli.parsing import open_alignment, parse_positive_int
from core.errors import EarshotError
from core.programs.decoding import decode_source
from core.progress import Progress

IS_LONG_RUNNING = False
# No snippet is that long; it keeps a wrong file from being read whole.
MAX_SNIPPET_BYTES = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument(
        "--snippet", required=True, metavar="FILE", help="Sonic Pi code; - reads standard input"
    )
    parser.add_argument("-k", type=parse_positive_int, default=5, metavar="N", help="how many (5)")
    parser.add_argument("--alignment", metavar="ID", help="without it, the newest")
    parser.add_argument("--json", action="store_true", help="print one JSON line a neighbour")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Find the neighbours, then print them."""
    snippet = read_snippet(args.snippet)
    from core.search import query

    found = query.find_neighbours(open_alignment(args), snippet, args.k)
    if not args.json:
        rows = [(n.rank, n.similarity, n.name, n.template, n.audio_path) for n in found]
        print_result(format_table(("rank", "similarity", "name", "template", "audio"), rows))
        return
    for one in found:
        print_json_line(
            {
                "rank": one.rank,
                "similarity": one.similarity,
                "program": one.program_id,
                "template": one.template,
                "audio": one.audio_path,
            }
        )


def read_snippet(file_name: str) -> str:
    """The code in the file `file_name`, or on standard input for "-".

    Raises
    ------
    EarshotError
        When it can't be read, is too long, or is not UTF-8 text.
    """
    try:
        if file_name == "-":
            data = sys.stdin.buffer.read(MAX_SNIPPET_BYTES + 1)
        else:
            with open(file_name, "rb") as file:
                data = file.read(MAX_SNIPPET_BYTES + 1)
    except OSError as error:
        raise EarshotError(f"{error.strerror or error}.", where=file_name) from error
    if len(data) > MAX_SNIPPET_BYTES:
        raise EarshotError(f"This is longer than {MAX_SNIPPET_BYTES} bytes.", where=file_name)
    return decode_source(data, file_name)
