"""Write a corpus's figures as SVG, PDF or PNG files: map, training curves, metrics and studies."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.parsing import add_alignment_option, add_corpus_argument, add_json_option
from core.cli.terminal_output import print_json_line, print_result_to_stdout
from core.errors import EarshotError
from core.progress_callback import Progress

IS_LONG_RUNNING = False
DEFAULT_FOLDER = "figures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_corpus_argument(parser)
    add_alignment_option(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(DEFAULT_FOLDER),
        metavar="FOLDER",
        help=f"folder of the files ({DEFAULT_FOLDER})",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="only these figures; default: all there are"
    )
    parser.add_argument(
        "--format", nargs="+", default=["svg"], metavar="KIND", help="svg, pdf or png (svg)"
    )
    parser.add_argument("--width", type=int, default=900, metavar="N", help="in pixels (900)")
    parser.add_argument("--height", type=int, default=520, metavar="N", help="in pixels (520)")
    add_json_option(parser, "print one JSON line per file")


def run_command(args: argparse.Namespace, _progress: Progress) -> None:
    """Write the figures and print their paths."""
    # They load plotly and pandas, which --help does not need.
    from core.corpus import Corpus
    from core.plots.figure_image_export import export_figure_images
    from core.search.default_alignment_choice import choose_default_alignment
    from core.studies.alignment_and_study_figure_collection import collect_corpus_figures

    corpus = Corpus.open(args.corpus)
    alignment_id = args.alignment
    if alignment_id is None and (choice := choose_default_alignment(corpus, "map")) is not None:
        alignment_id = choice.alignment_id
    alignment = None if alignment_id is None else corpus.load_alignment(alignment_id)
    figures = collect_corpus_figures(corpus, alignment)
    names = args.only or list(figures)
    unknown_names = [name for name in names if name not in figures]
    if unknown_names or not names:
        raise EarshotError(
            f"Corpus '{corpus.name}' has no figure {', '.join(map(repr, unknown_names))}."
            if unknown_names
            else f"Corpus '{corpus.name}' has no figures yet.",
            remedy=f"It has: {', '.join(figures)}."
            if figures
            else f"Train an alignment: ./run train {corpus.name}",
        )
    paths = export_figure_images(
        {name: figures[name] for name in names},
        args.out,
        args.format,
        width_px=args.width,
        height_px=args.height,
    )
    for path in paths:
        if args.json:
            print_json_line({"figure": path.stem, "path": str(path)})
        else:
            print_result_to_stdout(path)
