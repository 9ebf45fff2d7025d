"""The `sonicpi` encoder: static analysis of a program with the interpreter of `core.sonicpi`.

The interpreter parses the program with Ruby's own parser and follows it for 18 s of the program's
time without running it. The vector holds the features of the resulting events (`score_features`)
and of the words in the source.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from itertools import chain

import numpy as np

from core.encoders.encoder_interface import Encoder, validate_source_text
from core.encoders.score_feature_layout import SCORE_FEATURE_DIM
from core.encoders.score_features import compute_score_features
from core.sonicpi.interpreter import interpret_program

WORD_FEATURE_COUNT = 256  # columns of hashed identifiers, symbols and option names
WORD_PATTERN = re.compile(r"[A-Za-z_]\w*[?!]?:?")
WORD_CACHE_SIZE = 4096  # lines, which variants of a program share, and words
COMMENT_PATTERN = re.compile(r"#[^\n]*")
SYMBOLIC_EMBEDDING_DIM = SCORE_FEATURE_DIM + WORD_FEATURE_COUNT


class SymbolicEncoder(Encoder):
    """Features of the events that the static interpreter finds, and of the source's words."""

    def _iterate_embedded_batches(
        self, items: Sequence[str]
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        for index, source in enumerate(items):
            yield [index], embed_program_source(validate_source_text(source, index))[None]


@lru_cache(maxsize=WORD_CACHE_SIZE)
def _find_code_words_of_line(line: str) -> list[str]:
    return WORD_PATTERN.findall(COMMENT_PATTERN.sub("", line))


@lru_cache(maxsize=WORD_CACHE_SIZE)
def _hash_word_to_feature_index(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "replace")) % WORD_FEATURE_COUNT


@lru_cache(maxsize=WORD_CACHE_SIZE)
def _weigh_word_count(count: int) -> float:
    return 1 + float(np.log(count))


_known_embeddings: ContextVar[Mapping[str, np.ndarray] | None] = ContextVar(
    "known_embeddings", default=None
)


@contextmanager
def reuse_program_embeddings(embeddings: Mapping[str, np.ndarray]) -> Iterator[None]:
    """Let `embed_program_source` return these vectors by source, instead of computing them."""
    token = _known_embeddings.set(embeddings)
    try:
        yield
    finally:
        _known_embeddings.reset(token)


def embed_program_source(source: str) -> np.ndarray:
    """Return the vector of a program, float32 [SYMBOLIC_EMBEDDING_DIM]."""
    embedding = (_known_embeddings.get() or {}).get(source)
    if embedding is not None:
        return embedding
    events = interpret_program(source).events
    return np.concatenate([compute_score_features(events), compute_hashed_word_counts(source)])


def compute_hashed_word_counts(source: str) -> np.ndarray:
    """Return the hashed word counts of a program; it need not parse.

    Parameters
    ----------
    source : str
        Comments are ignored.

    Returns
    -------
    float32 [WORD_FEATURE_COUNT]
        Sums of 1 + log(count) over the words of each column, scaled to unit length.
    """
    features = [0.0] * WORD_FEATURE_COUNT
    words = chain.from_iterable(map(_find_code_words_of_line, source.split("\n")))
    for word, count in Counter(words).items():
        features[_hash_word_to_feature_index(word)] += _weigh_word_count(count)
    vector = np.array(features)
    return (vector / (np.linalg.norm(vector) or 1)).astype(np.float32)
