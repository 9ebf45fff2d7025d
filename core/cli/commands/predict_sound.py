"""Predict the sound of a program: the clips nearest to it, and measured properties with intervals.

The program is neither run nor rendered. Loudness, peak, silence, onsets per second, tempo,
register, brightness, noisiness, stereo width and the level over time each come with an interval
that covers 90 % of held-out programs. The forecast needs measured clips:
./run embed CORPUS --audio-encoder descriptors. --aspect weights the similarity in timbre, rhythm,
pitch and level; where clips are measured, each neighbour says in which aspects it matches.

Exits with status 3 when nothing in the program would sound; with --json, it then prints one line
with status, line and message.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.cli.commands.find_snippet_neighbours import (
    add_aspect_option,
    convert_aspect_neighbour_to_json_row,
    find_aspect_neighbours_from_args,
    format_aspect_neighbour_table,
    read_snippet_from_file_or_stdin,
)
from core.cli.output import print_json_line, print_result_to_stdout, print_status_to_stderr
from core.cli.parsing import (
    add_json_option,
    add_searched_corpora_option,
    add_shared_alignment_option,
    open_searched_corpora_from_args,
    parse_positive_int,
)
from core.progress_callback import Progress
from core.text_formatting import format_table

if TYPE_CHECKING:
    from core.search.aspect_queries import AspectNeighbour
    from core.search.clip_property_forecast import Forecast
    from core.search.search_confidence import Confidence

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", metavar="FILE", help="Sonic Pi code; - reads standard input")
    parser.set_defaults(corpus_argument=None)
    add_searched_corpora_option(parser, "the starter, or the only one")
    parser.add_argument(
        "-k", type=parse_positive_int, default=5, metavar="N", help="number of clips (5)"
    )
    add_aspect_option(parser)
    add_shared_alignment_option(parser)
    add_json_option(parser, "print neighbours, confidence and forecast as one JSON line")


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Predict, then print the clips and the properties."""
    snippet = read_snippet_from_file_or_stdin(args.file)
    from core.operations.corpus_opening import choose_default_corpus
    from core.search.search_confidence import estimate_confidence
    from core.search.silent_snippet_check import SilentSnippetError, read_audible_snippet

    args.corpus = args.corpus or [choose_default_corpus()]
    aligned_corpora = open_searched_corpora_from_args(args)
    aligned_corpus = aligned_corpora[0]
    try:
        found = find_aspect_neighbours_from_args(args, aligned_corpora, snippet)
    except SilentSnippetError as error:
        if args.json:
            print_json_line(error.to_dict())
        raise
    if note := read_audible_snippet(snippet).message:
        print_status_to_stderr(note)
    confidence = estimate_confidence(aligned_corpora, snippet, [item.neighbour for item in found])
    forecast = aligned_corpus.forecast_sound_properties(snippet)
    if args.json:
        print_json_line(
            {
                "status": "ok",
                "corpus": aligned_corpus.corpus.name,
                "alignment": aligned_corpus.record.id,
                "neighbours": [convert_aspect_neighbour_to_json_row(item) for item in found],
                "confidence": None if confidence is None else asdict(confidence),
                "forecast": None if forecast is None else forecast.to_dict(),
            }
        )
        return
    print_result_to_stdout(format_sound_forecast(forecast, aligned_corpus.alignment_owner_name))
    print_result_to_stdout(
        format_neighbours_with_confidence(found, confidence, len(aligned_corpora) > 1)
    )


def format_sound_forecast(forecast: Forecast | None, corpus_name: str) -> str:
    """Return the forecast as text: the summary, and a line per property."""
    if forecast is None:
        return (
            f"No forecast: too few clips of corpus '{corpus_name}' are measured."
            f" To measure them: ./run embed {corpus_name} --audio-encoder descriptors\n"
        )
    from core.search.clip_property_forecast import format_level_curve, list_forecast_property_rows

    rows: Sequence[tuple[Any, ...]] = list_forecast_property_rows(forecast)
    heading = f"{forecast.coverage:.0%} interval"
    table = format_table(("property", "value", heading), rows)
    return f"Will be: {forecast.words}\n\n{table}\n{format_level_curve(forecast)}\n"


def format_neighbours_with_confidence(
    found: Sequence[AspectNeighbour], confidence: Confidence | None, with_corpus: bool = False
) -> str:
    """Return the nearest clips as a table, below the confidence."""
    table = format_aspect_neighbour_table(found, with_corpus)
    if confidence is None:
        return f"Nearest clips:\n\n{table}"
    return (
        f"Nearest clips ({confidence.level} confidence, {confidence.probability:.0%}):\n\n{table}"
    )
