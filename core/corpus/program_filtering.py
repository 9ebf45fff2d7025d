"""Filter the programs of a corpus by template, role, state, warnings, parameters and a query."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

# "amp>0.5", "synth=saw". "!=" and ">=" come before "=" and ">", which they contain.
_COMPARISON_PATTERN = re.compile(r"([A-Za-z_]\w*)(!=|>=|<=|=|>|<)(.+)\Z")
# "amp>", "amp==" and ">3": a part is missing. "->" and "=>" are Ruby and are searched as text.
_UNFINISHED_COMPARISON_PATTERN = re.compile(r"[A-Za-z_]\w*[<>=!]+\Z|[<>=!]+[\d.]+\Z")
_MAX_LISTED_PARAMETERS = 12
_ORDER_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class ValueRange(NamedTuple):
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float


def find_parameter_domains(programs: pd.DataFrame) -> dict[str, ValueRange | list[str]]:
    """Return the values that each parameter has among programs.

    Parameters
    ----------
    programs : DataFrame
        As `core.corpus.Corpus.load_programs` returns them.

    Returns
    -------
    dict of str to ValueRange or list of str
        By the parameter's name, most frequent first: the range of a parameter that is always a
        number, else its values as texts, sorted.
    """
    values_by_name: dict[str, list[Any]] = {}
    for parameters in programs["parameters"]:
        for name, value in parameters.items():
            values_by_name.setdefault(name, []).append(value)
    domains: dict[str, ValueRange | list[str]] = {}
    for name in sorted(values_by_name, key=lambda name: (-len(values_by_name[name]), name)):
        values = values_by_name[name]
        if all(_is_number(value) for value in values):
            domains[name] = ValueRange(float(min(values)), float(max(values)))
        else:
            domains[name] = sorted({str(value) for value in values})
    return domains


def find_warning_kinds(programs: pd.DataFrame) -> list[str]:
    """Return the kinds of warnings that programs have, sorted."""
    return sorted({warning["kind"] for warnings in programs["warnings"] for warning in warnings})


def filter_programs_by_warnings(programs: pd.DataFrame, kinds: Collection[str]) -> pd.DataFrame:
    """Return the rows that have a warning of at least one kind; all rows if there are no kinds.

    Parameters
    ----------
    programs : DataFrame
        As `core.corpus.Corpus.load_programs` returns them.
    kinds : collection of str
        Errors that ended one thread of a program with a clip are warnings of the kinds "runtime",
        "no_sleep" and "syntax".
    """
    if not kinds:
        return programs
    return programs[
        _to_bool_array(
            any(warning["kind"] in kinds for warning in warnings)
            for warnings in programs["warnings"]
        )
    ]


def filter_programs_with_thread_errors(programs: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a clip in which an error ended a thread."""
    has_error = _to_bool_array(
        any(warning.get("seconds") is not None for warning in warnings)
        for warnings in programs["warnings"]
    )
    return programs[has_error & (programs["state"] == "ok").to_numpy()]


def build_program_search_texts(programs: pd.DataFrame) -> pd.Series:
    """Return the text that a query searches in each row: name, code and messages.

    Building the texts takes longer than searching them, so a caller that searches the same rows
    again should keep them.

    Returns
    -------
    Series of str
        In lower case, with the index of `programs`.
    """
    columns = [programs[column].fillna("") for column in ("name", "source", "error_message")]
    if "warnings" in programs:
        columns.append(programs["warnings"].map(_join_warning_messages))
    texts = ["\n".join(parts).lower() for parts in zip(*columns)]
    return pd.Series(texts, index=programs.index, dtype=object)


def _join_warning_messages(warnings: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(warning["message"] for warning in warnings)


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
    """Return the rows that match every filter; an empty filter matches all rows.

    Parameters
    ----------
    programs : DataFrame
        As `core.corpus.Corpus.load_programs` returns them, with or without further columns.
    templates, roles, states : collection of str
        Accepted values of these columns.
    parameters : mapping of str to ValueRange or collection of str
        By name, the range of accepted numbers or the accepted values as texts. A program without
        that parameter does not match.
    query : str
        Words separated by spaces, all of which must match. "amp>0.5", "synth=saw" and
        "synth!=saw" compare a parameter: numbers by value, everything else as text. A name that
        no program has as a parameter may be a column of numbers: "forecast_loudness>-20". Any other
        word must occur in the name, the code, the error message or a warning. Case is ignored.
    search_texts : Series of str, optional
        The result of `build_program_search_texts` for these or more rows. Default: it is computed.

    Returns
    -------
    DataFrame
        With the index of `programs`.
    """
    matches = np.ones(len(programs), bool)
    for column, accepted in (("template", templates), ("role", roles), ("state", states)):
        if accepted:
            matches &= programs[column].isin(list(accepted)).to_numpy()
    for name, domain in parameters.items():
        matches &= _to_bool_array(
            _is_parameter_value_allowed(values.get(name), domain)
            for values in programs["parameters"]
        )
    for word in query.split():
        if comparison := _COMPARISON_PATTERN.match(word):
            matches &= _find_rows_where_comparison_is_true(programs, *comparison.groups())
        else:
            if search_texts is None:
                search_texts = build_program_search_texts(programs)
            lower_word = word.lower()
            # Rows that an earlier word excluded are not searched.
            candidates = search_texts.loc[programs.index[matches]]
            matches[matches] = _to_bool_array(lower_word in text for text in candidates)
    return programs[matches]


def list_number_columns(programs: pd.DataFrame) -> list[str]:
    """Return the columns of numbers that a query can compare, such as "rms"."""
    return [str(name) for name in programs.select_dtypes("number").columns]


def _find_rows_where_comparison_is_true(
    programs: pd.DataFrame, name: str, comparator: str, operand: str
) -> np.ndarray:
    """Return which rows match "NAME COMPARATOR OPERAND": bool [n]."""
    rows: Iterable[Mapping[str, Any]] = programs["parameters"]
    has_parameter = any(name in values for values in rows)
    if not has_parameter and name in list_number_columns(programs):
        rows = ({name: value} if value == value else {} for value in programs[name].tolist())
    return _to_bool_array(
        _is_parameter_comparison_true(values, name, comparator, operand) for values in rows
    )


def find_query_problems(query: str, parameter_names: Collection[str]) -> list[str]:
    """Return why parts of a query cannot match as they were meant.

    Parameters
    ----------
    query : str
        As `filter_programs` takes it.
    parameter_names : collection of str
        Parameters that at least one program has, and columns of numbers.

    Returns
    -------
    list of str
        One sentence per comparison that cannot be read, compares text by order, or names a
        parameter that no program has.

    Examples
    --------
    >>> find_query_problems("amp>>>3", ["amp"])
    ["'amp>>>3' is not a comparison. Write a parameter, one of = != > >= < <= and a value: amp>3."]
    >>> find_query_problems("drums amp>0.5", ["amp"])
    []
    """
    problems = []
    for word in query.split():
        comparison = _COMPARISON_PATTERN.match(word)
        if comparison is None:
            if _UNFINISHED_COMPARISON_PATTERN.match(word):
                problems.append(_describe_malformed_comparison(word))
            continue
        name, comparator, operand = comparison.groups()
        if operand[0] in "<>=!":
            problems.append(_describe_malformed_comparison(word))
        elif name not in parameter_names:
            listed_names = ", ".join(sorted(parameter_names)[:_MAX_LISTED_PARAMETERS]) or "none"
            problems.append(f"No program has a parameter '{name}'. Parameters: {listed_names}.")
        elif comparator in _ORDER_OPERATORS and _parse_number(operand) is None:
            problems.append(f"'{word}' compares with '{operand}', which is not a number.")
    return problems


def _describe_malformed_comparison(word: str) -> str:
    return (
        f"'{word}' is not a comparison. Write a parameter, one of = != > >= < <= and a value:"
        " amp>3."
    )


def _to_bool_array(answers: Iterable[bool]) -> np.ndarray:
    return np.fromiter(answers, bool)


def _is_parameter_value_allowed(value: Any, domain: ValueRange | Collection[str]) -> bool:
    if value is None:
        return False
    if isinstance(domain, ValueRange):
        return _is_number(value) and domain.low <= value <= domain.high
    return str(value) in domain


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_parameter_comparison_true(
    parameters: Mapping[str, Any], parameter_name: str, comparator: str, operand: str
) -> bool:
    if parameter_name not in parameters:
        return False
    value = parameters[parameter_name]
    left: Any = _parse_number(value)
    right: Any = _parse_number(operand)
    if left is None or right is None:
        if comparator not in ("=", "!="):
            return False
        left, right = str(value).lower(), operand.lower()
    if comparator in _ORDER_OPERATORS:
        return _ORDER_OPERATORS[comparator](left, right)
    return bool((left == right) is (comparator == "="))


def _parse_number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
