"""Add programs from outside to a corpus."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from core.corpus import Corpus, program_importer
from core.errors import EarshotError
from core.progress import Progress, ignore_progress

PROGRESS_STEP = "Importing programs"
COMMIT_BATCH_SIZE = 500  # programs a commit
MAX_DISPLAYED_LINES = 20  # lines of a kind that a report shows


@dataclass(frozen=True)
class ImportReport:
    """What an import brought.

    Attributes
    ----------
    corpus_name : str
    programs_read : int
        Programs that were read.
    programs_added : int
        Of these, those that the corpus did not have.
    duplicates : dict of where to str
        Programs that were there already, or came twice: under which name.
    skipped : dict of where to str
        What could not be taken, and why.
    renamed : dict of where to str
        Programs whose name was taken: the name they have now.
    detected_encodings : dict of where to str
        Files that are not UTF-8, and as what they were read.
    """

    corpus_name: str
    programs_read: int
    programs_added: int
    duplicates: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    detected_encodings: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.corpus_name}: {self.programs_added} of {self.programs_read} programs are new"]
        for told, rows in (
            ("has the same code as", self.duplicates),
            ("was left out:", self.skipped),
            ("is now called", self.renamed),
            ("was read as", self.detected_encodings),
        ):
            lines += [f"{where} {told} {what}" for where, what in list(rows.items())[:MAX_DISPLAYED_LINES]]
            if len(rows) > MAX_DISPLAYED_LINES:
                lines.append(f"… and {len(rows) - MAX_DISPLAYED_LINES} more that {told} …")
        return "\n".join(lines)


def import_programs(
    corpus_name: str,
    path_or_bytes: str | Path | bytes,
    file_name: str | None = None,
    progress: Progress = ignore_progress,
    *,
    licence: str | None = None,
    seconds: float | None = None,
    audio_format: str | None = None,
) -> ImportReport:
    """Add programs to a corpus, which is made if it isn't there; render nothing yet.

    Parameters
    ----------
    corpus_name : str
    path_or_bytes : str, Path or bytes
        A folder of .rb files, a zip of them, a CSV or Parquet table with a column
        "source" (and perhaps name, template, role, seed, parameters), or one .rb
        file; or such a file's content.
    file_name : str, optional
        The file's name; needed with bytes.
    progress : Progress
    licence : str, optional
        Under which the programs may be used, for the data card.
    seconds, audio_format : optional
        Of a corpus that is made here, as `Corpus.create`.

    Raises
    ------
    EarshotError
        When nothing can be read from it, or somebody else is writing.
    """
    found = program_importer.read_programs(path_or_bytes, file_name)
    if not found.programs:
        first = next(iter(found.skipped.items()), None)
        raise EarshotError(
            "No program was found there." + (f" {first[0]}: {first[1]}" if first else ""),
            remedy=f"Give {program_importer.SUPPORTED_INPUTS}.",
        )
    options = {"seconds": seconds, "audio_format": audio_format}
    given = {key: value for key, value in options.items() if value is not None}
    corpus = Corpus.create(corpus_name, exist_ok=True, **given)
    origin = str(file_name or path_or_bytes) if not isinstance(path_or_bytes, bytes) else str(file_name)
    with corpus.lock_for_writing(f"import {corpus_name}"):
        before = {row.program: row.name for row in corpus.load_programs().itertuples()}
        added = _add_in_batches(corpus, found, _make_origin_record(origin, licence), progress)
        after = {row.program: row.name for row in corpus.load_programs().itertuples()}
    return _make_report(corpus_name, found, added, before, after)


def _add_in_batches(
    corpus: Corpus, import_result: program_importer.ImportResult, origin: dict[str, str], progress: Progress
) -> int:
    programs = [program for _, program in import_result.programs]
    progress(PROGRESS_STEP, 0, len(programs))
    added = 0
    for start in range(0, len(programs), COMMIT_BATCH_SIZE):
        added += corpus.add_programs(programs[start : start + COMMIT_BATCH_SIZE], origin)
        progress(PROGRESS_STEP, min(start + COMMIT_BATCH_SIZE, len(programs)), len(programs))
    return added


def _make_origin_record(origin_name: str, licence: str | None) -> dict[str, str]:
    """What the data card says of where programs came from."""
    return {
        "from": Path(origin_name).name,
        "licence": licence or "",
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _make_report(
    corpus_name: str,
    import_result: program_importer.ImportResult,
    programs_added: int,
    names_before: dict[str, str],
    names_after: dict[str, str],
) -> ImportReport:
    duplicates, renamed, seen = {}, {}, set()
    for where, program in import_result.programs:
        if program.id in names_before or program.id in seen:
            duplicates[where] = names_after[program.id]
        elif names_after[program.id] != program.name:
            renamed[where] = names_after[program.id]
        seen.add(program.id)
    return ImportReport(
        corpus_name=corpus_name,
        programs_read=len(import_result.programs),
        programs_added=programs_added,
        duplicates=duplicates,
        skipped=import_result.skipped,
        renamed=renamed,
        detected_encodings=import_result.detected_encodings,
    )
