"""Import of programs from files into a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from core.corpus import Corpus, imported_program_file_reader
from core.errors import EarshotError
from core.pipeline.generate_render_and_embed_corpus import ClipFormat, open_or_create_corpus
from core.pipeline.user_sample_folders import set_corpus_sample_folders, validate_sample_folder
from core.progress_callback import Progress, ignore_progress
from core.search.alignment_choice_for_other_corpora import choose_prediction_alignment

PROGRESS_STEP = "Importing programs"
MIN_TRAINING_PROGRAMS = 12
"""As of `core.pipeline.train_and_evaluate_alignment`, which loads torch."""
COMMIT_BATCH_SIZE = 500
"""Programs per commit."""
MAX_DISPLAYED_LINES = 20
"""Lines of each kind that a report shows."""


@dataclass(frozen=True)
class ImportReport:
    """Result of an import of programs.

    Attributes
    ----------
    corpus_name : str
    programs_read : int
    programs_added : int
        Programs that the corpus did not have.
    duplicates : dict of location to str
        Programs that the corpus had already or that were read twice, with the name in the corpus.
    skipped : dict of location to str
        Programs that could not be imported, with the reason.
    renamed : dict of location to str
        Programs whose name was taken, with the new name.
    detected_encodings : dict of location to str
        Files that are not UTF-8, with the encoding as which they were read.
    """

    corpus_name: str
    programs_read: int
    programs_added: int
    duplicates: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    detected_encodings: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"{self.corpus_name}: {self.programs_added} of {self.programs_read} programs are new"
        ]
        for verb, details in (
            ("has the same code as", self.duplicates),
            ("was skipped:", self.skipped),
            ("was renamed to", self.renamed),
            ("was read as", self.detected_encodings),
        ):
            shown = list(details.items())[:MAX_DISPLAYED_LINES]
            lines += [f"{location} {verb} {detail}" for location, detail in shown]
            if len(details) > MAX_DISPLAYED_LINES:
                lines.append(f"… and {len(details) - MAX_DISPLAYED_LINES} more that {verb} …")
        return "\n".join(lines)


def import_programs(
    corpus_name: str,
    path_or_bytes: str | Path | bytes,
    file_name: str | None = None,
    progress: Progress = ignore_progress,
    *,
    licence: str | None = None,
    clip_format: ClipFormat | None = None,
    sample_folders: Sequence[str | Path] = (),
) -> ImportReport:
    """Add programs to a corpus, which is created if missing, without rendering them.

    Parameters
    ----------
    corpus_name : str
    path_or_bytes : str, Path or bytes
        A folder of .rb files, a zip of them, a CSV or Parquet table with a column "source" (and
        optionally name, template, role, seed, parameters), or one .rb file; or the content of
        such a file.
    file_name : str, optional
        Name of the file; required with bytes.
    progress : Progress
    licence : str, optional
        Licence of the programs, for the data card.
    clip_format : ClipFormat, optional
        Of a new corpus.
    sample_folders : sequence of str or Path
        Folders of own samples that the programs may read when they are rendered.

    Raises
    ------
    EarshotError
        When no program can be read, another process is writing, or a folder holds no samples.
    """
    import_result = imported_program_file_reader.read_imported_programs(path_or_bytes, file_name)
    if not import_result.programs:
        first = next(iter(import_result.skipped.items()), None)
        raise EarshotError(
            "No program was found there." + (f" {first[0]}: {first[1]}" if first else ""),
            # Where rows or files were refused, their reason says what to change.
            remedy=None if first else f"Give {imported_program_file_reader.SUPPORTED_INPUTS}.",
        )
    for folder in sample_folders:  # Before a corpus is created.
        validate_sample_folder(folder)
    corpus = open_or_create_corpus(corpus_name, clip_format or ClipFormat())
    if sample_folders:
        set_corpus_sample_folders(corpus, sample_folders)
    origin_name = file_name if isinstance(path_or_bytes, bytes) else file_name or path_or_bytes
    with corpus.lock_for_writing(f"import {corpus_name}"):
        names_before = _load_program_names(corpus)
        programs_added = _add_programs_in_batches(
            corpus, import_result, _build_import_origin_record(str(origin_name), licence), progress
        )
        names_after = _load_program_names(corpus)
    return _build_import_report(
        corpus_name, import_result, programs_added, names_before, names_after
    )


def describe_search_without_training(corpus: Corpus) -> str:
    """Describe how to search a corpus that has too few clips to train on; "" if it has enough."""
    clip_count = corpus.count_programs_by_state()["ok"]
    if not 0 < clip_count < MIN_TRAINING_PROGRAMS:
        return ""
    choice = choose_prediction_alignment([corpus])
    count_text = f"{clip_count} clip{'' if clip_count == 1 else 's'}"
    if choice is None:
        return (
            f"{count_text}: too few to train on, but enough to search with the alignment of another"
            " corpus. To make one: ./run build starter, then ./run train starter"
        )
    return (
        f"{count_text}: too few to train on. Search them with the alignment of another corpus, or"
        f" together with it: ./run neighbours {corpus.name} --snippet my.rb"
    )


def _load_program_names(corpus: Corpus) -> dict[str, str]:
    """Return the name of each program by its id."""
    programs = corpus.load_programs()
    return dict(zip(programs["program"], programs["name"]))


def _add_programs_in_batches(
    corpus: Corpus,
    import_result: imported_program_file_reader.ImportResult,
    origin: dict[str, str],
    progress: Progress,
) -> int:
    programs = [program for _, program in import_result.programs]
    progress(PROGRESS_STEP, 0, len(programs))
    added = 0
    for start in range(0, len(programs), COMMIT_BATCH_SIZE):
        added += corpus.add_programs(programs[start : start + COMMIT_BATCH_SIZE], origin)
        progress(PROGRESS_STEP, min(start + COMMIT_BATCH_SIZE, len(programs)), len(programs))
    return added


def _build_import_origin_record(origin_name: str, licence: str | None) -> dict[str, str]:
    """Return where programs came from, as the data card reports it."""
    return {
        "from": Path(origin_name).name,
        "licence": licence or "",
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _build_import_report(
    corpus_name: str,
    import_result: imported_program_file_reader.ImportResult,
    programs_added: int,
    names_before: dict[str, str],
    names_after: dict[str, str],
) -> ImportReport:
    duplicates: dict[str, str] = {}
    renamed: dict[str, str] = {}
    seen_ids: set[str] = set()
    for location, program in import_result.programs:
        if program.id in names_before or program.id in seen_ids:
            duplicates[location] = names_after[program.id]
        elif names_after[program.id] != program.name:
            renamed[location] = names_after[program.id]
        seen_ids.add(program.id)
    return ImportReport(
        corpus_name=corpus_name,
        programs_read=len(import_result.programs),
        programs_added=programs_added,
        duplicates=duplicates,
        skipped=import_result.skipped,
        renamed=renamed,
        detected_encodings=import_result.detected_encodings,
    )
