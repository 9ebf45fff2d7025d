"""The examples in the docstrings of core.search run on a small corpus named starter."""

from __future__ import annotations

import doctest

from core.corpus import Corpus
from core.search import nearest_neighbour_queries
from tests.unit.search.alignments import save_untrained_alignment


def test_examples_run(corpus: Corpus) -> None:
    save_untrained_alignment(corpus)
    result = doctest.testmod(nearest_neighbour_queries)
    assert result.attempted > 0 and result.failed == 0
