"""Placement of a snippet on a map: the weighted mean of its neighbours' positions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.corpus import Corpus
from core.errors import EarshotError
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from core.search.map_placement import place_snippet_on_map
from core.search.nearest_neighbour_queries import find_neighbours
from tests.unit.search.alignments import save_untrained_alignment

SNIPPET = "use_synth :saw\nplay 60\n"


@pytest.fixture
def aligned_corpus(corpus: Corpus) -> AlignedCorpus:
    save_untrained_alignment(corpus)
    return open_aligned_corpus(corpus)


@pytest.fixture
def points(aligned_corpus: AlignedCorpus) -> pd.DataFrame:
    """A map whose points lie on a line, in the order of the programs."""
    program_ids = aligned_corpus.pairs.program_ids
    positions = np.arange(2 * len(program_ids), dtype=np.float32)
    return pd.DataFrame(
        {
            "program": program_ids * 2,
            "modality": ["code"] * len(program_ids) + ["audio"] * len(program_ids),
            "before_x": positions,
            "before_y": -positions,
            "after_x": positions,
            "after_y": -positions,
        }
    )


def test_one_neighbour_gives_its_own_position(
    aligned_corpus: AlignedCorpus, points: pd.DataFrame
) -> None:
    placement = place_snippet_on_map(aligned_corpus, SNIPPET, points, k=1)
    assert placement.neighbours == find_neighbours(aligned_corpus, SNIPPET, 1)
    row = 6 + aligned_corpus.row_by_program[placement.neighbours[0].program_id]
    assert placement.after_position == pytest.approx((row, -row))
    code_neighbour = find_neighbours(aligned_corpus, SNIPPET, 1, "code->code")[0]
    code_row = aligned_corpus.row_by_program[code_neighbour.program_id]
    assert placement.before_position == pytest.approx((code_row, -code_row))


def test_the_position_lies_among_the_neighbours(
    aligned_corpus: AlignedCorpus, points: pd.DataFrame
) -> None:
    x, y = place_snippet_on_map(aligned_corpus, SNIPPET, points).after_position
    assert 6 < x < 11 and y == pytest.approx(-x)


def test_a_map_without_the_neighbours_is_refused(
    aligned_corpus: AlignedCorpus, points: pd.DataFrame
) -> None:
    with pytest.raises(EarshotError, match="None of the snippet's neighbours is on this map"):
        place_snippet_on_map(aligned_corpus, SNIPPET, points[points["modality"] == "code"][:0])
