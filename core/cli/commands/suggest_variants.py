"""Suggest variants of a program that differ in their predicted sound.

Each variant changes one thing, and keeps comments and layout. By default the picks differ as much
as possible from the program and from each other, and nothing is rendered. Toward a clip, --render
orders the picks by their true sound.

Exits with status 3 when the program does not parse or nothing in it would sound; with --json, it
then prints one line with status, line and message.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.cli.argument_parsing import (
    add_alignment_option,
    add_json_option,
    add_sounds_option,
    open_aligned_corpus_from_args,
    parse_float,
    parse_int,
    parse_positive_int,
)
from core.cli.commands.find_snippet_neighbours import read_snippet_from_file_or_stdin
from core.cli.terminal_output import (
    print_json_line,
    print_json_lines,
    print_result_to_stdout,
    print_status_to_stderr,
)
from core.errors import EarshotError
from core.progress_callback import Progress
from core.text_formatting import format_table

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus
    from core.suggest.candidates import Candidate
    from core.suggest.literal_sensitivity import LiteralSensitivity
    from core.suggest.picks_and_dropped_candidate_counts import Pick
    from core.suggest.suggest_and_pick_variants import SuggestOptions

IS_LONG_RUNNING = False
ADVICE_COUNT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", metavar="FILE", help="Sonic Pi code; - reads standard input")
    parser.add_argument("--corpus", metavar="NAME", help="corpus (the starter, or the only one)")
    parser.add_argument(
        "-n", type=parse_positive_int, default=200, metavar="N", help="number of candidates (200)"
    )
    parser.add_argument(
        "-k", type=parse_positive_int, default=6, metavar="N", help="number of picks (6)"
    )
    direction = parser.add_mutually_exclusive_group()
    direction.add_argument(
        "--diverse", action="store_true", help="picks that differ from each other (the default)"
    )
    direction.add_argument(
        "--cover", action="store_true", help="picks that represent all candidates"
    )
    direction.add_argument(
        "--toward",
        metavar="TARGET",
        help="picks nearest to a sound file, to a program of the corpus, to a favourite by name"
        " or tag, or to words such as 'darker, busier'",
    )
    direction.add_argument(
        "--away", action="store_true", help="picks farthest from the program itself"
    )
    parser.add_argument(
        "--render",
        action="store_true",
        help="with --toward a clip: render the picks, and order them by their true sound",
    )
    parser.add_argument(
        "--aspect",
        choices=("timbre", "rhythm", "pitch", "level"),
        help="compare only this aspect, not the whole sound",
    )
    changes = parser.add_mutually_exclusive_group()
    changes.add_argument(
        "--one-change", action="store_true", help="one change per candidate (the default)"
    )
    changes.add_argument(
        "--wildness",
        type=parse_float,
        default=0.0,
        metavar="W",
        help="several changes per candidate: 0 for one, 1 for up to six",
    )
    parser.add_argument(
        "--sensitivity",
        action="store_true",
        help="instead of picks, how far each literal moves the predicted sound",
    )
    parser.add_argument("--keep", metavar="LINES", help="lines to leave alone, such as 3-7,12")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="KIND",
        help="only this kind of change; repeat for several: note, rhythm, synth, sample, fx,"
        " envelope, option, tempo, random, layer",
    )
    parser.add_argument(
        "--language-model",
        nargs="?",
        type=parse_positive_int,
        const=8,
        metavar="N",
        help="also ask the language model at EARSHOT_LLM_URL for N programs (8)",
    )
    parser.add_argument(
        "--at-line",
        type=parse_positive_int,
        metavar="LINE",
        help="with --language-model: code to insert before this line, instead of whole variants",
    )
    parser.add_argument(
        "--seed", type=parse_int, default=0, metavar="N", help="seed of the candidates (0)"
    )
    add_sounds_option(parser, "3.2")
    add_alignment_option(parser)
    add_json_option(parser, "print one JSON line per pick")


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Suggest, then print the picks."""
    snippet = read_snippet_from_file_or_stdin(args.file)
    from core.operations.corpus_opening import choose_default_corpus
    from core.suggest.suggest_and_pick_variants import (
        build_outline_of_audible_program,
        suggest_and_return_all_candidates,
    )

    build_outline_of_audible_program(snippet)
    args.corpus = args.corpus or choose_default_corpus()
    aligned_corpus = open_aligned_corpus_from_args(args, "suggestion")
    if args.render and (args.toward is None or args.sensitivity):
        raise EarshotError(
            "--render compares picks with a clip.",
            remedy="Add --toward CLIP, and leave out --sensitivity.",
        )
    if args.sensitivity:
        _print_literal_sensitivities(args, aligned_corpus, snippet)
        return
    options = _read_suggest_options(args, aligned_corpus)
    if args.render:
        from core.operations.rendered_pick_order import require_clip_as_target

        require_clip_as_target(options.target)
    written = _ask_language_model_for_candidates(args, snippet, options)
    result = suggest_and_return_all_candidates(aligned_corpus, snippet, options, written)
    if words := result.dropped.format_dropped_candidate_counts():
        print_status_to_stderr(f"Left out: {words}.")
    picks = result.picks
    if args.render and picks:
        _print_picks_by_rendered_sound(args, aligned_corpus, snippet, picks, options)
        return
    if args.json:
        for pick in picks:
            print_json_line(pick.to_dict())
        return
    print_result_to_stdout(
        format_suggestion_picks_table(picks) if picks else "No variant of this program was found."
    )


def _print_picks_by_rendered_sound(
    args: argparse.Namespace,
    aligned_corpus: AlignedCorpus,
    snippet: str,
    picks: Sequence[Pick],
    options: SuggestOptions,
) -> None:
    from core.operations.rendered_pick_order import order_picks_by_rendered_sound

    rendered = order_picks_by_rendered_sound(
        aligned_corpus, snippet, picks, options.target, options.aspect
    )
    if args.json:
        print_json_lines([item.to_dict() for item in rendered])
        return
    verdicts = [item.verdict for item in rendered]
    print_result_to_stdout(
        format_suggestion_picks_table([item.pick for item in rendered], verdicts)
    )


def _ask_language_model_for_candidates(
    args: argparse.Namespace, snippet: str, options: SuggestOptions
) -> list[Candidate]:
    if args.language_model is None:
        if args.at_line is not None:
            raise EarshotError(
                "--at-line is only for a language model.", remedy="Add --language-model."
            )
        return []
    from core.suggest.chat_client import read_chat_settings
    from core.suggest.language_model_candidates import write_candidates_by_language_model

    written = write_candidates_by_language_model(
        read_chat_settings(),
        snippet,
        args.language_model,
        args.at_line,
        options.candidates.sound_set,
    )
    print_status_to_stderr(written.format_usage_and_cost())
    return written.candidates


def _read_suggest_options(
    args: argparse.Namespace, aligned_corpus: AlignedCorpus
) -> SuggestOptions:
    from core.programs.template_vocabulary import DEFAULT_SOUND_SET
    from core.suggest.candidates import CandidateOptions, parse_line_ranges
    from core.suggest.sound_target import read_target_from_text
    from core.suggest.suggest_and_pick_variants import SuggestOptions

    mode = "toward" if args.toward is not None else "away" if args.away else "diverse"
    return SuggestOptions(
        candidate_count=args.n,
        pick_count=args.k,
        mode="cover" if args.cover else mode,
        target=None if args.toward is None else read_target_from_text(aligned_corpus, args.toward),
        aspect=args.aspect,
        candidates=CandidateOptions(
            wildness=args.wildness,
            kept_lines=parse_line_ranges(args.keep) if args.keep else frozenset(),
            kinds=tuple(args.only),
            seed=args.seed,
            sound_set=args.sounds or DEFAULT_SOUND_SET,
        ),
    )


def _print_literal_sensitivities(
    args: argparse.Namespace, aligned_corpus: AlignedCorpus, snippet: str
) -> None:
    from core.suggest.literal_sensitivity import measure_sensitivity_to_literals
    from core.suggest.sound_target import read_target_from_text

    target = None if args.toward is None else read_target_from_text(aligned_corpus, args.toward)
    rows = measure_sensitivity_to_literals(aligned_corpus, snippet, target)
    if args.json:
        print_json_lines([row.to_dict() for row in rows])
        return
    table = format_literal_sensitivities(rows, args.toward)
    print_result_to_stdout(table if rows else "No literal of this program has a known range.")


def format_literal_sensitivities(
    rows: Sequence[LiteralSensitivity], target_label: str | None
) -> str:
    """Return the sensitivity of literals as a table, and below it how to reach the target."""
    cells = [
        (
            row.line,
            f"{row.name} {row.text}",
            row.layer,
            row.strength or row.distance,
            f"{row.farthest_value}: {row.movement}" if row.movement else row.farthest_value,
            f"{row.aspect}: {row.aspect_movement}" if row.aspect else "",
        )
        for row in rows
    ]
    headers = ("line", "literal", "in", "movement", "farthest value", "moves most")
    table = format_table(headers, cells)
    if target_label is None:
        return table
    nearest_first = sorted(rows, key=lambda row: -row.target_gain)
    advice = [
        text for row in nearest_first if (text := row.format_advice_to_reach_target(target_label))
    ]
    return "\n".join([table, "", *(advice[:ADVICE_COUNT] or ["No literal alone gets nearer."])])


def format_suggestion_picks_table(
    picks: Sequence[Pick], verdicts: Sequence[str] | None = None
) -> str:
    """Return the picks as a table.

    Parameters
    ----------
    picks : sequence of Pick
    verdicts : sequence of str, optional
        Whether each rendered pick is nearer to the target than the program.
    """
    rows = [
        (
            pick.rank,
            pick.kind,
            pick.change.line,
            pick.change.words,
            pick.distance,
            "" if pick.confidence is None else pick.confidence.level,
            "" if pick.predicted is None else pick.predicted.words,
        )
        for pick in picks
    ]
    headers = ("rank", "kind", "line", "change", "distance", "confidence", "forecast")
    if verdicts is None:
        return format_table(headers, rows)
    return format_table(
        (*headers, "true sound"), [(*row, verdict) for row, verdict in zip(rows, verdicts)]
    )
