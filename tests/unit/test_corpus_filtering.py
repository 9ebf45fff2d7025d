"""Filters of a corpus's table: every word counts, numbers compare as numbers."""

from __future__ import annotations

import pandas as pd
import pytest

from core.corpus.filtering import matching

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
    ],
)
def test_only_rows_that_fit_every_filter_stay(filters: dict, names: list[str]) -> None:
    assert matching(ROWS, **filters)["name"].tolist() == names
    assert matching(ROWS.iloc[:0], **filters).empty
