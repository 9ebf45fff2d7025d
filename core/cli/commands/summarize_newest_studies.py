"""Summarize a corpus's newest studies on one page: "How good is it?"."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.argument_parsing import add_corpus_argument, open_corpus_from_args
from core.cli.terminal_output import print_result_to_stdout, print_status_to_stderr
from core.errors import EarshotError
from core.progress_callback import Progress

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="write the page, its figure and a CSV file per table there; default: print the page",
    )


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Print the page, or write it with its tables and its figure."""
    # They load pandas and plotly, which --help does not need.
    from core.plots.figure_image_export import export_figure_images
    from core.studies.results_summary import PAGE_NAME, build_results_summary

    summary = build_results_summary(open_corpus_from_args(args))
    if args.out is None:
        print_result_to_stdout(summary.markdown)
        return
    args.out.mkdir(parents=True, exist_ok=True)
    page = args.out / f"{PAGE_NAME}.md"
    page.write_text(summary.markdown, encoding="utf-8")
    for table in summary.tables:
        table.rows.to_csv(args.out / f"{PAGE_NAME}-{table.name}.csv", index=False)
    if summary.figure is not None:
        try:
            export_figure_images({PAGE_NAME: summary.figure}, args.out)
        except EarshotError as error:  # The page and the tables are written without a browser.
            print_status_to_stderr(f"The figure is missing. {error}")
    print_result_to_stdout(page)
