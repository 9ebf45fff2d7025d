"""Survey of programs: which of them sound, and what the others lack."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core import sonicpi
from core.clip_length_limits import DEFAULT_CLIP_SECONDS
from core.corpus import imported_program_file_reader
from core.errors import EarshotError
from core.pipeline.executors import Executor, LocalExecutor
from core.pipeline.render_outcome_classification import (
    OUTCOMES,
    SILENT,
    SOUND,
    Classification,
    MissingName,
    classify_render_result,
)
from core.progress_callback import Progress, ignore_progress
from core.sonicpi import DEFAULT_SONIC_PI, RenderProblem, RenderResult

PROGRESS_STEP = "Rendering programs"


@dataclass(frozen=True)
class SurveyOptions:
    """Settings of a survey.

    Attributes
    ----------
    seconds : float
        Length of each clip.
    sample_folders : tuple of Path
        Folders of samples that the programs may read, at their own paths.
    is_strict : bool
        Whether a program of which a thread ended with an error counts as failed.
    workers : int or None
        Number of processes. None: one per core.
    sonic_pi : {"3.2", "5"}
        Version of Sonic Pi whose sound the clips have.
    """

    seconds: float = DEFAULT_CLIP_SECONDS
    sample_folders: tuple[Path, ...] = ()
    is_strict: bool = False
    workers: int | None = None
    sonic_pi: str = DEFAULT_SONIC_PI

    def compute_survey_finding_key(self, source: str) -> str:
        """Return an id of a program under these settings; equal ids have equal findings."""
        render_id = sonicpi.compute_render_id(source, self.seconds, sonic_pi=self.sonic_pi)
        fields = (render_id, *map(str, self.sample_folders), self.is_strict)
        return hashlib.sha256("\0".join(map(str, fields)).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class SurveyFinding:
    """What the survey found about one program.

    Attributes
    ----------
    program : str
        The file of the program within the folder, or its row in a table.
    classification : Classification
    key : str
        As of `SurveyOptions.compute_survey_finding_key`; "" for a file that holds no program.
    """

    program: str
    classification: Classification
    key: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return the finding as one flat row."""
        classification = self.classification
        return {
            "program": self.program,
            "outcome": classification.outcome,
            "cause": classification.cause,
            "line": classification.line,
            "message": classification.message,
            "missing": [f"{item.cause}: {item.name}" for item in classification.missing_names],
        }


@dataclass(frozen=True)
class SurveyReport:
    """All findings of a survey, and their counts.

    Attributes
    ----------
    findings : list of SurveyFinding
    program_count : int
        Number of programs of the survey; more than the findings after an interruption.
    """

    findings: list[SurveyFinding] = field(default_factory=list)
    program_count: int = 0

    def count_programs_by_outcome(self) -> dict[str, int]:
        """Return the number of programs by outcome."""
        counts = Counter(finding.classification.outcome for finding in self.findings)
        return {outcome: counts[outcome] for outcome in OUTCOMES}

    def count_programs_by_cause(self) -> dict[str, dict[str, int]]:
        """Return the number of programs by cause and outcome, most frequent cause first."""
        counts: dict[str, Counter[str]] = {}
        for finding in self.findings:
            if finding.classification.cause:
                by_outcome = counts.setdefault(finding.classification.cause, Counter())
                by_outcome[finding.classification.outcome] += 1
        ordered = sorted(counts.items(), key=lambda item: (-item[1].total(), item[0]))
        return {
            cause: {outcome: by_outcome[outcome] for outcome in OUTCOMES if outcome != SOUND}
            for cause, by_outcome in ordered
        }

    def count_missing_names(self, max_count: int = 20) -> list[tuple[MissingName, int]]:
        """Return the names that most programs miss, with the number of programs."""
        counts = Counter(
            name for finding in self.findings for name in finding.classification.missing_names
        )
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0].cause, item[0].name))
        return ordered[:max_count]


def survey_programs(
    paths: Sequence[str | Path],
    options: SurveyOptions | None = None,
    *,
    receive_finding: Callable[[SurveyFinding], None] | None = None,
    earlier_findings: Mapping[str, SurveyFinding] | None = None,
    executor: Executor | None = None,
    progress: Progress = ignore_progress,
) -> SurveyReport:
    """Render programs and find out which of them sound.

    Parameters
    ----------
    paths : sequence of str or Path
        Folders, files, zips or tables of programs, as `import_programs` reads them.
    options : SurveyOptions, optional
    receive_finding : callable, optional
        Called with each finding as soon as it is known, in order of completion.
    earlier_findings : mapping of str to SurveyFinding, optional
        Findings of an earlier survey by key; these programs are not rendered again.
    executor : Executor, optional
        Default: processes on this machine.
    progress : Progress

    Returns
    -------
    SurveyReport
        Findings in the order of the programs.

    Raises
    ------
    EarshotError
        When a path cannot be read, no program is found, or the renderer cannot start.

    Examples
    --------
    >>> _ = Path("beep.rb").write_text("play 60")
    >>> survey_programs(["beep.rb"], SurveyOptions(seconds=1)).count_programs_by_outcome()
    {'sound': 1, 'partial': 0, 'silent': 0, 'failed': 0}
    """
    options = options or SurveyOptions()
    programs, unreadable = read_surveyed_programs(paths)
    if not programs and not unreadable:
        raise EarshotError(
            "No program was found.", remedy=f"Give {imported_program_file_reader.SUPPORTED_INPUTS}."
        )
    total = len(programs) + len(unreadable)
    findings: dict[str, SurveyFinding] = {}
    progress(PROGRESS_STEP, 0, total)
    for finding in _iterate_survey_findings(
        programs, unreadable, options, earlier_findings, executor
    ):
        findings[finding.program] = finding
        if receive_finding:
            receive_finding(finding)
        note = _format_survey_progress_note(finding)
        progress(PROGRESS_STEP, len(findings), total, note)
    ordered = [findings[name] for name in (*programs, *unreadable)]
    return SurveyReport(ordered, total)


def read_surveyed_programs(paths: Iterable[str | Path]) -> tuple[dict[str, str], dict[str, str]]:
    """Read the programs of a survey.

    Returns
    -------
    programs : dict of str to str
        Source by name: the file within its folder, or its row in a table.
    unreadable : dict of str to str
        Reason by name of each file that holds no program.

    Raises
    ------
    EarshotError
        When a path cannot be read.
    """
    paths = list(paths)
    programs: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for path in paths:
        prefix = f"{path}/" if len(paths) > 1 and Path(path).is_dir() else ""
        result = imported_program_file_reader.read_imported_programs(path)
        programs.update({f"{prefix}{name}": program.source for name, program in result.programs})
        unreadable.update({f"{prefix}{name}": reason for name, reason in result.skipped.items()})
    return programs, unreadable


def _iterate_survey_findings(
    programs: Mapping[str, str],
    unreadable: Mapping[str, str],
    options: SurveyOptions,
    earlier_findings: Mapping[str, SurveyFinding] | None,
    executor: Executor | None,
) -> Iterator[SurveyFinding]:
    """Yield the finding of every program; programs with the same source are rendered once."""
    for name, reason in unreadable.items():
        yield SurveyFinding(name, _classify_unreadable_file(reason))
    names_by_source: dict[str, list[str]] = {}
    for name, source in programs.items():
        names_by_source.setdefault(source, []).append(name)
    to_render: list[str] = []
    for source, names in names_by_source.items():
        earlier = (earlier_findings or {}).get(options.compute_survey_finding_key(source))
        if earlier is None:
            to_render.append(source)
            continue
        for name in names:
            yield SurveyFinding(name, earlier.classification, earlier.key)
    if not to_render:
        return
    executor = executor or LocalExecutor(options.workers, options.sample_folders)
    with executor.render_programs(to_render, options.seconds, options.sonic_pi) as results:
        for index, result in results:
            source = to_render[index]
            classification = classify_render_result(result, is_strict=options.is_strict)
            for name in names_by_source[source]:
                yield SurveyFinding(
                    name, classification, options.compute_survey_finding_key(source)
                )


def _classify_unreadable_file(reason: str) -> Classification:
    """Classify a file that the reader skipped: an empty one is silent, another has failed."""
    kind = "silent" if reason.startswith("it is empty") else "unreadable"
    return classify_render_result(RenderResult(None, RenderProblem(kind, reason)))


def _format_survey_progress_note(finding: SurveyFinding) -> str:
    classification = finding.classification
    return (
        f"{finding.program}: {classification.message}"
        if classification.outcome not in (SOUND, SILENT)
        else ""
    )
