"""The only owner of the files of a corpus: programs, clips, embeddings and alignments.

Importing this package loads neither pandas nor numpy, so that commands can read
`core.corpus.legacy_saved_names` and start at once. A class or function is loaded at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.corpus.alignment_store import AlignmentRecord
    from core.corpus.clip_cache import (
        does_clip_exist,
        fetch_clip_files,
        find_clip_file,
        get_local_clip_file,
        try_to_fetch_clip_files,
    )
    from core.corpus.corpus import Corpus, list_corpora
    from core.corpus.corpus_contents_and_deletion import (
        CorpusContents,
        count_corpus_contents,
        delete_corpus,
    )
    from core.corpus.encoder_and_embedding_tables import EmbeddingPairs, NonFiniteEmbeddingError
    from core.corpus.fault_finding_and_removal import Fault

__all__ = [
    "AlignmentRecord",
    "Corpus",
    "CorpusContents",
    "EmbeddingPairs",
    "Fault",
    "NonFiniteEmbeddingError",
    "delete_corpus",
    "does_clip_exist",
    "fetch_clip_files",
    "find_clip_file",
    "get_local_clip_file",
    "try_to_fetch_clip_files",
    "list_corpora",
    "count_corpus_contents",
]
_LAZY_EXPORTS = {
    "AlignmentRecord": "alignment_store",
    "Corpus": "corpus",
    "CorpusContents": "corpus_contents_and_deletion",
    "EmbeddingPairs": "encoder_and_embedding_tables",
    "Fault": "fault_finding_and_removal",
    "NonFiniteEmbeddingError": "encoder_and_embedding_tables",
    "delete_corpus": "corpus_contents_and_deletion",
    "does_clip_exist": "clip_cache",
    "fetch_clip_files": "clip_cache",
    "find_clip_file": "clip_cache",
    "get_local_clip_file": "clip_cache",
    "try_to_fetch_clip_files": "clip_cache",
    "list_corpora": "corpus",
    "count_corpus_contents": "corpus_contents_and_deletion",
}

if not TYPE_CHECKING:  # A type checker would accept any name from a module's __getattr__.

    def __getattr__(name: str) -> Any:
        if name not in _LAZY_EXPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_LAZY_EXPORTS[name]}"), name)
