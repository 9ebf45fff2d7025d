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
class Contents:
    """What lies in a corpus's folder.

    Attributes
    ----------
    corpus : str
    path : Path
    programs, clips, embeddings, alignments : int
    bytes : int
        On disk, of everything in the folder.
    """

    corpus: str
    path: Path
    programs: int
    clips: int
    embeddings: int
    alignments: int
    bytes: int

    def __str__(self) -> str:
        return (
            f"{self.corpus}: {self.programs:,} programs, {self.clips:,} clips,"
            f" {self.embeddings:,} embeddings, {self.alignments:,} alignments;"
            f" {self.bytes / 1e6:,.1f} MB in {self.path}"
        )


def contents(name: str) -> Contents:
    """Say what a corpus holds, and so what deleting it would take away."""
    corpus = Corpus.open(name)
    counts = corpus.counts()
    return Contents(
        corpus=name,
        path=corpus.path,
        programs=counts["programs"],
        clips=counts["ok"],
        embeddings=sum(number for _, _, number in corpus.encoders()),
        alignments=len(corpus.alignment_ids()),
        bytes=sum(
            _size(Path(top) / file) for top, _, files in os.walk(corpus.path) for file in files
        ),
    )


def delete_corpus(name: str) -> Contents:
    """Delete a corpus with its clips, embeddings and alignments; return what went.

    Raises
    ------
    EarshotError
        When there is none of that name, somebody is writing in it, or its files
        may not be removed.
    """
    gone = contents(name)
    corpus = Corpus.open(name)
    # Out of the way in one step: a deletion that is stopped leaves no half a corpus behind.
    doomed = corpus.path.with_name(f".deleted-{name}-{secrets.token_hex(4)}")
    try:
        with corpus.writing(f"delete {name}"):
            corpus.close()
            os.rename(corpus.path, doomed)
        for leftover in corpus.path.parent.glob(".deleted-*"):
            shutil.rmtree(leftover)
    except OSError as error:
        raise EarshotError(
            f"Corpus '{name}' cannot be deleted ({error.strerror}).", where=str(corpus.path)
        ) from error
    return gone


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # a writer's temporary file, gone since
        return 0
