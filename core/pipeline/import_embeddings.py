"""Give a corpus vectors that were made elsewhere, to align and map like any encoder's."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.corpus import Corpus
from core.corpus.program_importer import read_file_bytes
from core.corpus.embedding_importer import VectorTable, read_vectors
from core.encoders import find_encoder_spec
from core.encoders.imported import make_imported_encoder_id
from core.errors import EarshotError
from core.progress import Progress, ignore_progress
from core.workspace import refuse_if_read_only

PROGRESS_STEP = "Importing vectors"
COMMIT_BATCH_SIZE = 500  # vectors a commit
MAX_DISPLAYED_LINES = 20  # lines of a kind that a report shows


@dataclass(frozen=True)
class VectorImportReport:
    """What an import of vectors brought.

    Attributes
    ----------
    corpus_name : str
    encoder_id : str
        The id under which the corpus keeps them; `train` takes it as an encoder.
    vectors_read : int
        Vectors that were read.
    vectors_added : int
        Of these, those that the corpus did not have.
    dimensions : int
    unknown_programs : list of str
        Programs of the table that the corpus doesn't have, as the table calls them.
    programs_without_vector : int
        Programs of the corpus that still have no such vector.
    skipped : dict of where to str
        Rows that could not be taken, and why.
    """

    corpus_name: str
    encoder_id: str
    vectors_read: int
    vectors_added: int
    dimensions: int
    unknown_programs: list[str] = field(default_factory=list)
    programs_without_vector: int = 0
    skipped: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"{self.corpus_name}: {self.vectors_added} of {self.vectors_read} vectors of {self.dimensions} dimensions"
            f" are new, as {self.encoder_id}"
        ]
        if self.programs_without_vector:
            lines.append(f"{self.programs_without_vector} programs of the corpus have none")
        lines += [f"{name[:80]!r} is no program of the corpus" for name in self.unknown_programs[:MAX_DISPLAYED_LINES]]
        lines += [
            f"{where} was left out: {why}" for where, why in list(self.skipped.items())[:MAX_DISPLAYED_LINES]
        ]
        more = sum(max(0, len(each) - MAX_DISPLAYED_LINES) for each in (self.unknown_programs, self.skipped))
        return "\n".join(lines + ([f"… and {more} more"] if more else []))


def import_vectors(
    corpus: Corpus,
    path_or_bytes: str | Path | bytes,
    modality: str,
    vectors_name: str,
    progress: Progress = ignore_progress,
    *,
    file_name: str | None = None,
    vector_column: str | None = None,
) -> VectorImportReport:
    """Keep vectors that were made elsewhere for programs of a corpus.

    Parameters
    ----------
    corpus : Corpus
    path_or_bytes : str, Path or bytes
        A CSV or Parquet table, or its content: a row a program, with a column "program",
        "source" or "name" that says whose it is, and one of vectors
        (`core.corpus.embedding_importer`).
    modality : {"code", "audio"}
        Of what they are.
    vectors_name : str
        What they are called: the corpus keeps them as ``own/MODALITY/NAME``.
    progress : Progress
    file_name : str, optional
        The file's name; needed with bytes.
    vector_column : str, optional
        Where the vectors are, if the table doesn't make it plain.

    Returns
    -------
    VectorReport

    Raises
    ------
    EarshotError
        When the table can't be read, none of its programs is in the corpus, somebody else
        is writing, or vectors of that name are there and others: what was trained on
        those would be wrong about these.
    """
    refuse_if_read_only("Importing")
    encoder = make_imported_encoder_id(modality, vectors_name)
    content = path_or_bytes if isinstance(path_or_bytes, bytes) else read_file_bytes(Path(path_or_bytes).expanduser())
    table = read_vectors(content, file_name or str(path_or_bytes), vector_column)
    if not table.vectors:
        first = next(iter(table.skipped.items()), None)
        raise EarshotError(
            "No vector was found there." + (f" {first[0]}: {first[1]}" if first else "")
        )
    with corpus.lock_for_writing(f"import {corpus.name}"):
        known, strangers = _match_programs(corpus, table)
        if not known:
            raise EarshotError(
                f"None of its {len(table.vectors)} programs is in corpus '{corpus.name}'"
                f" ({strangers[0][:80]!r} for one).",
                remedy=f"To add programs first: ./run import {corpus.name} FILE",
            )
        new = _select_new_vectors(corpus, encoder, known)
        programs, revision = list(new), find_encoder_spec(encoder).revision
        progress(PROGRESS_STEP, 0, len(programs))
        for start in range(0, len(programs), COMMIT_BATCH_SIZE):
            block = programs[start : start + COMMIT_BATCH_SIZE]
            corpus.put_embeddings(encoder, revision, block, np.stack([new[p] for p in block]))
            progress(PROGRESS_STEP, start + len(block), len(programs))
    dimensions = len(next(iter(table.vectors.values())))
    without = len(corpus.list_missing_embeddings(encoder))
    return VectorImportReport(
        corpus.name,
        encoder,
        len(table.vectors),
        len(new),
        dimensions,
        strangers,
        without,
        table.skipped,
    )


def _match_programs(corpus: Corpus, table: VectorTable) -> tuple[dict[str, np.ndarray], list[str]]:
    """Vectors by program id, and what the table names that the corpus doesn't have."""
    there = corpus.load_programs()
    ids = dict(zip(there[table.key_kind], there["program"]))
    known = {ids[key]: vector for key, vector in table.vectors.items() if key in ids}
    return known, [key for key in table.vectors if key not in ids]


def _select_new_vectors(corpus: Corpus, encoder_id: str, vectors_by_program: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those that the corpus lacks; what it has must be the same."""
    if corpus.get_encoder_revision(encoder_id) is None:
        return vectors_by_program
    had = dict(zip(*corpus.load_embeddings(encoder_id)))
    for program, vector in vectors_by_program.items():
        if program in had and not np.array_equal(had[program], vector):
            raise EarshotError(
                f"Corpus '{corpus.name}' has other vectors of the name {encoder_id}.",
                where=f"program {program}",
                remedy="Give these another name.",
            )
    return {program: vector for program, vector in vectors_by_program.items() if program not in had}
