"""Add programs from outside to a corpus."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from core.corpus import Corpus, program_importer
from core.errors import EarshotError
from core.progress import Progress, silent

STEP = "Importing programs"
BLOCK = 500  # programs a commit
SHOWN = 20  # lines of a kind that a report shows


@dataclass(frozen=True)
class ImportReport:
    """What an import brought.

    Attributes
    ----------
    corpus : str
    found : int
        Programs that were read.
    added : int
        Of these, those that the corpus did not have.
    duplicates : dict of where to str
        Programs that were there already, or came twice: under which name.
    skipped : dict of where to str
        What could not be taken, and why.
    renamed : dict of where to str
        Programs whose name was taken: the name they have now.
    recoded : dict of where to str
        Files that are not UTF-8, and as what they were read.
    """

    corpus: str
    found: int
    added: int
    duplicates: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    recoded: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.corpus}: {self.added} of {self.found} programs are new"]
        for told, rows in (
            ("has the same code as", self.duplicates),
            ("was left out:", self.skipped),
            ("is now called", self.renamed),
            ("was read as", self.recoded),
        ):
            lines += [f"{where} {told} {what}" for where, what in list(rows.items())[:SHOWN]]
            if len(rows) > SHOWN:
                lines.append(f"… and {len(rows) - SHOWN} more that {told} …")
        return "\n".join(lines)


def import_programs(
    corpus_name: str,
    what: str | Path | bytes,
    name: str | None = None,
    progress: Progress = silent,
    *,
    licence: str | None = None,
    seconds: float | None = None,
    audio_format: str | None = None,
) -> ImportReport:
    """Add programs to a corpus, which is made if it isn't there; render nothing yet.

    Parameters
    ----------
    corpus_name : str
    what : str, Path or bytes
        A folder of .rb files, a zip of them, a CSV or Parquet table with a column
        "source" (and perhaps name, template, role, seed, parameters), or one .rb
        file; or such a file's content.
    name : str, optional
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
    found = program_importer.read(what, name)
    if not found.programs:
        first = next(iter(found.skipped.items()), None)
        raise EarshotError(
            "No program was found there." + (f" {first[0]}: {first[1]}" if first else ""),
            remedy=f"Give {program_importer.KINDS}.",
        )
    options = {"seconds": seconds, "audio_format": audio_format}
    given = {key: value for key, value in options.items() if value is not None}
    corpus = Corpus.create(corpus_name, exist_ok=True, **given)
    origin = str(name or what) if not isinstance(what, bytes) else str(name)
    with corpus.writing(f"import {corpus_name}"):
        before = {row.program: row.name for row in corpus.programs().itertuples()}
        added = _add(corpus, found, _origin(origin, licence), progress)
        after = {row.program: row.name for row in corpus.programs().itertuples()}
    return _report(corpus_name, found, added, before, after)


def _add(
    corpus: Corpus, found: program_importer.Intake, origin: dict[str, str], progress: Progress
) -> int:
    programs = [program for _, program in found.programs]
    progress(STEP, 0, len(programs))
    added = 0
    for start in range(0, len(programs), BLOCK):
        added += corpus.add_programs(programs[start : start + BLOCK], origin)
        progress(STEP, min(start + BLOCK, len(programs)), len(programs))
    return added


def _origin(origin: str, licence: str | None) -> dict[str, str]:
    """What the data card says of where programs came from."""
    return {
        "from": Path(origin).name,
        "licence": licence or "",
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _report(
    corpus_name: str,
    found: program_importer.Intake,
    added: int,
    before: dict[str, str],
    after: dict[str, str],
) -> ImportReport:
    duplicates, renamed, seen = {}, {}, set()
    for where, program in found.programs:
        if program.id in before or program.id in seen:
            duplicates[where] = after[program.id]
        elif after[program.id] != program.name:
            renamed[where] = after[program.id]
        seen.add(program.id)
    return ImportReport(
        corpus=corpus_name,
        found=len(found.programs),
        added=added,
        duplicates=duplicates,
        skipped=found.skipped,
        renamed=renamed,
        recoded=found.recoded,
    )
