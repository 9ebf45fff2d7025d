"""How well neighbours found by code foretell the sound of programs that no template made."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

IDENTIFIER_PATTERN = r"[A-Za-z_]\w*[?!]?"
TOKEN_PATTERN = re.compile(r"\w+|[^\w\s]")
COMMENT_PATTERN = re.compile(r"#[^\n]*")
SHORTLIST_SIZE = 200  # by words, before programs are compared token by token
MAX_COMPARED_TOKENS = 400  # tokens of a program that are compared


def vectorise_identifiers(base_sources: Sequence[str], query_sources: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """tf-idf of the identifiers: float [n, d] and [m, d]; idf from the base alone."""
    counted = TfidfVectorizer(
        token_pattern=IDENTIFIER_PATTERN, lowercase=False, sublinear_tf=True, min_df=2, dtype=np.float32
    )
    return counted.fit_transform(base_sources).toarray(), counted.transform(query_sources).toarray()


def compute_edit_distances(query: Sequence[int], candidates: Sequence[Sequence[int]]) -> np.ndarray:
    """Levenshtein distance of one sequence of tokens to each of some others.

    Parameters
    ----------
    query : sequence of int
        Tokens by number, 0 or more.
    candidates : sequence of sequence of int

    Returns
    -------
    array, int [len(others)]
        Least number of tokens to put in, take out or exchange.

    Notes
    -----
    Wagner & Fischer, "The String-to-String Correction Problem", JACM 1974; a row of the table
    at a time, for all others at once.
    """
    lengths = np.array([len(other) for other in candidates])
    width = int(lengths.max(initial=0))
    table = np.full((len(candidates), width), -1)  # [c, w]; -1 equals no token
    for row, other in zip(table, candidates):
        row[: len(other)] = other
    steps = np.arange(width + 1)
    above = np.tile(steps, (len(candidates), 1))  # [c, w + 1]
    for token in query:
        row = np.empty_like(above)
        row[:, 0] = above[:, 0] + 1
        row[:, 1:] = np.minimum(above[:, 1:] + 1, above[:, :-1] + (table != token))
        # What is put in comes from the left: the least of all places before, a step each.
        above = np.minimum.accumulate(row - steps, axis=1) + steps
    return above[np.arange(len(candidates)), lengths]


def rank_by_edit_distance(
    base_sources: Sequence[str], query_sources: Sequence[str], k: int, shortlist: np.ndarray
) -> np.ndarray:
    """For each query the k programs of the base that fewest edits lead to: int [m, k].

    Parameters
    ----------
    base_sources, query_sources : sequence of str
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
        [numbers.setdefault(token, len(numbers)) for token in _tokenise(text)]
        for text in (*base_sources, *query_sources)
    ]
    found = []
    for place, rows in enumerate(shortlist, len(base_sources)):
        query, others = read[place], [read[row] for row in rows]
        longer = np.array([max(len(query), len(other), 1) for other in others])
        order = np.argsort(compute_edit_distances(query, others) / longer, kind="stable")
        found.append(rows[order[:k]])
    return np.array(found)


def _tokenise(source: str) -> list[str]:
    return TOKEN_PATTERN.findall(COMMENT_PATTERN.sub("", source))[:MAX_COMPARED_TOKENS]
