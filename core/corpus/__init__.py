"""The one owner of what is on disk: programs, clips, embeddings, alignments."""

from core.corpus.alignments import AlignmentRecord
from core.corpus.corpus import Corpus, list_corpora
from core.corpus.vectors import BadVectors, Pairs

__all__ = ["AlignmentRecord", "BadVectors", "Corpus", "Pairs", "list_corpora"]
