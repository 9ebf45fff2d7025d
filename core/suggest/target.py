"""Targets of suggestions: a clip, or words such as "darker, busier"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.encoders.clip_descriptor_definitions import DESCRIPTOR_NAMES
from core.errors import EarshotError, format_spelling_suggestions
from core.search.query_audio_decoding import MAX_AUDIO_BYTES, decode_audio_bytes
from core.sonicpi.clip_and_render_result import Clip

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus

# Property of the forecast and direction of each word.
WORD_DIRECTIONS: dict[str, tuple[str, int]] = {
    "darker": ("brightness", -1),
    "duller": ("brightness", -1),
    "brighter": ("brightness", 1),
    "sharper": ("brightness", 1),
    "busier": ("onset_rate", 1),
    "denser": ("onset_rate", 1),
    "sparser": ("onset_rate", -1),
    "calmer": ("onset_rate", -1),
    "louder": ("loudness", 1),
    "quieter": ("loudness", -1),
    "softer": ("loudness", -1),
    "higher": ("register", 1),
    "lower": ("register", -1),
    "deeper": ("register", -1),
    "wider": ("stereo_width", 1),
    "narrower": ("stereo_width", -1),
    "noisier": ("noisiness", 1),
    "purer": ("noisiness", -1),
    "cleaner": ("noisiness", -1),
    "faster": ("tempo", 1),
    "slower": ("tempo", -1),
    "emptier": ("silence", 1),
    "fuller": ("silence", -1),
}
WORD_SEPARATORS = re.compile(r"[,;]|\band\b|\s")


@dataclass(frozen=True, eq=False)
class SoundTarget:
    """What suggestions should come nearer to.

    Attributes
    ----------
    label : str
        As the user gave it.
    vector : float [d] or None
        Unit vector in the shared space.
    word_directions : tuple of (int, int)
        Column of the forecast and sign of each word; empty for a clip.
    """

    label: str
    vector: np.ndarray | None = None
    word_directions: tuple[tuple[int, int], ...] = ()


def parse_target_from_words(text: str) -> SoundTarget:
    """Return the target that words describe.

    Parameters
    ----------
    text : str
        Words of `WORD_DIRECTIONS`, separated by commas, spaces or "and".

    Raises
    ------
    EarshotError
        If a word is not known.

    Examples
    --------
    >>> len(parse_target_from_words("darker and busier").word_directions)
    2
    """
    words = [word for word in WORD_SEPARATORS.split(text.lower()) if word]
    if not words:
        raise EarshotError("The target is empty.", remedy=_describe_valid_targets())
    for word in words:
        if word not in WORD_DIRECTIONS:
            raise EarshotError(
                f"There is no target {text[:60]!r}.",
                remedy=format_spelling_suggestions(word, WORD_DIRECTIONS, "word")
                + f" {_describe_valid_targets()}",
            )
    directions = tuple(WORD_DIRECTIONS[word] for word in words)
    return SoundTarget(
        text,
        word_directions=tuple((DESCRIPTOR_NAMES.index(name), sign) for name, sign in directions),
    )


def _describe_valid_targets() -> str:
    return "Give a sound file, a program of the corpus by name or id, or words: darker, busier, …"


def are_target_words(text: str) -> bool:
    """Return whether a text consists of words of `WORD_DIRECTIONS`."""
    words = [word for word in WORD_SEPARATORS.split(text.lower()) if word]
    return bool(words) and all(word in WORD_DIRECTIONS for word in words)


def make_target_from_clip(aligned_corpus: AlignedCorpus, clip: Clip, label: str) -> SoundTarget:
    """Return the target that a clip is, such as an uploaded sound."""
    vector = aligned_corpus.project_audio_embeddings(aligned_corpus.embed_clip(clip))[0]
    return SoundTarget(label, vector)


def find_target_of_corpus_program(aligned_corpus: AlignedCorpus, name: str) -> SoundTarget | None:
    """Return the clip of a program of the corpus as a target; None if there is no such program.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    name : str
        Name or id of the program.
    """
    row = aligned_corpus.row_by_program.get(name)
    if row is None:
        programs = aligned_corpus.corpus.load_programs()
        ids = programs.loc[programs["name"] == name, "program"].tolist()
        rows = [aligned_corpus.row_by_program.get(program_id) for program_id in ids]
        row = next((item for item in rows if item is not None), None)
    if row is None:
        return None
    embedding = aligned_corpus.pairs.audio_embeddings[row : row + 1]
    return SoundTarget(name, aligned_corpus.project_audio_embeddings(embedding)[0])


def read_target_from_text(aligned_corpus: AlignedCorpus, text: str) -> SoundTarget:
    """Return the target that a text names: words, a sound file, or a program of the corpus.

    Raises
    ------
    EarshotError
        If it names none of them, or the file is not a sound.
    """
    if are_target_words(text):
        return parse_target_from_words(text)
    path = Path(text)
    if path.is_file():
        if path.stat().st_size > MAX_AUDIO_BYTES:
            raise EarshotError("The file is too large.", where=text, remedy="Give a shorter part.")
        return make_target_from_clip(
            aligned_corpus, decode_audio_bytes(path.read_bytes(), text), text
        )
    target = find_target_of_corpus_program(aligned_corpus, text)
    return target if target is not None else parse_target_from_words(text)
