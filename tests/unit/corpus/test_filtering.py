"""Filters of a corpus's table: every word counts, numbers compare as numbers."""

from __future__ import annotations

import pandas as pd
import pytest

from core.corpus.filtering import Span, domains, matching, texts

ROWS = pd.DataFrame(
    {
        "name": ["one", "two", "three"],
        "source": ["play 60", "sample :bd_haus", "play (scale :e3)"],
        "error_message": [None, None, "Undefined method"],
        "template": ["a", "a", ""],
        "role": ["melody", "drums", ""],
        "state": ["ok", "pending", "failed"],
        "parameters": [{"amp": 0.5, "synth": "saw", "loud": True}, {"amp": 1}, {}],
    }
)


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, ["one", "two", "three"]),
        ({"templates": ["a"]}, ["one", "two"]),
        ({"templates": [""]}, ["three"]),
        ({"roles": ["drums", "melody"], "states": ["ok"]}, ["one"]),
        ({"text": "PLAY"}, ["one", "three"]),
        ({"text": "play (scale"}, ["three"]),
        ({"text": "undefined"}, ["three"]),
        ({"text": "amp>=0.5"}, ["one", "two"]),
        ({"text": "amp>0.5"}, ["two"]),
        ({"text": "amp=1.0"}, ["two"]),
        ({"text": "amp!=1"}, ["one"]),
        ({"text": "synth=SAW"}, ["one"]),
        ({"text": "synth>saw"}, []),
        ({"text": "loud=true"}, ["one"]),
        ({"text": "loud=1"}, []),
        ({"text": "play amp<1"}, ["one"]),
        ({"text": "nowhere"}, []),
        ({"parameters": {"amp": Span(0.5, 0.9)}}, ["one"]),
        ({"parameters": {"amp": Span(0.5, 1)}, "text": "sample"}, ["two"]),
        ({"parameters": {"synth": ["saw", "sine"]}}, ["one"]),
        ({"parameters": {"synth": ["sine"]}}, []),
    ],
)
def test_only_rows_that_fit_every_filter_stay(filters: dict, names: list[str]) -> None:
    assert matching(ROWS, **filters)["name"].tolist() == names
    assert matching(ROWS.iloc[:0], **filters).empty


def test_a_word_is_looked_for_in_what_was_made_before() -> None:
    searched = texts(ROWS)
    assert matching(ROWS.iloc[1:], text="PLAY", searched=searched)["name"].tolist() == ["three"]


def test_parameters_have_a_span_or_a_list_of_values() -> None:
    assert domains(ROWS) == {"amp": Span(0.5, 1.0), "loud": ["True"], "synth": ["saw"]}
