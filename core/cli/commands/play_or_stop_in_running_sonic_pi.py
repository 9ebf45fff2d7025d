"""Play a program in the Sonic Pi that runs on this machine, or stop all its programs.

The program runs in Sonic Pi with your permissions, outside of Earshot's sandbox. Nothing is sent to
other machines. Sonic Pi 3.2.2 is tested; 4 and 5 are untried.
"""

from __future__ import annotations

import argparse

from core.cli.commands.find_snippet_neighbours import read_snippet_from_file_or_stdin
from core.cli.terminal_output import print_status_to_stderr
from core.errors import EarshotError
from core.progress_callback import Progress

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="Sonic Pi code; - reads standard input"
    )
    parser.add_argument("--stop", action="store_true", help="stop all programs of Sonic Pi")


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Send the program, or the request to stop."""
    from core.sonicpi import live

    if args.stop == (args.file is not None):
        raise EarshotError(
            "Name either a file to play or --stop.",
            remedy="For example: ./run play beat.rb, and later ./run play --stop",
        )
    if args.stop:
        live.stop_sonic_pi()
        print_status_to_stderr("Stopped all programs of Sonic Pi.")
        return
    server = live.play_in_sonic_pi(read_snippet_from_file_or_stdin(args.file))
    print_status_to_stderr(
        f"{server.format_name_with_warning()} plays it. To stop it: ./run play --stop"
    )
