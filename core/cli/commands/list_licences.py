"""List the licences of Earshot's dependencies and encoders.

Python and npm packages as in their metadata, Debian packages as in their copyright files, and the
encoders, whose weights have licences of their own.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from core.cli.argument_parsing import add_json_option
from core.cli.terminal_output import print_json_lines, print_result_to_stdout
from core.progress_callback import Progress
from core.text_formatting import format_table

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_json_option(parser, "print one JSON line per part")


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Print the licences."""
    from core.licences import list_licences

    rows = list_licences()
    if args.json:
        print_json_lines([asdict(row) for row in rows])
    else:
        table_rows = [(row.kind, row.name, row.version, row.licence) for row in rows]
        print_result_to_stdout(format_table(("kind", "name", "version", "licence"), table_rows))
