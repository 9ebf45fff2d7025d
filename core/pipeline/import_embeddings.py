"""Import of embeddings that were computed elsewhere, for programs of a corpus."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.corpus import Corpus
from core.corpus.imported_embedding_table_reader import VectorTable, read_imported_embeddings
from core.corpus.imported_program_file_reader import read_file_bytes_within_import_limit
from core.encoders import find_encoder_spec
from core.encoders.imported_embeddings_spec import make_imported_encoder_id
from core.errors import EarshotError
from core.progress_callback import Progress, ignore_progress
from core.workspace import require_writable_workspace

PROGRESS_STEP = "Importing vectors"
COMMIT_BATCH_SIZE = 500
"""Vectors per commit."""
MAX_DISPLAYED_LINES = 20
"""Lines of each kind that a report shows."""


@dataclass(frozen=True)
class VectorImportReport:
    """Result of an import of vectors.

    Attributes
    ----------
    corpus_name : str
    encoder_id : str
        The id under which the corpus stores the vectors; `train` takes it as an encoder.
    vectors_read : int
    vectors_added : int
        Vectors that the corpus did not have.
    dimensions : int
    unknown_programs : list of str
        Programs of the table that the corpus does not have, as the table names them.
    programs_without_vector : int
        Programs of the corpus that still lack a vector.
    skipped : dict of location to str
        Rows that could not be imported, with the reason.
    warnings : list of str
        Why a training on these vectors may learn nothing, one sentence each.
    """

    corpus_name: str
    encoder_id: str
    vectors_read: int
    vectors_added: int
    dimensions: int
    unknown_programs: list[str] = field(default_factory=list)
    programs_without_vector: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"{self.corpus_name}: {self.vectors_added} of {self.vectors_read} vectors of"
            f" {self.dimensions} dimensions are new, as {self.encoder_id}"
        ]
        if self.programs_without_vector:
            lines.append(
                f"{self.programs_without_vector} programs of the corpus have none; a training on"
                " these vectors leaves them out"
            )
        lines += [f"Warning: {warning}" for warning in self.warnings]
        unknown = self.unknown_programs[:MAX_DISPLAYED_LINES]
        skipped = list(self.skipped.items())[:MAX_DISPLAYED_LINES]
        lines += [f"{name[:80]!r} is no program of the corpus" for name in unknown]
        lines += [f"{location} was skipped: {reason}" for location, reason in skipped]
        hidden_count = len(self.unknown_programs) - len(unknown) + len(self.skipped) - len(skipped)
        return "\n".join(lines + ([f"… and {hidden_count} more"] if hidden_count else []))


def import_external_embeddings(
    corpus: Corpus,
    path_or_bytes: str | Path | bytes,
    modality: str,
    vectors_name: str,
    progress: Progress = ignore_progress,
    *,
    file_name: str | None = None,
    vector_column: str | None = None,
) -> VectorImportReport:
    """Store vectors that were computed elsewhere as embeddings of a corpus's programs.

    Parameters
    ----------
    corpus : Corpus
    path_or_bytes : str, Path or bytes
        A CSV or Parquet table, or its content, with one row per program: a column "program",
        "source" or "name" identifies the program, another column holds the vectors. See
        `core.corpus.imported_embedding_table_reader`.
    modality : {"code", "audio"}
        What the vectors embed.
    vectors_name : str
        The corpus stores the vectors as the encoder ``own/MODALITY/NAME``.
    progress : Progress
    file_name : str, optional
        Name of the file; required with bytes.
    vector_column : str, optional
        Column of the vectors, if the table has several candidates.

    Returns
    -------
    VectorImportReport

    Raises
    ------
    EarshotError
        When the table cannot be read, none of its programs is in the corpus, another process is
        writing, or the corpus has different vectors under that name: alignments trained on those
        would not fit the new ones.
    """
    require_writable_workspace("Importing")
    encoder_id = make_imported_encoder_id(modality, vectors_name)
    if isinstance(path_or_bytes, bytes):
        content = path_or_bytes
    else:
        content = read_file_bytes_within_import_limit(Path(path_or_bytes).expanduser())
    table = read_imported_embeddings(content, file_name or str(path_or_bytes), vector_column)
    if not table.vectors:
        first = next(iter(table.skipped.items()), None)
        raise EarshotError(
            "No vector was found there." + (f" {first[0]}: {first[1]}" if first else "")
        )
    with corpus.lock_for_writing(f"import {corpus.name}"):
        vectors_by_program, unknown_programs = _match_vectors_to_programs(corpus, table)
        if not vectors_by_program:
            raise EarshotError(
                f"None of its {len(table.vectors)} programs is in corpus '{corpus.name}'"
                f" ({unknown_programs[0][:80]!r} for one).",
                remedy=f"To add programs first: ./run import {corpus.name} FILE",
            )
        new_vectors = _select_new_vectors(corpus, encoder_id, vectors_by_program)
        _store_vectors_in_batches(corpus, encoder_id, new_vectors, progress)
    return VectorImportReport(
        corpus_name=corpus.name,
        encoder_id=encoder_id,
        vectors_read=len(table.vectors),
        vectors_added=len(new_vectors),
        dimensions=len(next(iter(table.vectors.values()))),
        unknown_programs=unknown_programs,
        programs_without_vector=len(corpus.list_programs_without_embedding(encoder_id)),
        skipped=table.skipped,
        warnings=_find_problems_of_imported_vectors(vectors_by_program),
    )


def _find_problems_of_imported_vectors(vectors_by_program: dict[str, np.ndarray]) -> list[str]:
    """Return why a training on these vectors may learn nothing."""
    vectors = np.stack(list(vectors_by_program.values()))
    count = len(vectors)
    if count < 2:
        return []
    distinct_count = len(np.unique(vectors, axis=0))
    if distinct_count == 1:
        return [f"all {count} vectors are equal, so a training can learn nothing from them."]
    problems = []
    if 2 * distinct_count <= count:
        problems.append(f"only {distinct_count} of {count} vectors differ from each other.")
    constant_count = int((vectors == vectors[0]).all(axis=0).sum())
    if 2 * constant_count >= vectors.shape[1]:
        problems.append(
            f"{constant_count} of {vectors.shape[1]} dimensions have the same value in every"
            " vector."
        )
    zero_count = int((~vectors.any(axis=1)).sum())
    if zero_count:
        problems.append(f"{zero_count} of {count} vectors are zero.")
    return problems


def _store_vectors_in_batches(
    corpus: Corpus, encoder_id: str, vectors_by_program: dict[str, np.ndarray], progress: Progress
) -> None:
    program_ids, revision = list(vectors_by_program), find_encoder_spec(encoder_id).revision
    progress(PROGRESS_STEP, 0, len(program_ids))
    for start in range(0, len(program_ids), COMMIT_BATCH_SIZE):
        batch = program_ids[start : start + COMMIT_BATCH_SIZE]
        vectors = np.stack([vectors_by_program[program_id] for program_id in batch])
        corpus.store_embeddings(encoder_id, revision, batch, vectors)
        progress(PROGRESS_STEP, start + len(batch), len(program_ids))


def _match_vectors_to_programs(
    corpus: Corpus, table: VectorTable
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the vectors by program id, and the table's programs that the corpus lacks."""
    programs = corpus.load_programs()
    id_by_key = dict(zip(programs[table.key_kind], programs["program"]))
    vectors_by_program = {
        id_by_key[key]: vector for key, vector in table.vectors.items() if key in id_by_key
    }
    return vectors_by_program, [key for key in table.vectors if key not in id_by_key]


def _select_new_vectors(
    corpus: Corpus, encoder_id: str, vectors_by_program: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the vectors that the corpus lacks.

    Raises
    ------
    EarshotError
        When the corpus has different vectors of these programs.
    """
    if corpus.get_encoder_revision(encoder_id) is None:
        return vectors_by_program
    existing = dict(zip(*corpus.load_embeddings(encoder_id)))
    for program_id, vector in vectors_by_program.items():
        if program_id in existing and not np.array_equal(existing[program_id], vector):
            raise EarshotError(
                f"Corpus '{corpus.name}' has other vectors of the name {encoder_id}.",
                where=f"program {program_id}",
                remedy="Give these another name.",
            )
    return {
        program_id: vector
        for program_id, vector in vectors_by_program.items()
        if program_id not in existing
    }
