"""Run one of the paper's studies on a corpus, beside the paper's numbers.

Each run is kept in the corpus with its tables, figures and settings; the page Studies
shows and compares them.
"""

from __future__ import annotations

import argparse

from core.cli.output import json_line, show, table
from core.progress import Progress
from core.studies import STUDIES, options_of

HEAVY = True
ALL = "all"


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: those of all studies."""
    parser.add_argument(
        "name",
        choices=[*STUDIES, ALL],
        metavar="STUDY",
        help=f"{', '.join(STUDIES)}, or {ALL} for all of them and a report",
    )
    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument("--json", action="store_true", help="print one JSON line a number")
    known: dict[str, list[str]] = {}
    declared = {}
    for name in STUDIES:
        for option in options_of(name):
            known.setdefault(option.name, []).append(name)
            declared.setdefault(option.name, option)
    for option in declared.values():
        names = known[option.name]
        of = "" if len(names) == len(STUDIES) else f" ({', '.join(names)})"
        shown = "" if option.default is None else f" [{option.default}]"
        parser.add_argument(
            option.flag,
            dest=f"option_{option.name}",
            type=option.kind,
            metavar={int: "N", float: "X"}.get(option.kind, "WORD"),
            help=f"{option.help}{shown}{of}".replace("%", "%%"),
        )


def run(args: argparse.Namespace, progress: Progress) -> None:
    """Run it, then print what was measured and what is to be said of it."""
    from core.studies.runner import run_study

    given = {
        key.removeprefix("option_"): value
        for key, value in vars(args).items()
        if key.startswith("option_") and value is not None
    }
    if args.name == ALL:
        import pandas as pd

        from core.studies.report import study_all
        from core.studies.report_summary import main_table, standing

        folder = study_all(args.corpus, given, progress)
        main = pd.read_csv(folder / "tables" / "main.csv")
        if args.json:
            for row in main.to_dict(orient="records"):
                json_line(row)
            return
        show(f"{main_table(main)}\n\n{standing(main)}\nThe report lies in {folder}.")
        return
    found = run_study(args.name, args.corpus, given, progress)
    print_run(found, args.json)


def print_run(found, as_json: bool) -> None:
    """Print one run's numbers beside the paper's, and its notes."""
    compared = found.compared()
    if as_json:
        for row in compared.to_dict(orient="records"):
            json_line({"study": found.study, "run": found.id, **row})
        return
    show(f"\n{found.facts['title']}. {found.facts['question']}")
    show(table(list(compared.columns), compared.astype(object).itertuples(index=False)))
    for note in found.facts["notes"]:
        show(f"- {note}")
    show(f"Kept as {found.id} in {found.path}.")
