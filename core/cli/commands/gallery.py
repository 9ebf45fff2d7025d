"""Render one variant of each template, which the page Generate shows.

What is rendered already, here or in a corpus, is not rendered again.
"""

from __future__ import annotations

import argparse

from core.cli.output import print_json_line, print_result, format_table
from core.progress import Progress

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON line a template")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Render what is lacking, then say where each clip lies."""
    from core.pipeline import gallery

    rows = [(shown.template.id, str(shown.clip_path)) for shown in gallery.render_gallery(progress)]
    if args.json:
        for template, clip in rows:
            print_json_line({"template": template, "audio": clip})
    else:
        print_result(format_table(("template", "audio"), rows))
