"""Which of a corpus's programs somebody asks for."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

# "amp>0.5", "synth=saw"; "!=" and ">=" before "=" and ">".
_COMPARISON_PATTERN = re.compile(r"([A-Za-z_]\w*)(!=|>=|<=|=|>|<)(.+)\Z")
_ORDER_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class ValueRange(NamedTuple):
    """Numbers from `low` to `high`, both among them."""

    low: float
    high: float


def find_parameter_domains(programs: pd.DataFrame) -> dict[str, ValueRange | list[str]]:
    """What values each parameter has among these rows, those that most rows have first.

    Returns
    -------
    dict of str to Span or list of str
        By name, the span of a parameter that is always a number, else its values as
        texts, sorted.
    """
    values: dict[str, list[Any]] = {}
    for drawn in programs["parameters"]:
        for name, value in drawn.items():
            values.setdefault(name, []).append(value)
    found: dict[str, ValueRange | list[str]] = {}
    for name in sorted(values, key=lambda name: (-len(values[name]), name)):
        if all(_is_number(value) for value in values[name]):
            found[name] = ValueRange(float(min(values[name])), float(max(values[name])))
        else:
            found[name] = sorted({str(value) for value in values[name]})
    return found


def build_search_texts(programs: pd.DataFrame) -> pd.Series:
    """What words are looked for in, of each row: name, code and error message, in lower case.

    Making it takes longer than searching it: who searches the same rows again keeps it.
    """
    columns = (programs[column].fillna("") for column in ("name", "source", "error_message"))
    joined = ["\n".join(parts).lower() for parts in zip(*columns)]
    return pd.Series(joined, index=programs.index, dtype=object)


def filter_programs(
    programs: pd.DataFrame,
    *,
    templates: Collection[str] = (),
    roles: Collection[str] = (),
    states: Collection[str] = (),
    parameters: Mapping[str, ValueRange | Collection[str]] = MappingProxyType({}),
    query: str = "",
    search_texts: pd.Series | None = None,
) -> pd.DataFrame:
    """The rows that fit every filter; an empty filter fits all.

    Parameters
    ----------
    programs : DataFrame
        As of `core.corpus.Corpus.programs`.
    templates, roles, states : collection of str
        One of these.
    parameters : mapping of str to Span or collection of str
        By name, what its value must lie in, or be one of as a text. A program without
        that parameter doesn't fit.
    query : str
        Words with spaces between, all of which must fit. "amp>0.5", "synth=saw" and
        "synth!=saw" compare a parameter: numbers by value, anything else as text in
        whatever case. Any other word must occur in the name, the code or the error
        message, in whatever case.
    search_texts : Series of str, optional
        As of `texts`, of these rows or of more; made anew if it isn't given.

    Returns
    -------
    DataFrame
        With the index that `programs` has.
    """
    fits = np.ones(len(programs), bool)
    for column, among in (("template", templates), ("role", roles), ("state", states)):
        if among:
            fits &= programs[column].isin(list(among)).to_numpy()
    for name, wanted in parameters.items():
        fits &= _to_bool_array(_is_value_allowed(values.get(name), wanted) for values in programs["parameters"])
    for word in query.split():
        if compared := _COMPARISON_PATTERN.match(word):
            fits &= _to_bool_array(_is_comparison_true(values, *compared.groups()) for values in programs["parameters"])
        else:
            search_texts = build_search_texts(programs) if search_texts is None else search_texts
            low = word.lower()
            # One after the other: what a word before this one left out is not looked at again.
            fits[fits] = _to_bool_array(low in each for each in search_texts.loc[programs.index[fits]])
    return programs[fits]


def _to_bool_array(answers: Iterable[bool]) -> np.ndarray:
    return np.fromiter(answers, bool)


def _is_value_allowed(value: Any, allowed_values: ValueRange | Collection[str]) -> bool:
    if value is None:
        return False
    if isinstance(allowed_values, ValueRange):
        return _is_number(value) and allowed_values.low <= value <= allowed_values.high
    return str(value) in allowed_values


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_comparison_true(parameters: dict[str, Any], parameter_name: str, comparator: str, operand: str) -> bool:
    if parameter_name not in parameters:
        return False
    value = parameters[parameter_name]
    left, right = _parse_number(value), _parse_number(operand)
    if left is None or right is None:
        if comparator not in ("=", "!="):
            return False
        left, right = str(value).lower(), operand.lower()
    if comparator in _ORDER_OPERATORS:
        return _ORDER_OPERATORS[comparator](left, right)
    return (left == right) is (comparator == "=")


def _parse_number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
