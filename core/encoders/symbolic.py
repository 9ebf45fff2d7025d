"""The Sonic Pi encoder: reads a program with Ruby's own parser and runs none of it.

The parser is a process of Ruby (`parser.rb`); its tree is followed for 18 s of the
program's own time in a small language of our own (`sonicpi_play.py`), which knows Sonic Pi's words,
scales, chords and rhythms and draws its own random numbers. What that plays is described as the
score is (`score_features.py`), and beside it the words that the program uses.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from core.encoders.base import EmbedError, Encoder
from core.encoders.registry import EncoderSpec
from core.encoders.score_features import SCORE_FEATURE_DIM as SOUND_DIM
from core.encoders.score_features import compute_score_features
from core.sonicpi.interpreter.scheduler import ProgramInterpreter
from core.sonicpi.interpreter.parser import parse_program

MAX_PROGRAM_CHARS = 200_000  # as of the other code encoders
WORD_FEATURE_COUNT = 256  # columns of hashed identifiers, symbols and option names
WORD_PATTERN = re.compile(r"[A-Za-z_]\w*[?!]?:?")
COMMENT_PATTERN = re.compile(r"#[^\n]*")
SYMBOLIC_EMBEDDING_DIM = SOUND_DIM + WORD_FEATURE_COUNT
BLOCK = 16


class SonicPiEncoder(Encoder):
    """Features of what a program says that it plays."""

    def __init__(self, spec: EncoderSpec, compute: object = None):
        super().__init__(spec)

    def _embed_batches(self, items: Sequence[str]) -> Iterator[tuple[list[int], np.ndarray]]:
        for place, source in enumerate(items):
            yield [place], embed_source(source, place)[None]


def embed_source(source: str, item_index: int = 0) -> np.ndarray:
    """The vector of a program: float32 [DIM].

    Raises
    ------
    EmbedError
        When it is no text, or longer than 200,000 characters.
    """
    if not isinstance(source, str):
        raise EmbedError(f"A program is text, not {type(source).__name__}.", item_index)
    if len(source) > MAX_PROGRAM_CHARS:
        raise EmbedError(
            f"The program has {len(source):,} characters; {MAX_PROGRAM_CHARS:,} are the most that"
            " are embedded.",
            item_index,
            remedy="Split it.",
        )
    return np.concatenate([compute_score_features(ProgramInterpreter(parse_program(source)).events), hash_words(source)])


def hash_words(source: str) -> np.ndarray:
    """Which words a program uses, hashed and damped: float32 [WORDS]; errors don't matter."""
    made = np.zeros(WORD_FEATURE_COUNT)
    for word, count in Counter(WORD_PATTERN.findall(COMMENT_PATTERN.sub("", source))).items():
        made[zlib.crc32(word.encode("utf-8", "replace")) % WORD_FEATURE_COUNT] += 1 + np.log(count)
    length = np.linalg.norm(made)
    return (made / (length or 1)).astype(np.float32)
