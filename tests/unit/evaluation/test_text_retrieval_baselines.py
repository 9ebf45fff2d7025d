"""Text baselines: edit distances and tf-idf of identifiers."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation.text_retrieval_baselines import (
    compute_edit_distances,
    compute_identifier_tfidf,
    find_nearest_programs_by_edit_distance,
)

TOKENS = st.lists(st.integers(0, 4), max_size=9)


def compute_levenshtein_distance(a: list[int], b: list[int]) -> int:
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    table[:, 0], table[0] = range(len(a) + 1), range(len(b) + 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1, j + 1] = min(
                table[i, j] + (x != y), table[i, j + 1] + 1, table[i + 1, j] + 1
            )
    return table[-1, -1]


@settings(max_examples=60, deadline=None)
@given(TOKENS, st.lists(TOKENS, min_size=1, max_size=4))
def test_edit_distances_equal_the_textbook_algorithm(
    query: list[int], candidates: list[list[int]]
) -> None:
    expected = [compute_levenshtein_distance(query, candidate) for candidate in candidates]
    assert compute_edit_distances(query, candidates).tolist() == expected


def test_the_program_with_the_fewest_edits_comes_first_and_comments_are_ignored() -> None:
    base = ["play 60\nsleep 1", "sample :bd_haus\nsleep 0.5", "play 60 # low\nsleep 2\nplay 62"]
    ranked = find_nearest_programs_by_edit_distance(
        base, ["# bd_haus\nplay 60\nsleep 2"], 2, np.array([[0, 1, 2]])
    )
    assert ranked.tolist() == [[0, 2]]
    assert find_nearest_programs_by_edit_distance(base, [""], 1, np.array([[1, 2]])).shape == (1, 1)


def test_rare_identifiers_weigh_more() -> None:
    base = ["play :a", "play :b", "sample :a", "play :zawa", "use_synth :zawa"]
    base_vectors, query_vectors = compute_identifier_tfidf(base, ["play :zawa", "nothing_known"])
    assert base_vectors.shape[0] == 5 and query_vectors.shape == (2, base_vectors.shape[1])
    assert np.argmax(base_vectors @ query_vectors[0]) == 3 and not query_vectors[1].any()
