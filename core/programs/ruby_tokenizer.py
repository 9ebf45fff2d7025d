"""A lossless tokenizer of Ruby source: the joined token texts are the source."""

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
# Syntax that the token pattern cannot recognize: here documents, block comments, percent
# literals, character literals, regular expressions and shell commands.
_UNSUPPORTED_SYNTAX_PATTERN = re.compile(
    r"<<[~-]?[A-Z'\"]|^=begin|^__END__|%[wWiIqQ]?[(\[{<|]|[\s(,]\?\S|[\s(,]/\S[^\n]*/|`",
    re.MULTILINE,
)


@dataclass(frozen=True)
class RubyToken:
    """One token of Ruby source.

    Parameters
    ----------
    kind : str
        "comment", "string", "newline", "space", "label" (`amp:`), "symbol" (`:amp`),
        "number", "word" or "mark".
    text : str
        Source text of the token.
    """

    kind: str
    text: str


def tokenize_ruby(source: str) -> list[RubyToken]:
    """Split a Ruby source into tokens.

    Parameters
    ----------
    source : str
        Ruby code, complete or not.

    Returns
    -------
    list of RubyToken
        Tokens whose texts, joined, are the source.
    """
    return [
        RubyToken(match.lastgroup or "mark", match[0]) for match in _TOKEN_PATTERN.finditer(source)
    ]


def join_tokens(tokens: list[RubyToken]) -> str:
    """Return the source that consists of the given tokens."""
    return "".join(token.text for token in tokens)


def is_reliably_tokenizable(source: str) -> bool:
    """Return whether a source contains only syntax that `tokenize_ruby` recognizes."""
    has_unsupported_syntax = _UNSUPPORTED_SYNTAX_PATTERN.search(source) or "#{" in source
    return not has_unsupported_syntax and source.count('"') % 2 == 0


def find_adjacent_token(tokens: list[RubyToken], index: int, direction: int) -> RubyToken:
    """Return the nearest token before or after an index that is not space.

    Parameters
    ----------
    tokens : list of RubyToken
        Tokens of a source.
    index : int
        Index of the token to start from.
    direction : {-1, 1}
        Whether to search backwards or forwards.

    Returns
    -------
    RubyToken
        May be a newline; beyond either end of the source it is a newline.
    """
    index += direction
    while 0 <= index < len(tokens) and tokens[index].kind == "space":
        index += direction
    return tokens[index] if 0 <= index < len(tokens) else RubyToken("newline", "\n")
