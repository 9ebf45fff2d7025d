"""The one owner of what is on disk: programs, clips, embeddings, alignments."""

from core.corpus.alignments import AlignmentRecord
from core.corpus.corpus import Corpus, list_corpora
from core.corpus.vectors import Pairs

__all__ = ["AlignmentRecord", "Corpus", "Pairs", "list_corpora"]
