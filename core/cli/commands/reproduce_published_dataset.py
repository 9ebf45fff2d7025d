"""Rebuild a published dataset bit for bit from its recipe, and compare its checksums.

`paper-size` has the size of the paper's corpus: 27 templates with 500 programs each. Run it again
to resume. --out writes the folder to publish: clips, tables and a dataset card.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.argument_parsing import add_json_option, add_sandbox_option, parse_positive_int
from core.cli.terminal_output import print_json_line, print_result_to_stdout
from core.errors import ReportedFailureError
from core.progress_callback import Progress

if TYPE_CHECKING:
    from core.corpus import Corpus
    from core.pipeline.dataset_recipe import DatasetRecipe

IS_LONG_RUNNING = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("recipe", metavar="RECIPE", help="paper-size, or the path of a recipe")
    parser.add_argument("--corpus", metavar="NAME", help="name of the corpus (the recipe's)")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="also write the dataset as an audio folder there"
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--check", action="store_true", help="render nothing; compare the corpus as it is"
    )
    action.add_argument(
        "--record", action="store_true", help="write the corpus's checksums into the recipe"
    )
    parser.add_argument(
        "--workers", type=parse_positive_int, metavar="N", help="parallel renders (one per core)"
    )
    add_json_option(parser, "print the result as one JSON line")
    add_sandbox_option(parser)


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Build, check or record the dataset, then print the result."""
    from core.corpus import Corpus
    from core.pipeline import dataset_recipe, published_dataset_reproduction
    from core.pipeline.corpus_export import export_corpus
    from core.pipeline.executors import LocalExecutor

    path = dataset_recipe.find_recipe_path(args.recipe)
    recipe = dataset_recipe.load_recipe(path)
    name = args.corpus or recipe.name
    if args.check:
        corpus = Corpus.open(name)
    else:
        corpus = published_dataset_reproduction.reproduce_published_dataset(
            recipe, name, LocalExecutor(args.workers), progress
        )
    digests = published_dataset_reproduction.compute_group_digests(corpus, progress)
    if args.record:
        recipe = replace(recipe, digests=digests)
        dataset_recipe.save_recipe(recipe, path)
    differences = published_dataset_reproduction.find_dataset_differences(recipe.digests, digests)
    if not recipe.digests:
        differences = ["The recipe has no checksums yet: --record writes them."]
    folder = None
    if args.out is not None:
        folder = export_corpus(corpus, "audiofolder", args.out, progress)
    _print_reproduction_result(args, recipe, corpus, differences, folder)


def _describe_recipe_agreement(recipe: DatasetRecipe) -> str:
    if all(digest.clips_sha256 for digest in recipe.digests.values()):
        return "Programs and clips are those of the recipe, bit for bit."
    return "The programs are those of the recipe, which has no checksums of all clips."


def _print_reproduction_result(
    args: argparse.Namespace,
    recipe: DatasetRecipe,
    corpus: Corpus,
    differences: list[str],
    folder: Path | None,
) -> None:
    counts = corpus.count_programs_by_state()
    if args.json:
        print_json_line(
            {
                "recipe": recipe.name,
                "corpus": corpus.name,
                "counts": counts,
                "differences": differences,
                "folder": None if folder is None else str(folder.absolute()),
            }
        )
    else:
        print_result_to_stdout(
            f"{corpus.name}: {counts['programs']:,} programs, {counts['ok']:,} with a clip."
        )
        if folder is not None:
            print_result_to_stdout(f"Wrote {folder}.")
        if not differences:
            print_result_to_stdout(_describe_recipe_agreement(recipe))
    if differences:
        raise ReportedFailureError(
            f"The dataset differs from its recipe. {' '.join(differences[:8])}",
            remedy="Programs differ between versions of Earshot, samples between versions of Sonic"
            " Pi and scsynth: the dataset card names those that made the recipe.",
        )
