"""Finding programs by their text alone: edits and words."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation.text_baselines import vectorise_identifiers, compute_edit_distances, rank_by_edit_distance
from core.pipeline.default_method import MIN_GRAMMAR_PROGRAMS, choose_default_method

TOKENS = st.lists(st.integers(0, 4), max_size=9)


def levenshtein(a, b) -> int:
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
def test_edit_distances_are_levenshteins(query, others):
    assert compute_edit_distances(query, others).tolist() == [levenshtein(query, o) for o in others]


def test_the_program_with_fewest_edits_comes_first_whatever_its_comments_say():
    base = ["play 60\nsleep 1", "sample :bd_haus\nsleep 0.5", "play 60 # low\nsleep 2\nplay 62"]
    found = rank_by_edit_distance(base, ["# bd_haus\nplay 60\nsleep 2"], 2, np.array([[0, 1, 2]]))
    assert found.tolist() == [[0, 2]]
    assert rank_by_edit_distance(base, [""], 1, np.array([[1, 2]])).shape == (1, 1)


def test_words_weigh_by_how_rare_they_are_in_the_base():
    base = ["play :a", "play :b", "sample :a", "play :zawa", "use_synth :zawa"]
    known, own = vectorise_identifiers(base, ["play :zawa", "nothing_known"])
    assert known.shape[0] == 5 and own.shape == (2, known.shape[1])
    assert np.argmax(known @ own[0]) == 3 and not own[1].any()


def test_a_corpus_of_many_composed_programs_is_trained_for_any_snippet():
    def programs(composed: int, failed: int = 0) -> pd.DataFrame:
        templates = ["composed-acid"] * (composed + failed) + ["02_1_beeps"] * 900
        states = ["ok"] * composed + ["failed"] * failed + ["ok"] * 900
        return pd.DataFrame({"template": templates, "state": states})

    assert choose_default_method(programs(MIN_GRAMMAR_PROGRAMS)) == "foretell"
    assert choose_default_method(programs(MIN_GRAMMAR_PROGRAMS - 1, failed=9)) == choose_default_method(programs(0)) == "earshot"
