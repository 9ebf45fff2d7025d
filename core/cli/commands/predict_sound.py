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
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from core.cli.argument_parsing import (
    add_json_option,
    add_searched_corpora_option,
    add_shared_alignment_option,
    open_searched_corpora_from_args,
    parse_positive_int,
)
from core.cli.commands.find_snippet_neighbours import (
    add_aspect_option,
    convert_aspect_neighbour_to_json_row,
    find_aspect_neighbours_from_args,
    format_aspect_neighbour_table,
    read_snippet_from_file_or_stdin,
)
from core.cli.terminal_output import print_json_line, print_result_to_stdout, print_status_to_stderr
from core.progress_callback import Progress
from core.text_formatting import format_table

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus
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


@dataclass(frozen=True)
class SoundPrediction:
    """Prediction of the sound of a snippet.

    Attributes
    ----------
    aligned_corpora : list of AlignedCorpus
        The searched corpora; the forecast is by the first.
    aspect_neighbours : list of AspectNeighbour
        The nearest clips, the nearest first.
    confidence : Confidence or None
        None if the alignment is not calibrated.
    forecast : Forecast or None
        None if too few clips are measured.
    note : str
        What does not sound, or which part of the snippet was read; "" if all is well.
    line : int or None
        Line of the snippet that the note is about, from 1.
    """

    aligned_corpora: list[AlignedCorpus]
    aspect_neighbours: list[AspectNeighbour]
    confidence: Confidence | None
    forecast: Forecast | None
    note: str
    line: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction as commands print it with ``--json``."""
        return {
            "status": "ok",
            "line": self.line,
            "message": self.note,
            "corpus": self.aligned_corpora[0].corpus.name,
            "alignment": self.aligned_corpora[0].record.id,
            "neighbours": [
                convert_aspect_neighbour_to_json_row(item) for item in self.aspect_neighbours
            ],
            "confidence": None if self.confidence is None else asdict(self.confidence),
            "forecast": None if self.forecast is None else self.forecast.to_dict(),
        }

    def format_prediction_as_text(self) -> str:
        """Return the forecast, and below it the nearest clips, as tables of text."""
        owner_name = self.aligned_corpora[0].alignment_owner_name
        neighbours = format_neighbours_with_confidence(
            self.aspect_neighbours, self.confidence, len(self.aligned_corpora) > 1
        )
        return f"{format_sound_forecast(self.forecast, owner_name)}\n{neighbours}"


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Predict, then print the clips and the properties."""
    snippet = read_snippet_from_file_or_stdin(args.file)
    from core.operations.corpus_opening import choose_default_corpus
    from core.search.silent_snippet_check import interpret_audible_snippet

    interpret_audible_snippet(snippet)  # Code that makes no sound needs no corpus.
    args.corpus = args.corpus or [choose_default_corpus()]
    aligned_corpora = open_searched_corpora_from_args(args)
    prediction = predict_sound_from_args(args, aligned_corpora, snippet)
    if prediction.note:
        print_status_to_stderr(prediction.note)
    if args.json:
        print_json_line(prediction.to_dict())
    else:
        print_result_to_stdout(prediction.format_prediction_as_text())


def predict_sound_from_args(
    args: argparse.Namespace, aligned_corpora: list[AlignedCorpus], snippet: str
) -> SoundPrediction:
    """Predict the sound of a snippet by the options ``-k`` and ``--aspect``.

    Raises
    ------
    SilentSnippetError
        When nothing in the snippet would sound.
    """
    from core.search.search_confidence import estimate_confidence
    from core.search.silent_snippet_check import interpret_audible_snippet

    aspect_neighbours = find_aspect_neighbours_from_args(args, aligned_corpora, snippet)
    neighbours = [item.neighbour for item in aspect_neighbours]
    reading = interpret_audible_snippet(snippet)
    return SoundPrediction(
        aligned_corpora,
        aspect_neighbours,
        estimate_confidence(aligned_corpora, snippet, neighbours),
        aligned_corpora[0].forecast_sound_properties(snippet),
        reading.message,
        reading.line,
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
    aspect_neighbours: Sequence[AspectNeighbour],
    confidence: Confidence | None,
    with_corpus: bool = False,
) -> str:
    """Return the nearest clips as a table, below the confidence."""
    table = format_aspect_neighbour_table(aspect_neighbours, with_corpus)
    if confidence is None:
        return f"Nearest clips:\n\n{table}"
    return (
        f"Nearest clips ({confidence.level} confidence, {confidence.probability:.0%}):\n\n{table}"
    )
