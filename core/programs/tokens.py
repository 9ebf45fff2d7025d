"""Ruby source as a row of tokens whose texts, joined, are the source again."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
  | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<newline>\n)
  | (?P<space>[ \t\r]+)
  | (?P<label>[A-Za-z_]\w*[?!]?:(?!:))
  | (?P<symbol>(?<![:\w]):[A-Za-z_]\w*[?!]?)
  | (?P<number>\d[\d_]*(?:\.\d+)?(?:e-?\d+)?)
  | (?P<word>[A-Za-z_]\w*[?!]?)
  | (?P<mark>=>|==|!=|<=|>=|&&|\|\||::|\.\.\.?|.)
    """,
    re.VERBOSE | re.DOTALL,
)
# What this reader doesn't tell apart from other things: here documents, block comments,
# strings in other brackets, characters, regular expressions.
_BEYOND = re.compile(
    r"<<[~-]?[A-Z'\"]|^=begin|^__END__|%[wWiIqQ]?[(\[{<|]|[\s(,]\?\S|[\s(,]/\S[^\n]*/|`",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Token:
    """A piece of source.

    Parameters
    ----------
    kind : str
        "comment", "string", "newline", "space", "label" (`amp:`), "symbol" (`:amp`),
        "number", "word" or "mark".
    text : str
    """

    kind: str
    text: str


def tokens(source: str) -> list[Token]:
    """Return the tokens of a source, finished or not."""
    return [Token(match.lastgroup, match[0]) for match in _TOKEN.finditer(source)]


def joined(row: list[Token]) -> str:
    """Return the source that tokens make."""
    return "".join(token.text for token in row)


def is_plain(source: str) -> bool:
    """Return whether the tokens can be trusted: no here document and the like."""
    odd = _BEYOND.search(source) or "#{" in source
    return not odd and all(source.count(quote) % 2 == 0 for quote in '"')


def significant(row: list[Token], index: int, step: int) -> Token:
    """Return the next token from an index on that is not space; a newline counts."""
    index += step
    while 0 <= index < len(row) and row[index].kind == "space":
        index += step
    return row[index] if 0 <= index < len(row) else Token("newline", "\n")
