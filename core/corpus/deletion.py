"""Deleting a corpus, and saying before what goes with it."""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from core.corpus.corpus import Corpus
from core.errors import EarshotError


@dataclass(frozen=True)
class CorpusContents:
    """What lies in a corpus's folder.

    Attributes
    ----------
    corpus_name : str
    path : Path
    program_count, clip_count, embedding_count, alignment_count : int
    size_bytes : int
        On disk, of everything in the folder.
    """

    corpus_name: str
    path: Path
    program_count: int
    clip_count: int
    embedding_count: int
    alignment_count: int
    size_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.corpus_name}: {self.program_count:,} programs, {self.clip_count:,} clips,"
            f" {self.embedding_count:,} embeddings, {self.alignment_count:,} alignments;"
            f" {self.size_bytes / 1e6:,.1f} MB in {self.path}"
        )


def measure_corpus_contents(corpus_name: str) -> CorpusContents:
    """Say what a corpus holds, and so what deleting it would take away."""
    corpus = Corpus.open(corpus_name)
    counts = corpus.count_programs_by_state()
    return CorpusContents(
        corpus_name=corpus_name,
        path=corpus.path,
        program_count=counts["programs"],
        clip_count=counts["ok"],
        embedding_count=sum(number for _, _, number in corpus.list_encoders()),
        alignment_count=len(corpus.list_alignment_ids()),
        size_bytes=sum(
            _get_file_size(Path(top) / file) for top, _, files in os.walk(corpus.path) for file in files
        ),
    )


def delete_corpus(corpus_name: str) -> CorpusContents:
    """Delete a corpus with its clips, embeddings and alignments; return what went.

    Raises
    ------
    EarshotError
        When there is none of that name, somebody is writing in it, or its files
        may not be removed.
    """
    gone = measure_corpus_contents(corpus_name)
    corpus = Corpus.open(corpus_name)
    # Out of the way in one step: a deletion that is stopped leaves no half a corpus behind.
    doomed = corpus.path.with_name(f".deleted-{corpus_name}-{secrets.token_hex(4)}")
    try:
        with corpus.lock_for_writing(f"delete {corpus_name}"):
            corpus.close()
            os.rename(corpus.path, doomed)
        for leftover in corpus.path.parent.glob(".deleted-*"):
            shutil.rmtree(leftover)
    except OSError as error:
        raise EarshotError(
            f"Corpus '{corpus_name}' cannot be deleted ({error.strerror}).", where=str(corpus.path)
        ) from error
    return gone


def _get_file_size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # a writer's temporary file, gone since
        return 0
