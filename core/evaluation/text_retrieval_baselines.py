"""Text baselines of retrieval: tf-idf of identifiers and edit distance of tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

IDENTIFIER_PATTERN = r"[A-Za-z_]\w*[?!]?"
TOKEN_PATTERN = re.compile(r"\w+|[^\w\s]")
COMMENT_PATTERN = re.compile(r"#[^\n]*")
SHORTLIST_SIZE = 200
"""Programs nearest by tf-idf whose edit distances are computed."""
MAX_COMPARED_TOKENS = 400
"""Tokens of a program that are compared, from its beginning."""


def compute_identifier_tfidf(
    base_sources: Sequence[str], query_sources: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the tf-idf vectors of the identifiers of programs.

    Parameters
    ----------
    base_sources, query_sources : sequence of str
        n and m programs. The inverse document frequencies are those of the base alone.

    Returns
    -------
    base, queries : array, float32 [n, d] and [m, d]
    """
    vectorizer = TfidfVectorizer(
        token_pattern=IDENTIFIER_PATTERN,
        lowercase=False,
        sublinear_tf=True,
        min_df=2,
        dtype=np.float32,
    )
    base = vectorizer.fit_transform(base_sources).toarray()
    return base, vectorizer.transform(query_sources).toarray()


def compute_edit_distances(query: Sequence[int], candidates: Sequence[Sequence[int]]) -> np.ndarray:
    """Compute the Levenshtein distances of a token sequence and several others.

    Parameters
    ----------
    query : sequence of int
        Token numbers, 0 or more.
    candidates : sequence of sequence of int

    Returns
    -------
    array, int [len(candidates)]
        Minimum number of tokens to insert, delete or replace.

    Notes
    -----
    Wagner & Fischer, "The String-to-String Correction Problem", JACM 1974. One row of the table
    is computed at a time, for all candidates at once.
    """
    lengths = np.array([len(candidate) for candidate in candidates])
    width = int(lengths.max(initial=0))
    tokens = np.full((len(candidates), width), -1)  # [c, w]; -1 equals no token
    for row, candidate in zip(tokens, candidates):
        row[: len(candidate)] = candidate
    steps = np.arange(width + 1)
    previous = np.tile(steps, (len(candidates), 1))  # [c, w + 1]
    for token in query:
        current = np.empty_like(previous)
        current[:, 0] = previous[:, 0] + 1
        current[:, 1:] = np.minimum(previous[:, 1:] + 1, previous[:, :-1] + (tokens != token))
        # Insertions come from the left, at a cost of one per column: a running minimum.
        previous = np.minimum.accumulate(current - steps, axis=1) + steps
    return previous[np.arange(len(candidates)), lengths]


def find_nearest_programs_by_edit_distance(
    base_sources: Sequence[str], query_sources: Sequence[str], k: int, shortlist: np.ndarray
) -> np.ndarray:
    """Find the k programs of the base with the smallest edit distance to each query.

    Parameters
    ----------
    base_sources, query_sources : sequence of str
    k : int
    shortlist : array, int [m, c]
        For each query the rows of the base to compare with.

    Returns
    -------
    array, int [m, k]
        Rows of the base, nearest first.

    Notes
    -----
    Levenshtein distance over the first 400 tokens, without comments, divided by the length of
    the longer program.
    """
    token_numbers: dict[str, int] = {}
    sequences = [
        [token_numbers.setdefault(token, len(token_numbers)) for token in _tokenise_source(source)]
        for source in (*base_sources, *query_sources)
    ]
    nearest = []
    for position, rows in enumerate(shortlist, len(base_sources)):
        query, candidates = sequences[position], [sequences[row] for row in rows]
        lengths = np.array([max(len(query), len(candidate), 1) for candidate in candidates])
        order = np.argsort(compute_edit_distances(query, candidates) / lengths, kind="stable")
        nearest.append(rows[order[:k]])
    return np.array(nearest)


def _tokenise_source(source: str) -> list[str]:
    return TOKEN_PATTERN.findall(COMMENT_PATTERN.sub("", source))[:MAX_COMPARED_TOKENS]
