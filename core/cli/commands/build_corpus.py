"""Generate, render and embed a corpus.

Run it again to resume a stopped build, or with a larger N to add programs: existing programs and
clips are not made again.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING

from core import workspace
from core.cli.argument_parsing import (
    add_corpus_argument,
    add_corpus_strict_option,
    add_encoder_options,
    add_executor_options,
    add_json_option,
    add_sandbox_option,
    add_sonic_pi_option,
    add_sounds_option,
    open_corpus_from_args,
    parse_duration_seconds,
    parse_fixed_template_parameters,
    parse_int,
    parse_nonnegative_int,
    parse_positive_int,
)
from core.cli.executor_choice import open_executor
from core.cli.terminal_output import print_json_line, print_result_to_stdout, print_status_to_stderr
from core.clip_length_limits import DEFAULT_CLIP_SECONDS
from core.corpus.legacy_command_names import add_older_json_keys
from core.errors import EarshotError
from core.pipeline.duration_history import estimate_duration_range
from core.progress_callback import Progress
from core.text_formatting import format_bytes, format_duration_range

if TYPE_CHECKING:
    from core.pipeline.cost_estimates import BuildEstimate

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser, "name of the corpus; created if it does not exist")
    parser.add_argument(
        "--per-template",
        type=parse_nonnegative_int,
        default=8,
        metavar="N",
        help="programs per template (8)",
    )
    parser.add_argument(
        "--grammar-programs",
        type=parse_nonnegative_int,
        default=0,
        metavar="N",
        help="programs composed by the grammar (0)",
    )
    parser.add_argument(
        "--styles",
        nargs="+",
        metavar="NAME",
        help="styles of the grammar programs, in equal shares and with evenly spread tempos and"
        " synths; all for every style (each program draws its own)",
    )
    add_sounds_option(parser, "the corpus's; for a new corpus 3.2")
    parser.add_argument(
        "--resume", action="store_true", help="add no programs; render and embed existing ones"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TEMPLATE.PARAMETER=VALUE",
        help="fix a parameter; LOW..HIGH and A|B restrict it. Can be repeated",
    )
    parser.add_argument(
        "--templates",
        nargs="+",
        metavar="ID",
        help="only these templates; `./run generate` lists them",
    )
    parser.add_argument("--seed", type=parse_int, default=0, metavar="S", help="random seed (0)")
    parser.add_argument(
        "--seconds",
        type=parse_duration_seconds,
        metavar="S",
        help=f"length of the clips ({DEFAULT_CLIP_SECONDS:g})",
    )
    parser.add_argument("--format", choices=("flac", "ogg"), help="format of the clips (flac)")
    add_sonic_pi_option(parser, None, "a new corpus's clips")
    parser.add_argument(
        "--audio-store",
        metavar="URL",
        help="keep the clips in shards at a URL such as s3://BUCKET/FOLDER, or in a folder; for"
        " good",
    )
    parser.add_argument(
        "--audio-cache-mb",
        type=parse_positive_int,
        metavar="MB",
        help="size of the local cache of --audio-store (2,000)",
    )
    parser.add_argument(
        "--preset",
        choices=("paper", "offline"),
        help="pair of encoders (the corpus's; for a new corpus paper if available, else offline)",
    )
    add_encoder_options(parser, "the preset's")
    parser.add_argument(
        "--workers", type=parse_positive_int, metavar="N", help="parallel renders (one per core)"
    )
    add_executor_options(parser)
    add_corpus_strict_option(parser)
    add_json_option(parser, "print the result as one JSON line")
    add_sandbox_option(parser)


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Build the corpus, then print a summary."""
    from core.pipeline import generate_render_and_embed_corpus

    if not (args.resume or args.per_template or args.grammar_programs):
        raise EarshotError(
            "The build would add no programs.",
            remedy="Use --per-template or --grammar-programs to add programs, or --resume to"
            " render and embed existing ones.",
        )
    if args.resume:
        open_corpus_from_args(args)  # Only a corpus that exists can be resumed.
    with open_executor(args, progress) as (executor, progress):
        report = generate_render_and_embed_corpus.build_corpus(
            args.corpus,
            generate_render_and_embed_corpus.BuildOptions(
                templates=args.templates,
                programs_per_template=0 if args.resume else args.per_template,
                seed=args.seed,
                parameter_values=parse_fixed_template_parameters(args.set),
                grammar_program_count=0 if args.resume else args.grammar_programs,
                grammar_styles=args.styles,
                sound_set=args.sounds,
                is_strict=args.strict,
            ),
            generate_render_and_embed_corpus.EncoderChoice(
                args.preset, args.code_encoder, args.audio_encoder
            ),
            generate_render_and_embed_corpus.ClipFormat(
                args.seconds, args.format, args.sonic_pi, args.audio_store, args.audio_cache_mb
            ),
            executor=executor,
            progress=progress,
            on_estimate=print_build_estimate,
        )
    if args.json:
        print_json_line(add_older_json_keys("build", asdict(report)))
    else:
        print_result_to_stdout(report)


def print_build_estimate(estimate: BuildEstimate) -> None:
    """Print the estimated time and disk space before the first clip is rendered."""
    free_bytes = shutil.disk_usage(workspace.get_workspace_root()).free
    duration = estimate_duration_range("build", estimate.seconds)
    time_text = format_duration_range(duration.low, duration.high)
    text = (
        f"{estimate.program_count:,} clips to render: {time_text} and"
        f" {format_bytes(estimate.size_bytes)} as {estimate.audio_format};"
        f" {format_bytes(free_bytes)} free."
    )
    if estimate.size_bytes > free_bytes:
        text += " Disk space is not sufficient: free some, or create a corpus with --format ogg."
    print_status_to_stderr(text)
