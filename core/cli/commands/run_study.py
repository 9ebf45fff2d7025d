"""Run a study on a corpus and compare the numbers with the paper's.

Each run is saved in the corpus with its tables, figures and settings; the page Studies
shows and compares runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.argument_parsing import add_executor_options, open_corpus_from_args
from core.cli.executor_choice import open_executor
from core.cli.terminal_output import print_json_line, print_result_to_stdout
from core.progress_callback import Progress
from core.studies.study_registry import STUDIES, StudyOption, fill_default_study_options
from core.text_formatting import format_table

if TYPE_CHECKING:
    from core.corpus import Corpus
    from core.pipeline.executors import Executor
    from core.studies.study_run_storage import StudyRun

IS_LONG_RUNNING = True
ALL_STUDIES = "all"
FOLDER_STUDY = "coverage"
MAX_PRINTED_ROWS = 40
VALUE_LABELS = {int: "N", float: "X", str: "WORD"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: those of all studies."""
    parser.add_argument(
        "name",
        choices=[*STUDIES, ALL_STUDIES],
        metavar="STUDY",
        help=f"{', '.join(STUDIES)}, or {ALL_STUDIES} for all of them and a report",
    )
    parser.add_argument(
        "corpus",
        metavar="CORPUS",
        help=f"name of the corpus; {FOLDER_STUDY} also takes a folder of programs",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON line per number")
    add_executor_options(parser)
    options: dict[str, StudyOption] = {}
    study_names: dict[str, list[str]] = {}
    for study_name, study in STUDIES.items():
        for option in study.options:
            options.setdefault(option.name, option)
            study_names.setdefault(option.name, []).append(study_name)
    for option in options.values():
        default = "" if option.default is None else f" [{option.default}]"
        names = f" ({', '.join(study_names[option.name])})"
        parser.add_argument(
            option.cli_flag,
            dest=f"option_{option.name}",
            type=option.value_type,
            metavar=VALUE_LABELS[option.value_type],
            help=f"{option.help}{default}{names}".replace("%", "%%"),
        )


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Run a study and print its numbers and notes."""
    options = {
        name.removeprefix("option_"): value
        for name, value in vars(args).items()
        if name.startswith("option_") and value is not None
    }
    if args.name == FOLDER_STUDY and is_folder_path(args.corpus):
        run_and_print_folder_coverage_study(
            Path(args.corpus).expanduser(), options, progress, args.json
        )
        return
    corpus = open_corpus_from_args(args)
    with open_executor(args, progress) as (executor, progress):
        if args.name == ALL_STUDIES:
            run_and_print_all_studies(corpus, options, progress, executor, args.json)
            return
        from core.studies.study_runner import run_study  # Loads pandas and plotly, unlike --help.

        run = run_study(args.name, corpus, options, progress, executor)
    print_study_run(run, args.json)


def run_and_print_all_studies(
    corpus: Corpus,
    options: dict[str, Any],
    progress: Progress,
    executor: Executor,
    as_json: bool,
) -> None:
    """Run all studies, write their report, and print the comparison with the paper."""
    import pandas as pd  # Not needed by --help.

    from core.studies.all_studies_report import run_studies_and_write_report
    from core.studies.report_markdown import format_paper_comparison_table, summarize_verdicts

    folder = run_studies_and_write_report(corpus, options, progress, executor)
    rows = pd.read_csv(folder / "tables" / "main.csv")
    if as_json:
        for row in rows.to_dict(orient="records"):
            print_json_line({str(name): value for name, value in row.items()})
        return
    print_result_to_stdout(
        f"{format_paper_comparison_table(rows)}\n\n{summarize_verdicts(rows)}\nReport: {folder}"
    )


def is_folder_path(text: str) -> bool:
    """Return whether an argument is the path of a folder, not the name of a corpus."""
    is_path = "/" in text or text.startswith((".", "~"))
    return is_path and Path(text).expanduser().is_dir()


def run_and_print_folder_coverage_study(
    folder: Path, options: dict[str, Any], progress: Progress, as_json: bool
) -> None:
    """Run the coverage study on a folder, and print its tables; nothing is saved."""
    from core.studies.static_reader_coverage_study import (
        measure_reader_coverage_of_folder,  # Loads pandas, unlike --help.
    )

    result = measure_reader_coverage_of_folder(
        folder, fill_default_study_options(FOLDER_STUDY, options), progress
    )
    if as_json:
        for row in result.comparison.to_dict(orient="records"):
            print_json_line({"study": FOLDER_STUDY, **{str(k): v for k, v in row.items()}})
        return
    for table in result.tables:
        print_result_to_stdout(f"\n{table.title}. {table.caption}")
        rows = table.rows.head(MAX_PRINTED_ROWS).astype(object).itertuples(index=False)
        print_result_to_stdout(format_table(list(table.rows.columns), rows))
    times = result.comparison[result.comparison["measure"].str.startswith("Reading time")]
    for measure, milliseconds in zip(times["measure"], times["measured"]):
        print_result_to_stdout(f"- {measure}: {milliseconds:.0f}")
    for note in result.notes:
        print_result_to_stdout(f"- {note}")


def print_study_run(run: StudyRun, as_json: bool) -> None:
    """Print a run's numbers beside the paper's, and its notes."""
    comparison = run.load_paper_comparison()
    if as_json:
        for row in comparison.to_dict(orient="records"):
            print_json_line(
                {"study": run.study_name, "run": run.id, **{str(k): v for k, v in row.items()}}
            )
        return
    print_result_to_stdout(f"\n{run.metadata['title']}. {run.metadata['question']}")
    rows = comparison.astype(object).itertuples(index=False)
    print_result_to_stdout(format_table(list(comparison.columns), rows))
    for note in run.metadata["notes"]:
        print_result_to_stdout(f"- {note}")
    print_result_to_stdout(f"Saved as {run.id} in {run.path}.")
