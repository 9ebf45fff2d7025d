"""The one owner of what is on disk: programs, clips, embeddings, alignments."""

from core.corpus.alignments import AlignmentRecord
from core.corpus.corpus import Corpus, list_corpora
from core.corpus.clip_files import clip_file
from core.corpus.integrity import Fault
from core.corpus.deletion import Contents, contents, delete_corpus
from core.corpus.embedding_table import BadVectors, Pairs

__all__ = [
    "AlignmentRecord",
    "BadVectors",
    "Contents",
    "Corpus",
    "Fault",
    "Pairs",
    "clip_file",
    "contents",
    "delete_corpus",
    "list_corpora",
]
