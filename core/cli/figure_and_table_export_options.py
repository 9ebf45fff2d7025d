"""Arguments and steps that the commands `figures` and `tables` share: what to write, and where."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from core.cli.argument_parsing import add_alignment_option, add_corpus_argument, add_json_option
from core.cli.terminal_output import print_json_line, print_result_to_stdout
from core.errors import EarshotError

if TYPE_CHECKING:
    from core.corpus import AlignmentRecord, Corpus

Item = TypeVar("Item")


def add_file_export_arguments(
    parser: argparse.ArgumentParser, noun: str, formats: tuple[str, ...]
) -> None:
    """Declare corpus, alignment, folder, names and formats of a command that writes files.

    Parameters
    ----------
    parser : argparse.ArgumentParser
    noun : str
        What each file contains, as in "figure". The default folder has its plural.
    formats : tuple of str
        Kinds of files, the default one first.
    """
    add_corpus_argument(parser)
    add_alignment_option(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(f"{noun}s"),
        metavar="FOLDER",
        help=f"folder of the files ({noun}s)",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help=f"only these {noun}s; default: all there are"
    )
    parser.add_argument(
        "--format",
        nargs="+",
        default=[formats[0]],
        metavar="KIND",
        help=f"{', '.join(formats[:-1])} or {formats[-1]} ({formats[0]})",
    )
    parser.add_argument(
        "--run",
        nargs="+",
        default=[],
        metavar="ID",
        help=f"{noun}s of these runs of studies too, such as umap-0001; default: the newest runs",
    )
    add_json_option(parser, "print one JSON line per file")


def open_corpus_and_alignment_to_export(
    args: argparse.Namespace, purpose: Literal["map", "any"]
) -> tuple[Corpus, AlignmentRecord | None]:
    """Open the corpus, and load the requested alignment or the default one for a purpose.

    Returns
    -------
    Corpus
    AlignmentRecord or None
        None for a corpus without an alignment.
    """
    # They load pandas, which --help does not need.
    from core.corpus import Corpus
    from core.search.default_alignment_choice import choose_default_alignment

    corpus = Corpus.open(args.corpus)
    alignment_id = args.alignment
    if alignment_id is None and (choice := choose_default_alignment(corpus, purpose)) is not None:
        alignment_id = choice.alignment_id
    return corpus, None if alignment_id is None else corpus.load_alignment(alignment_id)


def select_items_to_export(
    items: Mapping[str, Item], names: list[str] | None, noun: str, corpus_name: str
) -> dict[str, Item]:
    """Return the items with these names, or all of them.

    Raises
    ------
    EarshotError
        When a name is unknown, or the corpus has no item yet.
    """
    selected_names = names or list(items)
    unknown_names = [name for name in selected_names if name not in items]
    if unknown_names or not selected_names:
        raise EarshotError(
            f"Corpus '{corpus_name}' has no {noun} {', '.join(map(repr, unknown_names))}."
            if unknown_names
            else f"Corpus '{corpus_name}' has no {noun}s yet.",
            remedy=f"It has: {', '.join(items)}."
            if items
            else f"Train an alignment: ./run train {corpus_name}",
        )
    return {name: items[name] for name in selected_names}


def print_exported_paths(paths: Iterable[Path], noun: str, as_json: bool) -> None:
    """Print the path of each file, or one JSON line per file with its name and path."""
    for path in paths:
        if as_json:
            print_json_line({noun: path.stem, "path": str(path)})
        else:
            print_result_to_stdout(path)
