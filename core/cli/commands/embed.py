"""Embed a corpus with other encoders.

Run it again to go on where it was stopped.
"""

from __future__ import annotations

import argparse

from core.progress import Progress

HEAVY = True


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument("--code-encoder", metavar="ID", required=True, help="for the programs")
    parser.add_argument("--audio-encoder", metavar="ID", required=True, help="for the clips")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Embed what isn't embedded yet."""
    from core.stages import embed

    embed.embed(args.corpus, args.code_encoder, args.audio_encoder, progress=progress)
