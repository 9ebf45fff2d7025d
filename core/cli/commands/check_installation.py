"""List what is installed, what is missing, and the command that installs it.

Nothing is changed. The exit status is 1 if something is missing that Earshot requires.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from core.cli.argument_parsing import add_json_option
from core.cli.terminal_output import print_json_lines, print_result_to_stdout
from core.corpus.legacy_command_names import add_older_json_keys
from core.errors import ReportedFailureError
from core.progress_callback import Progress
from core.system_requirement_checks import check_system_requirements
from core.text_formatting import format_table

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_json_option(parser, "print one JSON line per row")


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Check the requirements, then print them."""
    rows = check_system_requirements()
    if args.json:
        print_json_lines([add_older_json_keys("doctor", asdict(row)) for row in rows])
    else:
        table_rows = [
            ("✓" if row.is_ok else "✗" if row.is_required else "–", row.name, row.state)
            for row in rows
        ]
        print_result_to_stdout(format_table(("", "requirement", "state"), table_rows))
        for row in rows:
            if row.remedy:
                print_result_to_stdout(f"\n{row.name}: {row.state}\n    {row.remedy}")
    missing = [row.name for row in rows if row.is_required and not row.is_ok]
    if missing:
        raise ReportedFailureError(f"Missing: {', '.join(missing)}.")
