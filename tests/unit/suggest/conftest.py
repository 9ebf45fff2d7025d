"""An aligned corpus of tones with untrained heads."""

from __future__ import annotations

import pytest

from core.corpus import Corpus
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from tests.unit.search.alignments import save_untrained_alignment
from tests.unit.search.conftest import corpus

__all__ = ["corpus"]


@pytest.fixture
def aligned_corpus(corpus: Corpus) -> AlignedCorpus:
    save_untrained_alignment(corpus)
    return open_aligned_corpus(corpus)
