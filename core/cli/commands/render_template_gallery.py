"""Render one variant of each template for the gallery of the page Generate.

Variants that the gallery or a corpus has rendered are not rendered again.
"""

from __future__ import annotations

import argparse

from core.cli.argument_parsing import add_json_option
from core.cli.terminal_output import print_json_line, print_result_to_stdout
from core.progress_callback import Progress
from core.text_formatting import format_table

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_json_option(parser, "print one JSON line per template")


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Render the missing variants, then print the paths of all clips."""
    from core.pipeline import template_gallery_rendering

    rows = [
        (item.template.id, str(item.clip_path))
        for item in template_gallery_rendering.render_missing_gallery_clips(progress)
    ]
    if args.json:
        for template_id, clip_path in rows:
            print_json_line({"template": template_id, "audio": clip_path})
    else:
        print_result_to_stdout(format_table(("template", "audio"), rows))
