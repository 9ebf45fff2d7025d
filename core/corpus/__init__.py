"""The one owner of what is on disk: programs, clips, embeddings, alignments."""

from core.corpus.alignments import AlignmentRecord
from core.corpus.corpus import Corpus, list_corpora
from core.corpus.files import clip_file
from core.corpus.inspection import Fault
from core.corpus.removal import Contents, contents, delete_corpus
from core.corpus.vectors import BadVectors, Pairs

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
