"""How well neighbours found by code foretell the sound of programs that no template made."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

WORD = r"[A-Za-z_]\w*[?!]?"
TOKENS = re.compile(r"\w+|[^\w\s]")
COMMENT = re.compile(r"#[^\n]*")
CANDIDATES = 200  # by words, before programs are compared token by token
LONGEST = 400  # tokens of a program that are compared


def bag_of_words(base: Sequence[str], queries: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """tf-idf of the identifiers: float [n, d] and [m, d]; idf from the base alone."""
    counted = TfidfVectorizer(
        token_pattern=WORD, lowercase=False, sublinear_tf=True, min_df=2, dtype=np.float32
    )
    return counted.fit_transform(base).toarray(), counted.transform(queries).toarray()


def edit_distances(query: Sequence[int], others: Sequence[Sequence[int]]) -> np.ndarray:
    """Levenshtein distance of one sequence of tokens to each of some others.

    Parameters
    ----------
    query : sequence of int
        Tokens by number, 0 or more.
    others : sequence of sequence of int

    Returns
    -------
    array, int [len(others)]
        Least number of tokens to put in, take out or exchange.

    Notes
    -----
    Wagner & Fischer, "The String-to-String Correction Problem", JACM 1974; a row of the table
    at a time, for all others at once.
    """
    lengths = np.array([len(other) for other in others])
    width = int(lengths.max(initial=0))
    table = np.full((len(others), width), -1)  # [c, w]; -1 equals no token
    for row, other in zip(table, others):
        row[: len(other)] = other
    steps = np.arange(width + 1)
    above = np.tile(steps, (len(others), 1))  # [c, w + 1]
    for token in query:
        row = np.empty_like(above)
        row[:, 0] = above[:, 0] + 1
        row[:, 1:] = np.minimum(above[:, 1:] + 1, above[:, :-1] + (table != token))
        # What is put in comes from the left: the least of all places before, a step each.
        above = np.minimum.accumulate(row - steps, axis=1) + steps
    return above[np.arange(len(others)), lengths]


def nearest_by_edits(
    base: Sequence[str], queries: Sequence[str], k: int, shortlist: np.ndarray
) -> np.ndarray:
    """For each query the k programs of the base that fewest edits lead to: int [m, k].

    Parameters
    ----------
    base, queries : sequence of str
    k : int
    shortlist : array, int [m, c]
        Rows of the base that are compared; the others are not looked at.

    Notes
    -----
    Levenshtein distance over tokens, without comments, as a share of the longer program; of
    each program its first 400 tokens.
    """
    numbers: dict[str, int] = {}
    read = [
        [numbers.setdefault(token, len(numbers)) for token in _tokens(text)]
        for text in (*base, *queries)
    ]
    found = []
    for place, rows in enumerate(shortlist, len(base)):
        query, others = read[place], [read[row] for row in rows]
        longer = np.array([max(len(query), len(other), 1) for other in others])
        order = np.argsort(edit_distances(query, others) / longer, kind="stable")
        found.append(rows[order[:k]])
    return np.array(found)


def _tokens(source: str) -> list[str]:
    return TOKENS.findall(COMMENT.sub("", source))[:LONGEST]
