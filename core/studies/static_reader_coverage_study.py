"""Coverage study: the static reader's sounds against the rendered score."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.programs.source_decoding import decode_source
from core.progress_callback import Progress
from core.sonicpi.interpreter import ProgramInterpreter, parse_program
from core.sonicpi.score_events import ScoreEvent, parse_score_events_from_osc_messages
from core.sonicpi.single_render import RenderError, collect_osc_messages
from core.studies.static_and_rendered_score_comparison import (
    CRITERIA,
    MatchCounts,
    compare_reader_with_rendered_score,
)
from core.studies.study_result import (
    Measurement,
    StudyResult,
    StudyTable,
    compare_measurements_to_paper,
)

PROGRESS_STEP = "Comparing scores"
MAX_FILE_BYTES = 200_000
HEADLINE_CRITERION = "synth or sample"


@dataclass(frozen=True)
class ProgramCoverage:
    """Comparison of one program.

    Attributes
    ----------
    name : str
    counts : dict of str to MatchCounts
        By criterion of `core.studies.static_and_rendered_score_comparison.CRITERIA`.
    reading_seconds : float
        Time from the source to its sounds.
    """

    name: str
    counts: dict[str, MatchCounts]
    reading_seconds: float


def compute_study_result(
    corpus: Corpus, options: Mapping[str, Any], progress: Progress
) -> StudyResult:
    """Compare the reader with the score for programs of a corpus that have a clip."""
    programs = corpus.load_programs()
    programs = programs[programs["state"] == "ok"]
    sources = dict(zip(programs["name"], programs["source"]))
    return measure_reader_coverage(
        sources, options["max_programs"], f"corpus {corpus.name}", progress
    )


def measure_reader_coverage_of_folder(
    folder: Path, options: Mapping[str, Any], progress: Progress
) -> StudyResult:
    """Compare the reader with the score for the programs (``*.rb``) of a folder.

    Raises
    ------
    EarshotError
        When the folder has no programs.
    """
    sources = {}
    for path in sorted(folder.rglob("*.rb")):
        name = str(path.relative_to(folder))
        if path.is_file() and path.stat().st_size <= MAX_FILE_BYTES:
            try:
                sources[name] = decode_source(path.read_bytes(), name)
            except EarshotError:
                continue
    if not sources:
        raise EarshotError(
            "There are no programs (*.rb).",
            where=str(folder),
            remedy="Give the name of a corpus, or a folder of programs.",
        )
    return measure_reader_coverage(sources, options["max_programs"], f"folder {folder}", progress)


def measure_reader_coverage(
    sources: Mapping[str, str], max_programs: int, origin: str, progress: Progress
) -> StudyResult:
    """Compare the reader's sounds with the rendered score of each program.

    Parameters
    ----------
    sources : mapping of str to str
        Programs by name.
    max_programs : int
        Of more programs, as many are taken at even distances.
    origin : str
        Where the programs come from, for the settings.
    progress : Progress
    """
    names = list(sources)
    rows = np.unique(np.linspace(0, len(names) - 1, min(len(names), max(1, max_programs))).round())
    names = [names[int(row)] for row in rows]
    coverages, failures = [], []
    for done, name in enumerate(names):
        progress(PROGRESS_STEP, done, len(names), name)
        try:
            rendered = parse_score_events_from_osc_messages(collect_osc_messages(sources[name]))
        except RenderError as error:
            failures.append((name, str(error)))
            continue
        coverages.append(_compare_reader_with_score(name, sources[name], rendered))
    progress(PROGRESS_STEP, len(names), len(names))
    if not coverages:
        raise EarshotError(
            f"None of {len(names)} programs can be rendered.",
            where=origin,
            remedy=failures[0][1] if failures else None,
        )
    return _build_coverage_result(coverages, failures, origin)


def _compare_reader_with_score(
    name: str, source: str, rendered: list[ScoreEvent]
) -> ProgramCoverage:
    started = time.perf_counter()
    events = ProgramInterpreter(parse_program(source)).events
    seconds = time.perf_counter() - started
    return ProgramCoverage(name, compare_reader_with_rendered_score(events, rendered), seconds)


def _build_coverage_result(
    coverages: Sequence[ProgramCoverage], failures: Sequence[tuple[str, str]], origin: str
) -> StudyResult:
    totals = {
        criterion: sum((coverage.counts[criterion] for coverage in coverages), MatchCounts())
        for criterion in CRITERIA
    }
    split = f"{len(coverages)} programs"
    measurements = [
        Measurement(f"{label}, {criterion}", value, split, has_verdict=False)
        for criterion, counts in totals.items()
        for label, value in (("Recall", counts.recall), ("Precision", counts.precision))
    ]
    milliseconds = [1000 * coverage.reading_seconds for coverage in coverages]
    measurements += [
        Measurement("Reading time, median, ms", float(np.median(milliseconds)), split),
        Measurement("Reading time, slowest, ms", max(milliseconds), split),
    ]
    return StudyResult(
        comparison=compare_measurements_to_paper(measurements),
        tables=[
            StudyTable(
                "totals",
                "All programs",
                _build_coverage_totals_table(totals),
                "Sounds of all programs. Each criterion includes those above it: onset within"
                " 10 ms, synth or sample, MIDI note.",
            ),
            StudyTable(
                "programs",
                "Worst programs first",
                _build_program_coverage_table(coverages),
                "Sounds in the first 18 s, matched by onset and synth or sample. Wrong: sounds that"
                " only one of the two has. Time in milliseconds.",
            ),
        ],
        notes=_write_coverage_findings(totals[HEADLINE_CRITERION], coverages, failures),
        settings={"programs": origin, "failed": [name for name, _ in failures]},
    )


def _build_coverage_totals_table(totals: Mapping[str, MatchCounts]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (name, c.rendered, c.read, c.matched, round(c.recall, 3), round(c.precision, 3))
            for name, c in totals.items()
        ],
        columns=["criterion", "rendered", "read", "matched", "recall", "precision"],
    )


def _build_program_coverage_table(coverages: Sequence[ProgramCoverage]) -> pd.DataFrame:
    rows = []
    for coverage in coverages:
        counts = coverage.counts[HEADLINE_CRITERION]
        wrong = counts.rendered + counts.read - 2 * counts.matched
        milliseconds = round(1000 * coverage.reading_seconds, 1)
        values = (counts.rendered, counts.read, counts.matched, wrong, milliseconds)
        rows.append((coverage.name, *values))
    columns = ["program", "rendered", "read", "matched", "wrong", "ms"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["wrong", "program"], ascending=[False, True], ignore_index=True)


def _write_coverage_findings(
    counts: MatchCounts,
    coverages: Sequence[ProgramCoverage],
    failures: Sequence[tuple[str, str]],
) -> list[str]:
    notes = [
        f"The reader found {counts.recall:.1%} of {counts.rendered} rendered sounds;"
        f" {counts.precision:.1%} of its {counts.read} sounds are in the score."
    ]
    unread = [
        coverage.name
        for coverage in coverages
        if coverage.counts["onset"].rendered and not coverage.counts["onset"].read
    ]
    if unread:
        notes.append(f"{len(unread)} programs sound and were read as silent: {unread[0]}.")
    if failures:
        notes.append(f"{len(failures)} programs cannot be rendered and are left out.")
    return notes
