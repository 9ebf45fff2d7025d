"""Which of a corpus's programs somebody asks for."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection
from typing import Any

import pandas as pd

# "amp>0.5", "synth=saw"; "!=" and ">=" before "=" and ">".
_COMPARED = re.compile(r"([A-Za-z_]\w*)(!=|>=|<=|=|>|<)(.+)\Z")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


def matching(
    rows: pd.DataFrame,
    *,
    templates: Collection[str] = (),
    roles: Collection[str] = (),
    states: Collection[str] = (),
    text: str = "",
) -> pd.DataFrame:
    """The rows that fit every filter; an empty filter fits all.

    Parameters
    ----------
    rows : DataFrame
        As of `core.corpus.Corpus.programs`.
    templates, roles, states : collection of str
        One of these.
    text : str
        Words with spaces between, all of which must fit. "amp>0.5", "synth=saw" and
        "synth!=saw" compare a parameter: numbers by value, anything else as text in
        whatever case. Any other word must occur in the name, the code or the error
        message, in whatever case.

    Returns
    -------
    DataFrame
        With the index that `rows` has.
    """
    fits = pd.Series(True, index=rows.index)
    for column, among in (("template", templates), ("role", roles), ("state", states)):
        if among:
            fits &= rows[column].isin(list(among))
    for word in text.split():
        compared = _COMPARED.match(word)
        if compared:
            fits &= rows["parameters"].map(lambda values: _compares(values, *compared.groups()))
        else:
            fits &= _contains(rows, word)
    return rows[fits.astype(bool)]


def _contains(rows: pd.DataFrame, word: str) -> pd.Series:
    found = pd.Series(False, index=rows.index)
    for column in ("name", "source", "error_message"):
        texts = rows[column].fillna("").astype(str)
        found |= texts.str.contains(word, case=False, regex=False)
    return found


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
