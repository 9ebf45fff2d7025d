"""The only owner of the files of a corpus: programs, clips, embeddings and alignments.

Importing this package loads neither pandas nor numpy, so that commands can read
`core.corpus.legacy_names` and start at once. A class or function is loaded at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.corpus.alignments import AlignmentRecord
    from core.corpus.clip_files import find_clip_file
    from core.corpus.corpus import Corpus, list_corpora
    from core.corpus.corpus_deletion import CorpusContents, delete_corpus, measure_corpus_contents
    from core.corpus.embedding_table import EmbeddingPairs, NonFiniteEmbeddingError
    from core.corpus.integrity import Fault

__all__ = [
    "AlignmentRecord",
    "Corpus",
    "CorpusContents",
    "EmbeddingPairs",
    "Fault",
    "NonFiniteEmbeddingError",
    "delete_corpus",
    "find_clip_file",
    "list_corpora",
    "measure_corpus_contents",
]
_LAZY_EXPORTS = {
    "AlignmentRecord": "alignments",
    "Corpus": "corpus",
    "CorpusContents": "corpus_deletion",
    "EmbeddingPairs": "embedding_table",
    "Fault": "integrity",
    "NonFiniteEmbeddingError": "embedding_table",
    "delete_corpus": "corpus_deletion",
    "find_clip_file": "clip_files",
    "list_corpora": "corpus",
    "measure_corpus_contents": "corpus_deletion",
}

if not TYPE_CHECKING:  # A type checker would accept any name from a module's __getattr__.

    def __getattr__(name: str) -> Any:
        if name not in _LAZY_EXPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_LAZY_EXPORTS[name]}"), name)
