"""How well neighbours found by code foretell the sound of programs that no template made."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

WORD = r"[A-Za-z_]\w*[?!]?"
LINES = re.compile(r"\s*(?:#.*)?\n\s*")
CANDIDATES = 200  # by words, before programs are compared letter by letter


def bag_of_words(base: Sequence[str], queries: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """tf-idf of the identifiers: float [n, d] and [m, d]; idf from the base alone."""
    counted = TfidfVectorizer(token_pattern=WORD, lowercase=False, sublinear_tf=True, min_df=2)
    return counted.fit_transform(base).toarray(), counted.transform(queries).toarray()


def nearest_by_edits(
    base: Sequence[str], queries: Sequence[str], k: int, shortlist: np.ndarray
) -> np.ndarray:
    """For each query the k programs of the base that share most of its text, in order: int [m, k].

    Parameters
    ----------
    base, queries : sequence of str
    k : int
    shortlist : array, int [m, c]
        Rows of the base that are compared; the others are not looked at.

    Notes
    -----
    By the ratio of `difflib.SequenceMatcher` over words, which is 2 M / T for M matching words of T.
    """
    split = [re.findall(r"\w+|[^\w\s]", LINES.sub("\n", text))[:600] for text in base]
    found = []
    for query, rows in zip(queries, shortlist, strict=True):
        matcher = difflib.SequenceMatcher(autojunk=False)
        matcher.set_seq2(re.findall(r"\w+|[^\w\s]", LINES.sub("\n", query))[:600])
        ratios = []
        for row in rows:
            matcher.set_seq1(split[row])
            ratios.append(matcher.quick_ratio())
        found.append(rows[np.argsort(-np.array(ratios), kind="stable")[:k]])
    return np.array(found)
