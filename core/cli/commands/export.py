"""Take a corpus elsewhere: Parquet, a zip, or an audio folder for Hugging Face datasets.

Each carries the corpus's data card.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.output import print_json_line, print_result
from core.cli.parsing import open_corpus
from core.progress import Progress

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument("--format", required=True, choices=("parquet", "zip", "audiofolder"))
    parser.add_argument("--out", type=Path, default=Path("."), metavar="PATH", help="where to (.)")
    parser.add_argument("--json", action="store_true", help="print the result as a JSON line")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Export, then say where to."""
    from core.pipeline import export

    out = export.export_corpus(open_corpus(args), args.format, args.out, progress)
    if args.json:
        print_json_line({"corpus": args.corpus, "format": args.format, "path": str(out.absolute())})
    else:
        print_result(f"Wrote {out}.")
