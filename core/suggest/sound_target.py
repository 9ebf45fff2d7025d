"""Targets of suggestions: a clip, or words such as "darker, busier"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.corpus import Corpus
from core.encoders.audio_encoder_base import mix_to_mono
from core.encoders.clip_aspect_encoder import measure_clip_aspects
from core.encoders.clip_descriptor_definitions import CLIP_DESCRIPTORS, DESCRIPTOR_NAMES
from core.encoders.clip_descriptor_encoder import measure_clip_descriptors
from core.errors import EarshotError, format_spelling_suggestions
from core.favourites import Favourite, load_favourites
from core.search.query_audio_decoding import MAX_AUDIO_BYTES, decode_audio_bytes
from core.sonicpi.audio_clip_and_render_result import Clip

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
    properties : float [len(CLIP_DESCRIPTORS)] or None
        Measured, standardized properties of a clip; nan where undefined.
    aspects : dict of str to float [d_a], or None
        Unit vectors of the aspects of a clip.
    """

    label: str
    vector: np.ndarray | None = None
    word_directions: tuple[tuple[int, int], ...] = ()
    properties: np.ndarray | None = None
    aspects: dict[str, np.ndarray] | None = None

    @property
    def cache_key(self) -> str:
        """Text that names the target: equal keys are equal targets."""
        vector = b"" if self.vector is None else self.vector.tobytes()
        return f"{self.label}|{self.word_directions}|{vector.hex()[:4096]}"


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
    words = split_target_words(text)
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
    return (
        "Give a sound file, a program of the corpus by name or id, a favourite by name or tag, or"
        f" words: {', '.join(WORD_DIRECTIONS)}."
    )


def split_target_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without commas and "and"."""
    return [word for word in WORD_SEPARATORS.split(text.lower()) if word]


def are_target_words(text: str) -> bool:
    """Return whether a text consists of words of `WORD_DIRECTIONS`."""
    words = split_target_words(text)
    return bool(words) and all(word in WORD_DIRECTIONS for word in words)


def make_target_from_clip(aligned_corpus: AlignedCorpus, clip: Clip, label: str) -> SoundTarget:
    """Return the target that a clip is, such as an uploaded sound."""
    vector = aligned_corpus.project_audio_embeddings(aligned_corpus.embed_clip(clip))[0]
    index = aligned_corpus.clip_aspect_search_index
    if index is None:
        return SoundTarget(label, vector)
    measured = measure_clip_descriptors(clip)
    properties = [
        float(item.standardize_descriptor_values(np.array(measured[item.name])))
        for item in CLIP_DESCRIPTORS
    ]
    vectors = measure_clip_aspects(mix_to_mono(clip, 0), clip.sample_rate)
    aspects = index.standardize_aspects(vectors[None])
    return SoundTarget(
        label,
        vector,
        properties=np.array(properties),
        aspects={name: values[0] for name, values in aspects.items()},
    )


def find_target_of_corpus_program(aligned_corpus: AlignedCorpus, name: str) -> SoundTarget | None:
    """Return the clip of a program of the corpus as a target; None if there is no such program.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    name : str
        Name or id of the program.
    """
    program_id = name
    if program_id not in aligned_corpus.row_by_program:
        programs = aligned_corpus.corpus.load_programs()
        ids = programs.loc[programs["name"] == name, "program"].tolist()
        program_id = next((item for item in ids if item in aligned_corpus.row_by_program), "")
    row = aligned_corpus.row_by_program.get(program_id)
    if row is None:
        return None
    embedding = aligned_corpus.pairs.audio_embeddings[row : row + 1]
    vector = aligned_corpus.project_audio_embeddings(embedding)[0]
    index = aligned_corpus.clip_aspect_search_index
    measured = None if index is None else index.row_by_program.get(program_id)
    if index is None or measured is None:
        return SoundTarget(name, vector)
    aspects = {aspect: vectors[measured] for aspect, vectors in index.unit_vectors.items()}
    return SoundTarget(name, vector, properties=index.descriptors[measured], aspects=aspects)


def find_target_of_favourites(aligned_corpus: AlignedCorpus, text: str) -> SoundTarget | None:
    """Return the clips of the favourites with a name or tag as a target; None without any.

    Several favourites with one tag are one target: the mean of their clips.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    text : str
        Name of a favourite, or one of its tags; upper and lower case are the same.

    Raises
    ------
    EarshotError
        When the favourites cannot be read, or none of their clips exists any more.
    """
    wanted = text.strip().casefold()
    favourites = [
        item
        for item in load_favourites()
        if wanted in (item.name.casefold(), *(tag.casefold() for tag in item.tags))
    ]
    if not favourites:
        return None
    targets = [_find_target_of_favourite(aligned_corpus, item) for item in favourites]
    present = [target for target in targets if target is not None]
    if not present:
        raise EarshotError(
            f"No clip of the favourites {text[:60]!r} exists any more.",
            remedy="Name another favourite, or build its corpus again.",
        )
    return present[0] if len(present) == 1 else _average_clip_targets(text, present)


def _find_target_of_favourite(
    aligned_corpus: AlignedCorpus, favourite: Favourite
) -> SoundTarget | None:
    if favourite.corpus_name == aligned_corpus.corpus.name:
        target = find_target_of_corpus_program(aligned_corpus, favourite.program_id)
        return None if target is None else replace(target, label=favourite.name)
    try:
        path = Corpus.open(favourite.corpus_name).get_clip_path(favourite.program_id)
        clip = Clip.load(path)
    except (EarshotError, OSError):
        return None
    return make_target_from_clip(aligned_corpus, clip, favourite.name)


def _average_clip_targets(label: str, targets: list[SoundTarget]) -> SoundTarget:
    """Return the mean of targets that are clips, of unit length."""
    vectors = np.stack([target.vector for target in targets if target.vector is not None])
    properties = [target.properties for target in targets if target.properties is not None]
    aspects = [target.aspects for target in targets if target.aspects is not None]
    return SoundTarget(
        label,
        _scale_mean_to_unit_length(vectors),
        properties=_average_defined_values(np.stack(properties)) if properties else None,
        aspects={
            name: _scale_mean_to_unit_length(np.stack([item[name] for item in aspects]))
            for name in aspects[0]
        }
        if aspects
        else None,
    )


def _scale_mean_to_unit_length(vectors: np.ndarray) -> np.ndarray:
    mean = vectors.mean(axis=0)
    unit: np.ndarray = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return unit


def _average_defined_values(rows: np.ndarray) -> np.ndarray:
    """Return the mean of each column without nan; nan where all rows are nan."""
    counts = np.isfinite(rows).sum(axis=0)
    sums = np.nansum(rows, axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def read_target_from_text(aligned_corpus: AlignedCorpus, text: str) -> SoundTarget:
    """Return the target that a text names: words, a sound file, a program or favourites.

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
    if target is None:
        target = find_target_of_favourites(aligned_corpus, text)
    return target if target is not None else parse_target_from_words(text)
