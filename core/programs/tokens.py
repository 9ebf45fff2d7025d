"""Ruby source as a row of tokens whose texts, joined, are the source again."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN_PATTERN = re.compile(
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
_UNSUPPORTED_SYNTAX_PATTERN = re.compile(
    r"<<[~-]?[A-Z'\"]|^=begin|^__END__|%[wWiIqQ]?[(\[{<|]|[\s(,]\?\S|[\s(,]/\S[^\n]*/|`",
    re.MULTILINE,
)


@dataclass(frozen=True)
class RubyToken:
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


def tokenize_ruby(source: str) -> list[RubyToken]:
    """Return the tokens of a source, finished or not."""
    return [RubyToken(match.lastgroup, match[0]) for match in _TOKEN_PATTERN.finditer(source)]


def join_tokens(tokens: list[RubyToken]) -> str:
    """Return the source that tokens make."""
    return "".join(token.text for token in tokens)


def is_reliably_tokenizable(source: str) -> bool:
    """Return whether the tokens can be trusted: no here document and the like."""
    odd = _UNSUPPORTED_SYNTAX_PATTERN.search(source) or "#{" in source
    return not odd and all(source.count(quote) % 2 == 0 for quote in '"')


def find_adjacent_token(tokens: list[RubyToken], index: int, direction: int) -> RubyToken:
    """Return the next token from an index on that is not space; a newline counts."""
    index += direction
    while 0 <= index < len(tokens) and tokens[index].kind == "space":
        index += direction
    return tokens[index] if 0 <= index < len(tokens) else RubyToken("newline", "\n")
