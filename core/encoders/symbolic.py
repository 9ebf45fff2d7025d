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
from core.encoders.registry import EncoderEntry
from core.encoders.score_features import DIM as SOUND_DIM
from core.encoders.score_features import features
from core.sonicpi.interpreter.scheduler import Play
from core.sonicpi.interpreter.parser import read

MOST_CHARACTERS = 200_000  # as of the other code encoders
WORDS = 256  # columns of hashed identifiers, symbols and option names
WORD = re.compile(r"[A-Za-z_]\w*[?!]?:?")
LOOSE = re.compile(r"#[^\n]*")
DIM = SOUND_DIM + WORDS
BLOCK = 16


class SonicPiEncoder(Encoder):
    """Features of what a program says that it plays."""

    def __init__(self, entry: EncoderEntry, compute: object = None):
        super().__init__(entry)

    def _embedded(self, items: Sequence[str]) -> Iterator[tuple[list[int], np.ndarray]]:
        for place, source in enumerate(items):
            yield [place], described(source, place)[None]


def described(source: str, place: int = 0) -> np.ndarray:
    """The vector of a program: float32 [DIM].

    Raises
    ------
    EmbedError
        When it is no text, or longer than 200,000 characters.
    """
    if not isinstance(source, str):
        raise EmbedError(f"A program is text, not {type(source).__name__}.", place)
    if len(source) > MOST_CHARACTERS:
        raise EmbedError(
            f"The program has {len(source):,} characters; {MOST_CHARACTERS:,} are the most that"
            " are embedded.",
            place,
            remedy="Split it.",
        )
    return np.concatenate([features(Play(read(source)).sounds), words(source)])


def words(source: str) -> np.ndarray:
    """Which words a program uses, hashed and damped: float32 [WORDS]; errors don't matter."""
    made = np.zeros(WORDS)
    for word, count in Counter(WORD.findall(LOOSE.sub("", source))).items():
        made[zlib.crc32(word.encode("utf-8", "replace")) % WORDS] += 1 + np.log(count)
    length = np.linalg.norm(made)
    return (made / (length or 1)).astype(np.float32)
