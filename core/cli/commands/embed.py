"""Embed a corpus with other encoders.

Without any it is done with those that the corpus was built with. Run it again to go on
where it was stopped.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from core.cli.output import print_json_line, print_result
from core.cli.parsing import open_corpus
from core.progress import Progress

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument("--code-encoder", metavar="ID", help="for the programs")
    parser.add_argument("--audio-encoder", metavar="ID", help="for the clips")
    parser.add_argument("--json", action="store_true", help="print the result as a JSON line")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Embed what isn't embedded yet."""
    from core.pipeline import embed

    report = embed.embed_corpus(open_corpus(args), args.code_encoder, args.audio_encoder, progress=progress)
    if args.json:
        print_json_line(asdict(report))
        return
    print_result(f"{args.corpus}: new are {report.code_embeddings_added} embeddings of code and {report.audio_embeddings_added} of clips.")
    for program_id, why in report.embedding_errors.items():
        print_result(f"{program_id} was not embedded: {why}")
