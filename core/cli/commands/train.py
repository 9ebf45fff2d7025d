"""Train an alignment of a corpus's code and audio.

It is evaluated before and after on held-out programs, and its map is laid out. What
neither an option nor the file of --config sets keeps its default.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.commands.evaluate import print_metrics
from core.cli.output import print_result
from core.cli.parsing import open_corpus
from core.errors import EarshotError
from core.progress import Progress

if TYPE_CHECKING:
    from core.alignment import AlignmentConfig

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: one option for each field of the config."""
    from core.alignment import AlignmentConfig

    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument(
        "--method",
        choices=("earshot", "paper", "foretell"),
        default="earshot",
        help="earshot; the paper's: InfoNCE alone; foretell: for any snippet (earshot)",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="JSON with some or all fields")
    parser.add_argument("--json", action="store_true", help="print the metrics as JSON lines")
    parser.add_argument("--code-encoder", metavar="ID", help="if left out, the corpus's")
    parser.add_argument("--audio-encoder", metavar="ID", help="if left out, the corpus's")
    parser.add_argument(
        "--unseen-templates",
        nargs="+",
        default=(),
        metavar="ID",
        help="hold these out whole and judge on them too; a number: so many, by the corpus's seed",
    )
    options = parser.add_argument_group("fields of the config")
    for field in fields(AlignmentConfig):
        kind = type(field.default)
        options.add_argument(
            "--" + field.name.replace("_", "-"),
            dest=f"config_{field.name}",
            help=f"({str(field.default).lower()})",
            **(
                {"action": argparse.BooleanOptionalAction}
                if kind is bool
                else {"type": kind, "metavar": {int: "N", float: "X", str: "WORD"}[kind]}
            ),
        )


def build_config(args: argparse.Namespace) -> AlignmentConfig:
    """The config that --config and the options over it ask for."""
    from core.alignment import AlignmentConfig

    values = AlignmentConfig.from_preset(args.method).to_dict()
    if args.config is not None:
        try:
            text = args.config.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise EarshotError(
                f"The config can't be read: {getattr(error, 'strerror', None) or error}.",
                where=str(args.config),
            ) from error
        values |= AlignmentConfig.parse_json_fields(text)
    for field in fields(AlignmentConfig):
        given = getattr(args, f"config_{field.name}")
        if given is not None:
            values[field.name] = given
    return AlignmentConfig.from_dict(values)


def _parse_held_out_templates(values: Sequence[str]) -> Sequence[str] | int:
    return int(values[0]) if len(values) == 1 and values[0].isdigit() else values


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Train, then print the metrics."""
    config = build_config(args)
    from core.pipeline import evaluate, train

    aligned_corpus = train.train(
        open_corpus(args),
        config,
        progress=progress,
        code_encoder=args.code_encoder,
        audio_encoder=args.audio_encoder,
        unseen_templates=_parse_held_out_templates(args.unseen_templates),
    )
    if not args.json:
        record = aligned_corpus.record
        print_result(f"Alignment {record.id} of {args.corpus} lies in {record.path}.")
    print_metrics(evaluate.evaluate_alignment(aligned_corpus), args.json)
