"""Predict the sound of a snippet: list the clips nearest to it, without rendering it.

The clips are the nearest in the shared space of an alignment, the nearest first. --corpus A
--corpus B searches several corpora at once. A corpus without an alignment of its own is searched
by one of another corpus with the same encoders. --aspect weights the similarity in timbre, rhythm,
pitch and level; where clips are measured, each neighbour says in which aspects it matches. Exits
with status 3 when nothing in the snippet would sound; with --json, it then prints one line with
status, line and message.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.cli.argument_parsing import (
    add_json_option,
    add_searched_corpora_option,
    add_shared_alignment_option,
    open_searched_corpora_from_args,
    parse_positive_int,
)
from core.cli.terminal_output import (
    print_json_lines,
    print_result_to_stdout,
    print_status_to_stderr,
)
from core.corpus.legacy_saved_names import translate_legacy_grammar_name
from core.errors import EarshotError
from core.programs.source_decoding import decode_source
from core.progress_callback import Progress
from core.text_formatting import format_table

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus
    from core.search.aspect_queries import AspectNeighbour
    from core.search.nearest_neighbour_queries import Neighbour

IS_LONG_RUNNING = False
MAX_SNIPPET_BYTES = 1_000_000
"""More than any snippet has, so that a wrong file is not read completely."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "corpus_argument", metavar="CORPUS", nargs="?", help="name of the corpus to search"
    )
    add_searched_corpora_option(parser, "CORPUS")
    parser.add_argument(
        "--snippet", required=True, metavar="FILE", help="Sonic Pi code; - reads standard input"
    )
    parser.add_argument(
        "-k", type=parse_positive_int, default=5, metavar="N", help="number of clips (5)"
    )
    add_aspect_option(parser)
    add_shared_alignment_option(parser)
    add_json_option(parser, "print one JSON line per neighbour")


def add_aspect_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--aspect``, the weights of the similarity by aspect."""
    parser.add_argument(
        "--aspect",
        action="append",
        default=[],
        metavar="NAME=WEIGHT",
        help="weight of the similarity in timbre, rhythm, pitch or level, or of the alignment's"
        " (whole): 0 to 10, 1 for those not named; may be given several times",
    )


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Find the neighbours, then print them."""
    snippet = read_snippet_from_file_or_stdin(args.snippet)
    from core.search.silent_snippet_check import interpret_audible_snippet

    note = interpret_audible_snippet(snippet).message  # Silent code needs no corpus.
    corpora = open_searched_corpora_from_args(args)
    aspect_neighbours = find_aspect_neighbours_from_args(args, corpora, snippet)
    if note:
        print_status_to_stderr(note)
    if args.json:
        print_json_lines([convert_aspect_neighbour_to_json_row(item) for item in aspect_neighbours])
        return
    print_result_to_stdout(format_aspect_neighbour_table(aspect_neighbours, len(corpora) > 1))


def find_aspect_neighbours_from_args(
    args: argparse.Namespace, corpora: Sequence[AlignedCorpus], snippet: str
) -> list[AspectNeighbour]:
    """Find the neighbours of a snippet, by the weights of ``--aspect`` if there are any.

    Raises
    ------
    SilentSnippetError, EarshotError
        As `core.search.aspect_queries.find_neighbours_by_aspects`.
    """
    from core.corpus import try_to_fetch_clip_files
    from core.search.aspect_queries import add_aspect_matches, find_neighbours_by_aspects
    from core.search.aspect_similarity import parse_aspect_weights
    from core.search.multi_corpus_search import find_neighbours_in_corpora

    if args.aspect:
        weights = parse_aspect_weights(args.aspect)
        aspect_neighbours = find_neighbours_by_aspects(corpora, snippet, weights, args.k)
    else:
        nearest = find_neighbours_in_corpora(corpora, snippet, args.k)
        aspect_neighbours = add_aspect_matches(corpora, snippet, nearest)
    try_to_fetch_clip_files(item.neighbour.audio_path for item in aspect_neighbours)
    return aspect_neighbours


def convert_aspect_neighbour_to_json_row(aspect_neighbour: AspectNeighbour) -> dict[str, Any]:
    """Return a neighbour with its match by aspect, if its clip is measured."""
    row = convert_neighbour_to_json_row(aspect_neighbour.neighbour)
    if aspect_neighbour.match is None:
        return row
    return {
        **row,
        "aspects": aspect_neighbour.match.similarities,
        "match": aspect_neighbour.match.words,
    }


def format_aspect_neighbour_table(
    aspect_neighbours: Sequence[AspectNeighbour], with_corpus: bool
) -> str:
    """Return neighbours as a table of text, with a column of matches if there are any."""
    neighbours = [item.neighbour for item in aspect_neighbours]
    if not any(item.match for item in aspect_neighbours):
        return format_neighbour_table(neighbours, with_corpus)
    return format_neighbour_table(
        neighbours,
        with_corpus,
        [item.match.words if item.match else "" for item in aspect_neighbours],
    )


def convert_neighbour_to_json_row(neighbour: Neighbour) -> dict[str, Any]:
    """Return a neighbour as commands print it with ``--json``."""
    return {
        "rank": neighbour.rank,
        "similarity": neighbour.similarity,
        "corpus": neighbour.corpus_name,
        "program": neighbour.program_id,
        "template": neighbour.template,
        "audio": neighbour.audio_path,
    }


def format_neighbour_table(
    neighbours: Sequence[Neighbour], with_corpus: bool, matches: Sequence[str] = ()
) -> str:
    """Return neighbours as a table of text, with or without corpora and matches by aspect."""
    columns = ["rank", "similarity", *(["corpus"] if with_corpus else []), "name", "template"]
    columns += ["match"] if matches else []
    rows = [
        (
            neighbour.rank,
            neighbour.similarity,
            *([neighbour.corpus_name] if with_corpus else []),
            neighbour.name,
            translate_legacy_grammar_name(neighbour.template),
            *([matches[index]] if matches else []),
            neighbour.audio_path,
        )
        for index, neighbour in enumerate(neighbours)
    ]
    return format_table([*columns, "audio"], rows)


def read_snippet_from_file_or_stdin(file_name: str) -> str:
    """Read a snippet from a file, or from standard input for "-".

    Raises
    ------
    EarshotError
        If it cannot be read, is too long, or is not UTF-8 text.
    """
    try:
        if file_name == "-":
            content = sys.stdin.buffer.read(MAX_SNIPPET_BYTES + 1)
        else:
            with open(file_name, "rb") as file:
                content = file.read(MAX_SNIPPET_BYTES + 1)
    except OSError as error:
        raise EarshotError(f"{error.strerror or error}.", where=file_name) from error
    if len(content) > MAX_SNIPPET_BYTES:
        raise EarshotError(f"The file exceeds {MAX_SNIPPET_BYTES} bytes.", where=file_name)
    return decode_source(content, file_name)
