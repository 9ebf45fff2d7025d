"""Ruby methods of interpreted strings and symbols, without a block."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from core.sonicpi.interpreter.ranges_and_enumerators import Range
from core.sonicpi.interpreter.values import (
    MAX_LIST_LENGTH,
    MAX_STRING_CHARS,
    UNKNOWN,
    Ring,
    Symbol,
    to_number_or_default,
)

MAX_PATTERN_CHARS = 64
# A pattern with groups, or with more than one repetition, can take exponential time.
SLOW_PATTERN = re.compile(r"[(].*[+*{?]|[+*{?].*[+*{?]|\\[1-9]", re.DOTALL)
NUMBER_PREFIX = re.compile(r"\s*([+-]?\d+(?:_\d+)*(\.\d+)?(?:e[+-]?\d+)?)", re.IGNORECASE)


class Pattern(str):
    """The source of a regular expression."""

    def compile_ruby_regexp(self) -> re.Pattern[str] | None:
        """Return the compiled pattern; None when it is not valid here, or could be slow."""
        if len(self) > MAX_PATTERN_CHARS or SLOW_PATTERN.search(self):
            return None
        try:
            return re.compile(self.replace("\\h", "[0-9a-fA-F]").replace("\\z", "\\Z"))
        except (re.error, OverflowError, RecursionError):
            return None


def call_string_method(receiver: str, name: str, args: list[Any]) -> Any:
    """Return the value of a method of a string; `UNKNOWN` when it is not defined here.

    Parameters
    ----------
    receiver : str
    name : str
        Name of the method.
    args : list
        Positional arguments.
    """
    name = name.removesuffix("!")
    if name in _METHODS:
        return _METHODS[name](receiver)
    if name in _METHODS_WITH_ARGUMENTS:
        try:
            return _METHODS_WITH_ARGUMENTS[name](receiver, args)
        except (IndexError, ValueError):
            return None
    return UNKNOWN


def _parse_leading_number(text: str) -> tuple[str, bool] | None:
    match = NUMBER_PREFIX.match(text[:MAX_PATTERN_CHARS])
    return (match[1].replace("_", ""), match[2] is not None) if match else None


def parse_leading_integer(text: str) -> int:
    """Return the integer at the start of a string; 0 without one."""
    number = _parse_leading_number(text)
    return int(float(number[0])) if number else 0


def parse_leading_float(text: str) -> float:
    """Return the number at the start of a string; 0 without one."""
    number = _parse_leading_number(text)
    return float(number[0]) if number else 0.0


def _split_string(text: str, args: list[Any]) -> Any:
    separator = args[0] if args else None
    if isinstance(separator, Pattern):
        pattern = separator.compile_ruby_regexp()
        parts = pattern.split(text) if pattern else [text]
    elif separator in (None, " "):
        parts = text.split()
    else:
        parts = text.split(str(separator)) if separator else list(text)
    while parts and parts[-1] == "":  # Ruby drops empty strings at the end.
        parts.pop()
    return parts[:MAX_LIST_LENGTH]


def _replace_matches_in_string(text: str, args: list[Any], count: int = 0) -> Any:
    pattern, replacement = args[0], args[1]
    if isinstance(replacement, dict):
        return "".join(str(replacement.get(char, "")) for char in text)
    if isinstance(pattern, Pattern):
        compiled = pattern.compile_ruby_regexp()
        if compiled is None:
            return UNKNOWN
        return compiled.sub(lambda _match: str(replacement), text, count)[:MAX_STRING_CHARS]
    return text.replace(str(pattern), str(replacement), count or -1)[:MAX_STRING_CHARS]


def _find_all_regexp_matches(text: str, args: list[Any]) -> Any:
    pattern = args[0]
    compiled = pattern.compile_ruby_regexp() if isinstance(pattern, Pattern) else None
    if isinstance(pattern, Pattern):
        if compiled is None:
            return UNKNOWN
        groups = [
            list(found) if isinstance(found, tuple) else found for found in compiled.findall(text)
        ]
        return groups[:MAX_LIST_LENGTH]
    return [str(pattern)] * text.count(str(pattern)) if pattern else []


def _find_regexp_match_position(text: str, args: list[Any]) -> Any:
    text, pattern = (args[0], text) if isinstance(text, Pattern) else (text, args[0])
    compiled = pattern.compile_ruby_regexp() if isinstance(pattern, Pattern) else None
    if compiled is None or not isinstance(text, str):
        return UNKNOWN
    match = compiled.search(text)
    return match.start() if match else None


def _get_substring(text: str, args: list[Any]) -> Any:
    key = args[0]
    if isinstance(key, Range):
        return "".join(key.get_list_elements_in_range(list(text)))
    if isinstance(key, str) and not isinstance(key, Pattern):
        return str(key) if key in text else None
    index = int(to_number_or_default(key))
    if not -len(text) <= index < len(text):
        return None
    start = index % len(text)
    return (
        text[start : start + max(0, int(to_number_or_default(args[1])))]
        if len(args) > 1
        else text[start]
    )


def _translate_characters(text: str, args: list[Any]) -> str:
    source, target = str(args[0]), str(args[1])
    target = target.ljust(len(source), target[-1:]) if target else ""
    table = {ord(char): target[i] if target else None for i, char in enumerate(source)}
    return text.translate(table)


_METHODS: dict[str, Callable[[str], Any]] = {
    "ring": lambda text: Ring(text[:MAX_LIST_LENGTH]),
    "chars": lambda text: list(text[:MAX_LIST_LENGTH]),
    "bytes": lambda text: list(text.encode("utf-8", "replace")[:MAX_LIST_LENGTH]),
    "length": len,
    "size": len,
    "empty?": lambda text: not text,
    "to_sym": Symbol,
    "intern": Symbol,
    "to_s": str,
    "to_str": str,
    "to_i": parse_leading_integer,
    "to_f": parse_leading_float,
    "hex": lambda text: int(text, 16) if re.fullmatch(r"(0x)?[0-9a-fA-F]{1,12}", text) else 0,
    "reverse": lambda text: text[::-1],
    "strip": lambda text: text.strip(),
    "lstrip": lambda text: text.lstrip(),
    "rstrip": lambda text: text.rstrip(),
    "chomp": lambda text: text.rstrip("\r\n"),
    "chop": lambda text: text[:-1],
    "downcase": lambda text: text.lower(),
    "upcase": lambda text: text.upper(),
    "capitalize": lambda text: text.capitalize(),
    "swapcase": lambda text: text.swapcase(),
    "lines": lambda text: text.splitlines(keepends=True)[:MAX_LIST_LENGTH],
    "ord": lambda text: ord(text[0]) if text else 0,
    "sum": lambda text: sum(text.encode("utf-8", "replace")),
}
_METHODS_WITH_ARGUMENTS: dict[str, Callable[[str, list[Any]], Any]] = {
    "split": _split_string,
    "gsub": _replace_matches_in_string,
    "sub": lambda text, args: _replace_matches_in_string(text, args, 1),
    "tr": _translate_characters,
    "delete": lambda text, args: "".join(char for char in text if char not in str(args[0])),
    "scan": _find_all_regexp_matches,
    "=~": _find_regexp_match_position,
    "match": _find_regexp_match_position,
    "match?": lambda text, args: _find_regexp_match_position(text, args) is not None,
    "[]": _get_substring,
    "slice": _get_substring,
    "include?": lambda text, args: str(args[0]) in text,
    "start_with?": lambda text, args: any(text.startswith(str(arg)) for arg in args),
    "end_with?": lambda text, args: any(text.endswith(str(arg)) for arg in args),
    "index": lambda text, args: text.index(str(args[0])),
    "count": lambda text, args: sum(char in str(args[0]) for char in text),
    "ljust": lambda text, args: text.ljust(
        min(int(to_number_or_default(args[0])), MAX_STRING_CHARS)
    ),
    "rjust": lambda text, args: text.rjust(
        min(int(to_number_or_default(args[0])), MAX_STRING_CHARS)
    ),
    "concat": lambda text, args: (text + "".join(map(str, args)))[:MAX_STRING_CHARS],
    "prepend": lambda text, args: (str(args[0]) + text)[:MAX_STRING_CHARS],
}
