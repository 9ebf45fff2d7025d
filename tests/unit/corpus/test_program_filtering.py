"""Programs are filtered by every word of a query; numbers are compared as numbers."""

from __future__ import annotations

import pandas as pd
import pytest

from core.corpus.program_filtering import (
    ValueRange,
    build_program_search_texts,
    filter_programs,
    filter_programs_by_warnings,
    find_parameter_domains,
    find_query_problems,
    find_warning_kinds,
    list_number_columns,
)

ROWS = pd.DataFrame(
    {
        "name": ["one", "two", "three"],
        "source": ["play 60", "sample :bd_haus", "play (scale :e3)"],
        "error_message": [None, None, "Undefined method"],
        "template": ["a", "a", ""],
        "role": ["melody", "drums", ""],
        "state": ["ok", "pending", "failed"],
        "warnings": [
            [
                {"kind": "runtime", "message": "divided by 0", "line": 3, "seconds": 1.5},
                {"kind": "clipped", "message": "The sound exceeds full scale.", "line": None},
            ],
            [],
            [{"kind": "clipped", "message": "The sound exceeds full scale.", "line": None}],
        ],
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
        ({"query": "PLAY"}, ["one", "three"]),
        ({"query": "play (scale"}, ["three"]),
        ({"query": "undefined"}, ["three"]),
        ({"query": "amp>=0.5"}, ["one", "two"]),
        ({"query": "amp>0.5"}, ["two"]),
        ({"query": "amp=1.0"}, ["two"]),
        ({"query": "amp!=1"}, ["one"]),
        ({"query": "synth=SAW"}, ["one"]),
        ({"query": "synth>saw"}, []),
        ({"query": "loud=true"}, ["one"]),
        ({"query": "loud=1"}, []),
        ({"query": "play amp<1"}, ["one"]),
        ({"query": "nowhere"}, []),
        ({"parameters": {"amp": ValueRange(0.5, 0.9)}}, ["one"]),
        ({"parameters": {"amp": ValueRange(0.5, 1)}, "query": "sample"}, ["two"]),
        ({"parameters": {"synth": ["saw", "sine"]}}, ["one"]),
        ({"parameters": {"synth": ["sine"]}}, []),
    ],
)
def test_only_rows_that_match_every_filter_remain(filters: dict, names: list[str]) -> None:
    assert filter_programs(ROWS, **filters)["name"].tolist() == names
    assert filter_programs(ROWS.iloc[:0], **filters).empty


def test_search_texts_that_were_built_before_are_used() -> None:
    search_texts = build_program_search_texts(ROWS)
    assert filter_programs(ROWS.iloc[1:], query="PLAY", search_texts=search_texts)[
        "name"
    ].tolist() == ["three"]


def test_parameters_have_a_range_or_a_list_of_values() -> None:
    assert find_parameter_domains(ROWS) == {
        "amp": ValueRange(0.5, 1.0),
        "loud": ["True"],
        "synth": ["saw"],
    }


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        ([], ["one", "two", "three"]),
        (["runtime"], ["one"]),
        (["clipped"], ["one", "three"]),
        (["runtime", "no_sleep"], ["one"]),
        (["waiting"], []),
    ],
)
def test_programs_are_filtered_by_the_kinds_of_their_warnings(kinds, names):
    assert filter_programs_by_warnings(ROWS, kinds)["name"].tolist() == names


def test_kinds_and_messages_of_warnings_are_found():
    assert find_warning_kinds(ROWS) == ["clipped", "runtime"]
    assert filter_programs(ROWS, query="divided by")["name"].tolist() == ["one"]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("amp>>>3", "'amp>>>3' is not a comparison"),
        ("amp==3", "'amp==3' is not a comparison"),
        ("amp>", "'amp>' is not a comparison"),
        (">3", "'>3' is not a comparison"),
        ("drums ampp>3", "No program has a parameter 'ampp'"),
        ("amp>loud", "'amp>loud' compares with 'loud'"),
    ],
)
def test_a_comparison_that_cannot_match_is_explained(query: str, problem: str) -> None:
    (message,) = find_query_problems(query, ["amp", "synth"])
    assert message.startswith(problem)


def test_ruby_operators_are_plain_words() -> None:
    assert find_query_problems("amp>=0.5 synth!=saw -> => a->b", ["amp", "synth"]) == []


def test_a_column_of_numbers_is_compared_where_no_program_has_such_a_parameter() -> None:
    rows = ROWS.assign(forecast_loudness=[-9.5, -30.0, None], amp=[9.0, 9.0, 9.0])
    assert list_number_columns(rows) == ["forecast_loudness", "amp"]
    assert filter_programs(rows, query="forecast_loudness>-20")["name"].tolist() == ["one"]
    assert filter_programs(rows, query="forecast_loudness!=1")["name"].tolist() == ["one", "two"]
    assert filter_programs(rows, query="amp>1").empty  # The parameter, not the column.
    assert filter_programs(ROWS, query="forecast_loudness>-20").empty
