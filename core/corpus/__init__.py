"""The one owner of what is on disk: programs, clips, embeddings, alignments."""

from core.corpus.alignments import AlignmentRecord
from core.corpus.corpus import Corpus, list_corpora
from core.corpus.clip_files import find_clip_file
from core.corpus.integrity import Fault
from core.corpus.deletion import CorpusContents, measure_corpus_contents, delete_corpus
from core.corpus.embedding_table import NonFiniteEmbeddingError, EmbeddingPairs

__all__ = [
    "AlignmentRecord",
    "NonFiniteEmbeddingError",
    "CorpusContents",
    "Corpus",
    "Fault",
    "EmbeddingPairs",
    "find_clip_file",
    "measure_corpus_contents",
    "delete_corpus",
    "list_corpora",
]
