"""Embed a corpus with other encoders.

Without an encoder, use those of the corpus. Run it again to resume a stopped run.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from core.cli.argument_parsing import (
    add_corpus_argument,
    add_encoder_options,
    add_executor_options,
    add_json_option,
    open_corpus_from_args,
)
from core.cli.executor_choice import open_executor
from core.cli.terminal_output import print_json_line, print_result_to_stdout
from core.corpus.legacy_command_names import add_older_json_keys
from core.progress_callback import Progress

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser)
    add_encoder_options(parser, "none, or the corpus's if neither option is used")
    add_executor_options(parser)
    add_json_option(parser, "print the result as one JSON line")


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Compute the missing embeddings, then print a summary."""
    from core.pipeline import embed_missing_programs_and_clips
    from core.pipeline.simulation_of_missing_programs import (
        simulate_programs_that_joint_alignments_search,
    )

    corpus = open_corpus_from_args(args)
    with open_executor(args, progress) as (executor, progress):
        report = embed_missing_programs_and_clips.embed_corpus(
            corpus, args.code_encoder, args.audio_encoder, progress, executor
        )
        with corpus.lock_for_writing(f"embed {corpus.name}"):
            simulate_programs_that_joint_alignments_search(corpus, progress, executor)
    if args.json:
        print_json_line(add_older_json_keys("embed", asdict(report)))
        return
    print_result_to_stdout(
        f"{args.corpus}: added {report.code_embeddings_added} code embeddings and"
        f" {report.audio_embeddings_added} audio embeddings."
    )
    for program_id, error in report.embedding_errors.items():
        print_result_to_stdout(f"{program_id} was not embedded: {error}")
