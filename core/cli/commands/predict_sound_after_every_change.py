"""Follow a program while you write it: print its predicted sound after every change.

FILE is any source file that an editor saves; it may be replaced, or deleted and written again.
--sonic-pi follows the workspaces of Sonic Pi, which it saves when you press Run and when it closes.
Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from core.cli.argument_parsing import (
    add_json_option,
    add_searched_corpora_option,
    add_shared_alignment_option,
    open_searched_corpora_from_args,
    parse_nonnegative_int,
    parse_positive_int,
)
from core.cli.commands.find_snippet_neighbours import add_aspect_option
from core.cli.commands.predict_sound import SoundPrediction, predict_sound_from_args
from core.cli.terminal_output import (
    print_error,
    print_json_line,
    print_result_to_stdout,
    print_status_to_stderr,
)
from core.errors import EarshotError
from core.progress_callback import Progress

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus
    from core.sonicpi.live import SavedWorkspacesWatcher, SourceChange, SourceFileWatcher

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="file of Sonic Pi code")
    parser.add_argument(
        "--sonic-pi",
        action="store_true",
        dest="follows_sonic_pi",
        help="follow the workspace that Sonic Pi saved last",
    )
    parser.add_argument(
        "--workspace",
        type=parse_nonnegative_int,
        metavar="N",
        help="with --sonic-pi: only this workspace, 0 to 9",
    )
    parser.set_defaults(corpus_argument=None)
    add_searched_corpora_option(parser, "the starter, or the only one")
    parser.add_argument(
        "-k", type=parse_positive_int, default=3, metavar="N", help="number of clips (3)"
    )
    add_aspect_option(parser)
    add_shared_alignment_option(parser)
    add_json_option(parser, "print one JSON line per change")


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Print a prediction after every change, until the command is interrupted."""
    from core.operations.corpus_opening import choose_default_corpus
    from core.sonicpi.live.source_file_watcher import POLL_INTERVAL_SECONDS

    watcher = _open_program_watcher(args)
    args.corpus = args.corpus or [choose_default_corpus()]
    aligned_corpora = open_searched_corpora_from_args(args)
    print_status_to_stderr(f"Follows {watcher.path}. Ctrl-C ends it.")
    while True:
        if change := watcher.read_settled_change():
            _print_prediction_of_change(change, aligned_corpora, args)
        time.sleep(POLL_INTERVAL_SECONDS)


def _open_program_watcher(args: argparse.Namespace) -> SourceFileWatcher | SavedWorkspacesWatcher:
    from core.sonicpi import live

    if args.follows_sonic_pi == (args.file is not None):
        raise EarshotError("Name either a file to follow or --sonic-pi.")
    if args.file is not None:
        if args.workspace is not None:
            raise EarshotError("--workspace is only for --sonic-pi.", remedy="Add --sonic-pi.")
        return live.SourceFileWatcher(args.file)
    if args.workspace is not None:
        return live.SourceFileWatcher(live.get_workspace_path(args.workspace))
    return live.SavedWorkspacesWatcher()


def _print_prediction_of_change(
    change: SourceChange, aligned_corpora: list[AlignedCorpus], args: argparse.Namespace
) -> None:
    result = _predict_changed_program(change, aligned_corpora, args)
    if args.json:
        print_json_line({"file": str(change.path), **_convert_result_to_json_row(result)})
        return
    print_status_to_stderr(f"\n{time.strftime('%H:%M:%S')} {change.path}")
    if isinstance(result, EarshotError):
        print_error(result.message, result.remedy)
    else:
        print_result_to_stdout(result.format_prediction_as_text())


def _predict_changed_program(
    change: SourceChange, aligned_corpora: list[AlignedCorpus], args: argparse.Namespace
) -> SoundPrediction | EarshotError:
    """Return the prediction, or why there is none: the program is likely half-finished."""
    if change.code is None:
        return change.error or EarshotError("The file cannot be read.")
    try:
        return predict_sound_from_args(args, aligned_corpora, change.code)
    except EarshotError as error:
        return error


def _convert_result_to_json_row(result: SoundPrediction | EarshotError) -> dict[str, Any]:
    if isinstance(result, EarshotError):
        return {**result.to_dict(), "message": result.message, "remedy": result.remedy}
    return result.to_dict()
