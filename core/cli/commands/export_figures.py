"""Write a corpus's figures as SVG, PDF or PNG: map, training, metrics, sweeps and studies."""

from __future__ import annotations

import argparse

from core.cli.figure_and_table_export_options import (
    add_file_export_arguments,
    open_corpus_and_alignment_to_export,
    print_exported_paths,
    select_items_to_export,
)
from core.progress_callback import Progress

IS_LONG_RUNNING = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_file_export_arguments(parser, "figure", ("svg", "pdf", "png"))
    parser.add_argument("--width", type=int, default=900, metavar="N", help="in pixels (900)")
    parser.add_argument("--height", type=int, default=520, metavar="N", help="in pixels (520)")


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Write the figures and print their paths."""
    # They load plotly and pandas, which --help does not need.
    from core.plots.figure_image_export import export_figure_images
    from core.studies.alignment_and_study_figure_collection import (
        collect_alignment_and_study_figures,
    )

    corpus, alignment = open_corpus_and_alignment_to_export(args, "map")
    figures = collect_alignment_and_study_figures(corpus, alignment, args.run)
    paths = export_figure_images(
        select_items_to_export(figures, args.only, "figure", corpus.name),
        args.out,
        args.format,
        width_px=args.width,
        height_px=args.height,
    )
    print_exported_paths(paths, "figure", args.json)
