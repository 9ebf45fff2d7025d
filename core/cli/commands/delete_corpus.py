"""Delete a corpus with its clips, embeddings, alignments and studies.

Prints what it would delete and asks for the corpus's name, unless --yes is given. Only a corpus of
the workspace is deleted, and none that a job uses. With --embeddings, only the embeddings by one
encoder are deleted, such as those that were imported under a wrong name.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from core.cli.argument_parsing import add_corpus_argument, add_json_option, open_corpus_from_args
from core.cli.terminal_output import print_json_line, print_result_to_stdout, print_status_to_stderr
from core.errors import EarshotError
from core.progress_callback import Progress

if TYPE_CHECKING:
    from core.corpus import Corpus

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser)
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    parser.add_argument(
        "--embeddings",
        metavar="ENCODER",
        help="delete only the embeddings by this encoder, as in own/code/NAME, unless an alignment"
        " was trained on them",
    )
    add_json_option(parser, "print what was deleted as one JSON line")


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Delete the corpus once that is confirmed, then print what was deleted."""
    from core import jobs, workspace
    from core.corpus import count_corpus_contents, delete_corpus

    workspace.require_writable_workspace("Deleting a corpus")
    corpus = open_corpus_from_args(args)
    jobs.require_that_no_job_uses_corpus(corpus.name)
    if args.embeddings is not None:
        _delete_embeddings(corpus, args.embeddings, as_json=args.json)
        return
    if not args.yes:
        print_status_to_stderr(f"To be deleted: {count_corpus_contents(corpus)}")
        _ask_for_corpus_name(corpus.name)
        jobs.require_that_no_job_uses_corpus(corpus.name)  # One may have started meanwhile.
    contents = delete_corpus(corpus)
    if args.json:
        print_json_line(
            {
                "corpus": contents.corpus_name,
                "programs": contents.program_count,
                "clips": contents.clip_count,
                "embeddings": contents.embedding_count,
                "alignments": contents.alignment_count,
                "bytes": contents.size_bytes,
            }
        )
    else:
        print_result_to_stdout(f"Deleted {contents}.")


def _delete_embeddings(corpus: Corpus, encoder_id: str, *, as_json: bool) -> None:
    """Delete the embeddings by one encoder. They can be imported again, so nobody is asked."""
    from core.corpus.embedding_deletion import delete_embeddings

    count = delete_embeddings(corpus, encoder_id)
    if as_json:
        print_json_line({"corpus": corpus.name, "encoder": encoder_id, "embeddings": count})
    else:
        print_result_to_stdout(f"Deleted {count:,} embeddings by {encoder_id} of {corpus.name}.")


def _ask_for_corpus_name(corpus_name: str) -> None:
    """Read the corpus's name from the terminal; raise an error if it is not typed."""
    if not sys.stdin.isatty():
        raise EarshotError(
            "Nothing was deleted: there is no terminal to ask in.",
            remedy=f"To delete without asking: ./run delete {corpus_name} --yes",
        )
    print(f"Type the name of the corpus to delete it ({corpus_name}): ", end="", file=sys.stderr)
    sys.stderr.flush()
    if sys.stdin.readline().strip() != corpus_name:
        raise EarshotError("Nothing was deleted: that is not the corpus's name.")
