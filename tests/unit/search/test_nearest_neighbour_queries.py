"""Queries by snippet, clip and program: what they find and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.nearest_neighbours import CosineIndex
from core.search.embedded_corpus import EmbeddedCorpus, open_embedded_corpus
from core.search.nearest_neighbour_queries import (
    MAX_SNIPPET_CHARS,
    find_audio_neighbours,
    find_neighbours,
    find_program_neighbours,
)
from tests.unit.search.signals import make_tone_clip


@pytest.fixture
def embedded_corpus(corpus: Corpus) -> EmbeddedCorpus:
    return open_embedded_corpus(corpus)


def test_a_clip_finds_the_most_similar_clips_first(embedded_corpus: EmbeddedCorpus) -> None:
    neighbours = find_audio_neighbours(
        embedded_corpus, make_tone_clip(410), 3, direction="audio->audio"
    )
    assert [neighbour.rank for neighbour in neighbours] == [1, 2, 3]
    assert neighbours[0].name == "tone-2"  # 400 Hz
    similarities = [neighbour.similarity for neighbour in neighbours]
    assert similarities[0] > similarities[1] > similarities[2]
    assert Path(neighbours[0].audio_path).is_file()


def test_a_program_is_not_its_own_neighbour(embedded_corpus: EmbeddedCorpus) -> None:
    program_id = embedded_corpus.pairs.program_ids[2]
    neighbours = find_program_neighbours(embedded_corpus, program_id, 10)
    assert len(neighbours) == 5
    assert program_id not in [neighbour.program_id for neighbour in neighbours]
    assert neighbours[0].name in ("tone-1", "tone-3")


def test_a_repeated_query_is_not_searched_again(
    embedded_corpus: EmbeddedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    row_counts = []
    search = CosineIndex.find_most_similar_rows

    def count_searches(index: CosineIndex, *args: Any, **kwargs: Any) -> Any:
        row_counts.append(len(index))
        return search(index, *args, **kwargs)

    monkeypatch.setattr(CosineIndex, "find_most_similar_rows", count_searches)
    first_id, second_id = embedded_corpus.pairs.program_ids[:2]
    first = find_program_neighbours(embedded_corpus, first_id, 3)
    embedding = embedded_corpus.pairs.audio_embeddings[:1]
    rows, _ = embedded_corpus.find_nearest_rows(embedding, 3, "audio->audio", 0)
    rows[:] = 0  # The caller's copy.
    assert find_program_neighbours(embedded_corpus, first_id, 3) == first
    assert len(row_counts) == 1
    assert find_program_neighbours(embedded_corpus, second_id, 3) != first
    find_program_neighbours(embedded_corpus, first_id, 2)
    find_program_neighbours(embedded_corpus, first_id, 3, "code->code")
    embedded_corpus.find_nearest_rows(embedding, 3, "audio->audio")
    assert len(row_counts) == 5


@pytest.mark.parametrize(
    ("k", "direction", "message"),
    [
        (5, "code->audio", "no code to go from"),
        (0, "audio->audio", "k is 0"),
        (5, "audio->code", "no alignment yet.*run train starter"),
    ],
)
def test_an_invalid_query_by_clip_is_refused(
    embedded_corpus: EmbeddedCorpus, k: int, direction: str, message: str
) -> None:
    with pytest.raises(EarshotError, match=message):
        find_audio_neighbours(embedded_corpus, make_tone_clip(410), k, direction)


@pytest.mark.parametrize(
    ("snippet", "k", "direction", "message"),
    [
        (" \n\t", 5, "code->code", "snippet is empty"),
        ("#" * (MAX_SNIPPET_CHARS + 1), 5, "code->code", "100001 characters"),
        ("play 60", 0, "code->code", "k is 0"),
        ("play 60", 5, "audio->code", "no sound to go from"),
        ("play 60", 5, "code->words", "no direction"),
    ],
)
def test_an_invalid_query_by_snippet_is_refused(
    embedded_corpus: EmbeddedCorpus, snippet: str, k: int, direction: str, message: str
) -> None:
    with pytest.raises(EarshotError, match=message):
        find_neighbours(embedded_corpus, snippet, k, direction)


def test_an_unknown_program_is_refused(embedded_corpus: EmbeddedCorpus) -> None:
    with pytest.raises(EarshotError, match="no program"):
        find_program_neighbours(embedded_corpus, "0" * 32)
