"""Measure what a corpus holds, and delete it."""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from core.corpus.corpus import Corpus
from core.errors import EarshotError

_DELETED_PREFIX = ".deleted-"


@dataclass(frozen=True)
class CorpusContents:
    """Counts and size of everything in a corpus's folder.

    Attributes
    ----------
    corpus_name : str
    path : Path
        The corpus's folder.
    program_count, clip_count, embedding_count, alignment_count : int
    size_bytes : int
        On disk, of all files in the folder.
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


def count_corpus_contents(corpus: Corpus) -> CorpusContents:
    """Count what a corpus holds: what deleting it would remove."""
    counts = corpus.count_programs_by_state()
    files = (Path(folder) / name for folder, _, names in os.walk(corpus.path) for name in names)
    return CorpusContents(
        corpus_name=corpus.name,
        path=corpus.path,
        program_count=counts["programs"],
        clip_count=counts["ok"],
        embedding_count=sum(count for _, _, count in corpus.count_embeddings_by_encoder()),
        alignment_count=len(corpus.list_alignment_ids()),
        size_bytes=sum(map(_measure_folder_size_on_disk, files)),
    )


def delete_corpus(corpus: Corpus) -> CorpusContents:
    """Delete a corpus with its clips, embeddings and alignments.

    Returns
    -------
    CorpusContents
        What was deleted.

    Raises
    ------
    EarshotError
        If the workspace is read-only, someone is writing to the corpus, its folder is a link to
        another place, or its files cannot be removed.
    """
    if corpus.path.is_symlink():
        raise EarshotError(
            f"The folder of corpus '{corpus.name}' is a link to another place, which is kept.",
            where=str(corpus.path),
            remedy="Remove the link, or delete the corpus in its own workspace.",
        )
    contents = count_corpus_contents(corpus)
    # Renaming is one step, so a deletion that is interrupted leaves no half-deleted corpus.
    renamed_path = corpus.path.with_name(f"{_DELETED_PREFIX}{corpus.name}-{secrets.token_hex(4)}")
    try:
        with corpus.lock_for_writing(f"delete {corpus.name}"):
            corpus.close()
            os.rename(corpus.path, renamed_path)
        for leftover in corpus.path.parent.glob(f"{_DELETED_PREFIX}*"):
            shutil.rmtree(leftover)
    except OSError as error:
        raise EarshotError(
            f"Corpus '{corpus.name}' cannot be deleted ({error.strerror}).", where=str(corpus.path)
        ) from error
    return contents


def _measure_folder_size_on_disk(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # A writer's temporary file may have been removed since it was listed.
        return 0
