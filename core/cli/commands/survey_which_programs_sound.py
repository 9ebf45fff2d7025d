"""Render a folder of programs and list which sound, and why the others do not.

PATH is a folder of .rb files, a .rb file, a zip, or a CSV or Parquet table with a column "source".
Each program is one of:

  sound    it sounds, and nothing is missing
  partial  it sounds, but a thread ended with an error, or a sample, synth or cue was missing
  silent   it ends without an error, and without sound
  failed   it has an error and no sound

An interrupted survey prints the summary of the programs that it has rendered.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.argument_parsing import (
    SONIC_PI_CHOICES,
    add_json_option,
    add_sandbox_option,
    add_sonic_pi_option,
    parse_duration_seconds,
    parse_positive_int,
)
from core.cli.terminal_output import print_json_line, print_result_to_stdout
from core.clip_length_limits import DEFAULT_CLIP_SECONDS
from core.errors import EarshotError
from core.progress_callback import Progress
from core.text_formatting import format_table, pluralize

if TYPE_CHECKING:
    from core.pipeline.program_survey import SurveyFinding, SurveyOptions, SurveyReport

IS_LONG_RUNNING = False
MAX_MESSAGE_CHARS = 160


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="folder, .rb file, .zip, .csv or .parquet"
    )
    parser.add_argument(
        "--seconds",
        type=parse_duration_seconds,
        default=DEFAULT_CLIP_SECONDS,
        metavar="S",
        help="length of the clips (18)",
    )
    parser.add_argument(
        "--samples",
        "--sample-folder",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="DIR",
        help="folders of audio files that the programs can play",
    )
    parser.add_argument(
        "--workers", type=parse_positive_int, metavar="N", help="processes (one per core)"
    )
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="also write one row per program, as it is known"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="do not render programs again that the file of --csv holds already",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="count a program as failed if a thread ends with an error; exit with 1 if any failed",
    )
    add_sonic_pi_option(parser, SONIC_PI_CHOICES[0], "the clips")
    add_json_option(parser, "print one JSON line per program as it is known, then a summary line")
    add_sandbox_option(parser)


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """Render the programs, print the finding of each, then the summary."""
    from core.pipeline import program_survey, survey_findings_csv

    if args.resume and args.csv is None:
        raise EarshotError("--resume needs the table of the survey.", remedy="Name it with --csv.")
    options = _build_survey_options(args)
    earlier = survey_findings_csv.read_survey_table(args.csv) if args.resume else {}
    table = survey_findings_csv.open_survey_table(args.csv) if args.csv else nullcontext()
    findings: list[SurveyFinding] = []
    program_count = 0

    def record_program_count_and_forward_progress(
        step: str, done: int, total: int, note: str = "", data: dict | None = None
    ) -> None:
        nonlocal program_count
        program_count = total
        progress(step, done, total, note, data)

    with table as write_row:

        def record_and_print_survey_finding(finding: SurveyFinding) -> None:
            findings.append(finding)
            if write_row:
                write_row(finding)
            if args.json:
                print_json_line(finding.to_dict())

        try:
            report = program_survey.survey_programs(
                args.paths,
                options,
                receive_finding=record_and_print_survey_finding,
                earlier_findings=earlier,
                progress=record_program_count_and_forward_progress,
            )
        except KeyboardInterrupt:
            partial_report = program_survey.SurveyReport(
                sorted(findings, key=_get_name_of_surveyed_program), program_count
            )
            _print_survey_report(partial_report, options, is_json=args.json)
            raise
    _print_survey_report(report, options, is_json=args.json)
    failed = report.count_programs_by_outcome()["failed"]
    if args.strict and failed:
        raise EarshotError(f"{failed} of {pluralize(report.program_count, 'program')} failed.")


def _build_survey_options(args: argparse.Namespace) -> SurveyOptions:
    from core.pipeline.program_survey import SurveyOptions

    folders = tuple(folder.resolve() for folder in args.samples)
    for folder, argument in zip(folders, args.samples, strict=True):
        if not folder.is_dir():
            raise EarshotError("There is no such folder of samples.", where=str(argument))
    return SurveyOptions(args.seconds, folders, args.strict, args.workers, args.sonic_pi)


def _get_name_of_surveyed_program(finding: SurveyFinding) -> str:
    return finding.program


def _print_survey_report(report: SurveyReport, options: SurveyOptions, *, is_json: bool) -> None:
    if is_json:
        print_json_line(_summarize_survey_as_json(report, options))
    else:
        for text in _format_survey_report(report, options):
            print_result_to_stdout(text)


def _summarize_survey_as_json(report: SurveyReport, options: SurveyOptions) -> dict[str, object]:
    return {
        "programs": report.program_count,
        "is_complete": len(report.findings) == report.program_count,
        "seconds": options.seconds,
        "outcomes": report.count_programs_by_outcome(),
        "causes": report.count_programs_by_cause(),
        "missing": [
            {"cause": item.cause, "name": item.name, "programs": count}
            for item, count in report.count_missing_names()
        ],
    }


def _format_survey_report(report: SurveyReport, options: SurveyOptions) -> list[str]:
    """Return the tables of programs, missing names and causes, then the sum."""
    from core.pipeline.render_outcome_classification import DESCRIPTION_BY_CAUSE

    texts = []
    rows = [
        (finding.program, found.outcome, found.cause, found.line, _truncate_message(found.message))
        for finding in report.findings
        if (found := finding.classification).outcome != "sound"
    ]
    if rows:
        texts += [format_table(("program", "", "cause", "line", "message"), rows), ""]
    missing = report.count_missing_names()
    if missing:
        names = [(_truncate_message(item.name), item.cause, count) for item, count in missing]
        texts += [format_table(("missing most often", "cause", "programs"), names), ""]
    causes = [
        (cause, DESCRIPTION_BY_CAUSE[cause], *counts.values())
        for cause, counts in report.count_programs_by_cause().items()
    ]
    if causes:
        headers = ("cause", "what the program lacks", "partial", "silent", "failed")
        texts += [format_table(headers, causes), ""]
    return [*texts, _format_survey_totals(report, options)]


def _format_survey_totals(report: SurveyReport, options: SurveyOptions) -> str:
    counts = report.count_programs_by_outcome()
    audible = counts["sound"] + counts["partial"]
    unfinished = report.program_count - len(report.findings)
    text = (
        f"{pluralize(len(report.findings), 'program')} of {options.seconds:g} s: {audible} sound"
        f" ({counts['sound']} whole, {counts['partial']} in part), {counts['silent']} silent,"
        f" {counts['failed']} failed."
    )
    return f"{text} {unfinished} were not rendered." if unfinished else text


def _truncate_message(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE_CHARS else f"{text[: MAX_MESSAGE_CHARS - 1]}…"
