"""Search of several corpora in one shared space."""

from __future__ import annotations

import pytest

from core.corpus import Corpus
from core.errors import EarshotError
from core.search.alignment_choice_for_other_corpora import choose_prediction_alignment
from core.search.multi_corpus_search import (
    find_neighbours_in_corpora,
    open_corpora_with_one_alignment,
)
from core.search.nearest_neighbour_queries import find_neighbours
from tests.unit.search.alignments import save_untrained_alignment
from tests.unit.search.tone_corpora import make_tone_corpus

SNIPPET = "play 60"


def test_several_corpora_are_searched_in_one_space_and_each_program_is_found_once(
    corpus: Corpus,
) -> None:
    save_untrained_alignment(corpus)
    songs = make_tone_corpus("songs", 4)
    aligned_corpora = open_corpora_with_one_alignment([corpus, songs])
    merged = find_neighbours_in_corpora(aligned_corpora, SNIPPET, 20)
    assert len(merged) == 6 + 4 - 1  # "play 0" is in both.
    assert [neighbour.rank for neighbour in merged] == list(range(1, 10))
    similarities = [neighbour.similarity for neighbour in merged]
    assert similarities == sorted(similarities, reverse=True)
    single = {found.program_id: found for found in find_neighbours(aligned_corpora[1], SNIPPET, 9)}
    for neighbour in merged:
        if neighbour.corpus_name == "songs":
            assert neighbour.similarity == single[neighbour.program_id].similarity
    assert find_neighbours_in_corpora(aligned_corpora, SNIPPET, 2) == merged[:2]


def test_a_corpus_embedded_by_other_encoders_is_refused_with_the_command_that_embeds_it(
    corpus: Corpus,
) -> None:
    save_untrained_alignment(corpus)
    bare = Corpus.create("bare", seconds=0.5)
    stale = make_tone_corpus("stale", 4, revision_suffix="-old")
    for other in (bare, stale):
        assert choose_prediction_alignment([other]) is None
        with pytest.raises(EarshotError) as error:
            open_corpora_with_one_alignment([corpus, other])
        assert error.value.remedy is not None
        assert f"./run embed {other.name} --code-encoder sonicpi" in error.value.remedy
    with pytest.raises(EarshotError, match="no alignment yet"):
        open_corpora_with_one_alignment([bare])
