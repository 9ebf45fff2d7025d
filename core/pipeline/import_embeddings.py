"""Give a corpus vectors that were made elsewhere, to align and map like any encoder's."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.corpus import Corpus
from core.corpus.program_importer import bytes_of
from core.corpus.embedding_importer import VectorTable, read_vectors
from core.encoders import entry
from core.encoders.imported import own_id
from core.errors import EarshotError
from core.progress import Progress, silent
from core.workspace import refuse_if_read_only

STEP = "Importing vectors"
BLOCK = 500  # vectors a commit
SHOWN = 20  # lines of a kind that a report shows


@dataclass(frozen=True)
class VectorReport:
    """What an import of vectors brought.

    Attributes
    ----------
    corpus : str
    encoder : str
        The id under which the corpus keeps them; `train` takes it as an encoder.
    found : int
        Vectors that were read.
    added : int
        Of these, those that the corpus did not have.
    dimensions : int
    strangers : list of str
        Programs of the table that the corpus doesn't have, as the table calls them.
    without : int
        Programs of the corpus that still have no such vector.
    skipped : dict of where to str
        Rows that could not be taken, and why.
    """

    corpus: str
    encoder: str
    found: int
    added: int
    dimensions: int
    strangers: list[str] = field(default_factory=list)
    without: int = 0
    skipped: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"{self.corpus}: {self.added} of {self.found} vectors of {self.dimensions} dimensions"
            f" are new, as {self.encoder}"
        ]
        if self.without:
            lines.append(f"{self.without} programs of the corpus have none")
        lines += [f"{name[:80]!r} is no program of the corpus" for name in self.strangers[:SHOWN]]
        lines += [
            f"{where} was left out: {why}" for where, why in list(self.skipped.items())[:SHOWN]
        ]
        more = sum(max(0, len(each) - SHOWN) for each in (self.strangers, self.skipped))
        return "\n".join(lines + ([f"… and {more} more"] if more else []))


def import_vectors(
    corpus_name: str,
    what: str | Path | bytes,
    modality: str,
    name: str,
    progress: Progress = silent,
    *,
    file: str | None = None,
    column: str | None = None,
) -> VectorReport:
    """Keep vectors that were made elsewhere for programs of a corpus.

    Parameters
    ----------
    corpus_name : str
    what : str, Path or bytes
        A CSV or Parquet table, or its content: a row a program, with a column "program",
        "source" or "name" that says whose it is, and one of vectors
        (`core.corpus.embedding_importer`).
    modality : {"code", "audio"}
        Of what they are.
    name : str
        What they are called: the corpus keeps them as ``own/MODALITY/NAME``.
    progress : Progress
    file : str, optional
        The file's name; needed with bytes.
    column : str, optional
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
    encoder = own_id(modality, name)
    corpus = Corpus.open(corpus_name)
    content = what if isinstance(what, bytes) else bytes_of(Path(what).expanduser())
    table = read_vectors(content, file or str(what), column)
    if not table.vectors:
        first = next(iter(table.skipped.items()), None)
        raise EarshotError(
            "No vector was found there." + (f" {first[0]}: {first[1]}" if first else "")
        )
    with corpus.writing(f"import {corpus_name}"):
        known, strangers = _whose(corpus, table)
        if not known:
            raise EarshotError(
                f"None of its {len(table.vectors)} programs is in corpus '{corpus_name}'"
                f" ({strangers[0][:80]!r} for one).",
                remedy=f"To add programs first: ./run import {corpus_name} FILE",
            )
        new = _new(corpus, encoder, known)
        programs, revision = list(new), entry(encoder).revision
        progress(STEP, 0, len(programs))
        for start in range(0, len(programs), BLOCK):
            block = programs[start : start + BLOCK]
            corpus.put_embeddings(encoder, revision, block, np.stack([new[p] for p in block]))
            progress(STEP, start + len(block), len(programs))
    dimensions = len(next(iter(table.vectors.values())))
    without = len(corpus.missing_embeddings(encoder))
    return VectorReport(
        corpus_name,
        encoder,
        len(table.vectors),
        len(new),
        dimensions,
        strangers,
        without,
        table.skipped,
    )


def _whose(corpus: Corpus, table: VectorTable) -> tuple[dict[str, np.ndarray], list[str]]:
    """Vectors by program id, and what the table names that the corpus doesn't have."""
    there = corpus.programs()
    ids = dict(zip(there[table.key], there["program"]))
    known = {ids[key]: vector for key, vector in table.vectors.items() if key in ids}
    return known, [key for key in table.vectors if key not in ids]


def _new(corpus: Corpus, encoder: str, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those that the corpus lacks; what it has must be the same."""
    if corpus.encoder_revision(encoder) is None:
        return given
    had = dict(zip(*corpus.embeddings(encoder)))
    for program, vector in given.items():
        if program in had and not np.array_equal(had[program], vector):
            raise EarshotError(
                f"Corpus '{corpus.name}' has other vectors of the name {encoder}.",
                where=f"program {program}",
                remedy="Give these another name.",
            )
    return {program: vector for program, vector in given.items() if program not in had}
