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
_COMPARED = re.compile(r"([A-Za-z_]\w*)(!=|>=|<=|=|>|<)(.+)\Z")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class Span(NamedTuple):
    """Numbers from `low` to `high`, both among them."""

    low: float
    high: float


def domains(rows: pd.DataFrame) -> dict[str, Span | list[str]]:
    """What values each parameter has among these rows, those that most rows have first.

    Returns
    -------
    dict of str to Span or list of str
        By name, the span of a parameter that is always a number, else its values as
        texts, sorted.
    """
    values: dict[str, list[Any]] = {}
    for drawn in rows["parameters"]:
        for name, value in drawn.items():
            values.setdefault(name, []).append(value)
    found: dict[str, Span | list[str]] = {}
    for name in sorted(values, key=lambda name: (-len(values[name]), name)):
        if all(_is_number(value) for value in values[name]):
            found[name] = Span(float(min(values[name])), float(max(values[name])))
        else:
            found[name] = sorted({str(value) for value in values[name]})
    return found


def texts(rows: pd.DataFrame) -> pd.Series:
    """What words are looked for in, of each row: name, code and error message, in lower case.

    Making it takes longer than searching it: who searches the same rows again keeps it.
    """
    columns = (rows[column].fillna("") for column in ("name", "source", "error_message"))
    joined = ["\n".join(parts).lower() for parts in zip(*columns)]
    return pd.Series(joined, index=rows.index, dtype=object)


def matching(
    rows: pd.DataFrame,
    *,
    templates: Collection[str] = (),
    roles: Collection[str] = (),
    states: Collection[str] = (),
    parameters: Mapping[str, Span | Collection[str]] = MappingProxyType({}),
    text: str = "",
    searched: pd.Series | None = None,
) -> pd.DataFrame:
    """The rows that fit every filter; an empty filter fits all.

    Parameters
    ----------
    rows : DataFrame
        As of `core.corpus.Corpus.programs`.
    templates, roles, states : collection of str
        One of these.
    parameters : mapping of str to Span or collection of str
        By name, what its value must lie in, or be one of as a text. A program without
        that parameter doesn't fit.
    text : str
        Words with spaces between, all of which must fit. "amp>0.5", "synth=saw" and
        "synth!=saw" compare a parameter: numbers by value, anything else as text in
        whatever case. Any other word must occur in the name, the code or the error
        message, in whatever case.
    searched : Series of str, optional
        As of `texts`, of these rows or of more; made anew if it isn't given.

    Returns
    -------
    DataFrame
        With the index that `rows` has.
    """
    fits = np.ones(len(rows), bool)
    for column, among in (("template", templates), ("role", roles), ("state", states)):
        if among:
            fits &= rows[column].isin(list(among)).to_numpy()
    for name, wanted in parameters.items():
        fits &= _each(_lies_in(values.get(name), wanted) for values in rows["parameters"])
    for word in text.split():
        if compared := _COMPARED.match(word):
            fits &= _each(_compares(values, *compared.groups()) for values in rows["parameters"])
        else:
            searched = texts(rows) if searched is None else searched
            low = word.lower()
            # One after the other: what a word before this one left out is not looked at again.
            fits[fits] = _each(low in each for each in searched.loc[rows.index[fits]])
    return rows[fits]


def _each(answers: Iterable[bool]) -> np.ndarray:
    return np.fromiter(answers, bool)


def _lies_in(value: Any, among: Span | Collection[str]) -> bool:
    if value is None:
        return False
    if isinstance(among, Span):
        return _is_number(value) and among.low <= value <= among.high
    return str(value) in among


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _compares(values: dict[str, Any], name: str, sign: str, wanted: str) -> bool:
    if name not in values:
        return False
    value = values[name]
    left, right = _number(value), _number(wanted)
    if left is None or right is None:
        if sign not in ("=", "!="):
            return False
        left, right = str(value).lower(), wanted.lower()
    if sign in _OPERATORS:
        return _OPERATORS[sign](left, right)
    return (left == right) is (sign == "=")


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
