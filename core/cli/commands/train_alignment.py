"""Train alignments of a corpus's code and audio.

Without a method and without fields of the config, three are trained: kernel-ridge, which predicts
the variants of suggest, joint-kernel-ridge, which predicts the sound of snippets, and infonce,
which arranges the map. Code encoders other than sonicpi have no joint one: kernel-ridge predicts
both. Each is evaluated before and after on held-out programs, its map is computed, and its forecast
of measured properties is fitted. A field that neither an option nor the file of --config sets has
the default of the method.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.argument_parsing import (
    add_corpus_argument,
    add_encoder_options,
    add_json_option,
    format_choices_for_usage,
    format_with_hyphens,
    make_choice_parser,
    open_corpus_from_args,
    parse_float,
    parse_int,
)
from core.cli.commands.evaluate_alignment import print_alignment_metrics
from core.cli.terminal_output import print_result_to_stdout, print_status_to_stderr
from core.errors import EarshotError
from core.progress_callback import Progress

if TYPE_CHECKING:
    from core.alignment import AlignmentConfig
    from core.corpus import Corpus

IS_LONG_RUNNING = True
METHOD_OF_OTHER_CONFIGS = "soft_infonce"
"""Method where fields of the config are given, but no method."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: one option per field of the config."""
    from core.alignment.config import PRESETS, AlignmentConfig

    add_corpus_argument(parser)
    parser.add_argument(
        "--method",
        type=make_choice_parser(PRESETS),
        metavar=format_choices_for_usage(PRESETS),
        help="infonce: the paper's; soft-infonce: targets follow the similarity of clips;"
        " kernel-ridge: predicts the sound of snippets; joint-kernel-ridge: also from their"
        " simulated sound; whitened-joint-kernel-ridge: the same, finds a program best among its"
        " variants (kernel-ridge, joint-kernel-ridge and infonce; with fields of the config,"
        " soft-infonce)",
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="JSON with some or all fields of the config"
    )
    add_json_option(parser, "print the metrics as JSON lines")
    add_encoder_options(parser, "the corpus's")
    parser.add_argument(
        "--unseen-templates",
        nargs="+",
        default=(),
        metavar="ID",
        help="hold out these templates and evaluate on them too; or a number of templates,"
        " drawn by the corpus's seed",
    )
    options = parser.add_argument_group("fields of the config")
    for field in fields(AlignmentConfig):
        options.add_argument(
            f"--{format_with_hyphens(field.name)}",
            dest=f"config_{field.name}",
            help=f"({format_with_hyphens(str(field.default).lower())})",
            **_make_argparse_kwargs_for_config_field(field.name, type(field.default)),
        )


def _make_argparse_kwargs_for_config_field(field_name: str, field_type: type) -> dict[str, Any]:
    """Return the argparse options that parse a field of the config."""
    from core.alignment.config import FIELD_CHOICES

    if field_type is bool:
        return {"action": argparse.BooleanOptionalAction}
    if field_name in FIELD_CHOICES:
        choices = FIELD_CHOICES[field_name]
        return {"type": make_choice_parser(choices), "metavar": format_choices_for_usage(choices)}
    if field_type is int:
        return {"type": parse_int, "metavar": "N"}
    return {"type": parse_float, "metavar": "X"}


def build_config_from_args(args: argparse.Namespace) -> AlignmentConfig:
    """Build the config of the method, changed by the file of --config and then by the options."""
    from core.alignment import AlignmentConfig

    values = AlignmentConfig.from_preset(args.method or METHOD_OF_OTHER_CONFIGS).to_dict()
    if args.config is not None:
        try:
            text = args.config.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise EarshotError(
                f"The config cannot be read: {getattr(error, 'strerror', None) or error}.",
                where=str(args.config),
            ) from error
        values |= AlignmentConfig.parse_config_fields_from_json(text)
    for field in fields(AlignmentConfig):
        value = getattr(args, f"config_{field.name}")
        if value is not None:
            values[field.name] = value
    return AlignmentConfig.from_dict(values)


def _parse_held_out_template_count_or_ids(values: Sequence[str]) -> Sequence[str] | int:
    """Return a number of templates, or their ids."""
    return int(values[0]) if len(values) == 1 and values[0].isdigit() else values


def list_training_configs(args: argparse.Namespace) -> list[AlignmentConfig]:
    """Return the configs to train with: that of the options, or the defaults without any."""
    from core.alignment import AlignmentConfig
    from core.pipeline.next_step_hint import DEFAULT_METHODS  # Loads pandas, unlike --help.

    field_values = [getattr(args, f"config_{field.name}") for field in fields(AlignmentConfig)]
    has_fields = args.config is not None or any(value is not None for value in field_values)
    if args.method is not None or has_fields:
        return [build_config_from_args(args)]
    return [AlignmentConfig.from_preset(method) for method in DEFAULT_METHODS]


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Train the alignments, then print their metrics."""
    configs = list_training_configs(args)
    from core.alignment.config import JOINT_OBJECTIVES
    from core.pipeline.next_step_hint import list_default_methods

    corpus = open_corpus_from_args(args)
    has_default_configs = len(configs) > 1
    if has_default_configs:
        methods = list_default_methods(corpus, args.code_encoder)
        configs = [config for config in configs if config.objective in methods]
    for config in configs:
        try:
            _train_and_print_metrics(args, corpus, config, progress)
        except EarshotError as error:
            if not has_default_configs or config.objective not in JOINT_OBJECTIVES:
                raise
            # Kernel ridge, which is trained before, then predicts snippets too.
            method = format_with_hyphens(config.objective)
            print_status_to_stderr(f"No alignment by {method} was trained. {error}")


def _train_and_print_metrics(
    args: argparse.Namespace, corpus: Corpus, config: AlignmentConfig, progress: Progress
) -> None:
    from core.alignment.config import JOINT_OBJECTIVES
    from core.pipeline import evaluate_alignment_on_held_out_programs, train_and_evaluate_alignment
    from core.pipeline.forecast_preparation import prepare_corpus_for_forecast
    from core.pipeline.simulation_of_missing_programs import simulate_missing_programs

    if config.objective in JOINT_OBJECTIVES:
        simulate_missing_programs(corpus, progress)
    aligned_corpus = train_and_evaluate_alignment.train(
        corpus,
        config,
        progress=progress,
        code_encoder=args.code_encoder,
        audio_encoder=args.audio_encoder,
        unseen_templates=_parse_held_out_template_count_or_ids(args.unseen_templates),
    )
    record = aligned_corpus.record
    if not args.json:
        method = format_with_hyphens(config.objective)
        print_result_to_stdout(
            f"Saved alignment {record.id} ({method}) of {args.corpus} to {record.path}."
        )
    prepare_corpus_for_forecast(aligned_corpus, progress)
    metrics = evaluate_alignment_on_held_out_programs.evaluate_alignment(aligned_corpus)
    print_alignment_metrics(record.id, metrics, args.json)
