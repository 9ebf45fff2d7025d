"""Run one of the paper's studies on a corpus, beside the paper's numbers.

Each run is kept in the corpus with its tables, figures and settings; the page Studies
shows and compares them.
"""

from __future__ import annotations

import argparse

from core.cli.output import print_json_line, print_result
from core.cli.parsing import open_corpus
from core.formatting import format_table
from core.progress import Progress
from core.studies import STUDY_MODULES, get_study_options

IS_LONG_RUNNING = True
ALL_STUDIES = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: those of all studies."""
    parser.add_argument(
        "name",
        choices=[*STUDY_MODULES, ALL_STUDIES],
        metavar="STUDY",
        help=f"{', '.join(STUDY_MODULES)}, or {ALL_STUDIES} for all of them and a report",
    )
    parser.add_argument("corpus", metavar="CORPUS", help="its name")
    parser.add_argument("--json", action="store_true", help="print one JSON line a number")
    known: dict[str, list[str]] = {}
    declared = {}
    for name in STUDY_MODULES:
        for option in get_study_options(name):
            known.setdefault(option.name, []).append(name)
            declared.setdefault(option.name, option)
    for option in declared.values():
        names = known[option.name]
        of = "" if len(names) == len(STUDY_MODULES) else f" ({', '.join(names)})"
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
    if args.name == ALL_STUDIES:
        import pandas as pd

        from core.studies.report import run_all_studies
        from core.studies.report_summary import format_main_table, summarize_verdicts

        folder = run_all_studies(open_corpus(args), given, progress)
        main = pd.read_csv(folder / "tables" / "main.csv")
        if args.json:
            for row in main.to_dict(orient="records"):
                print_json_line(row)
            return
        print_result(
            f"{format_main_table(main)}\n\n{summarize_verdicts(main)}\nThe report lies in {folder}."
        )
        return
    found = run_study(args.name, open_corpus(args), given, progress)
    print_run(found, args.json)


def print_run(study_run, as_json: bool) -> None:
    """Print one run's numbers beside the paper's, and its notes."""
    compared = study_run.compared()
    if as_json:
        for row in compared.to_dict(orient="records"):
            print_json_line({"study": study_run.study, "run": study_run.id, **row})
        return
    print_result(f"\n{study_run.facts['title']}. {study_run.facts['question']}")
    print_result(
        format_table(list(compared.columns), compared.astype(object).itertuples(index=False))
    )
    for note in study_run.facts["notes"]:
        print_result(f"- {note}")
    print_result(f"Kept as {study_run.id} in {study_run.path}.")
