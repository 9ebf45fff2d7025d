"""Similarity by aspect: in timbre, rhythm, pitch and level, predicted from code.

The aspects of a program are those of its simulated sound, the aspects of a clip are measured by the
encoder `aspects`. Both are vectors of one kind, so that no regression lies between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.encoders.aspect_vectors import ASPECTS, split_aspect_vectors_by_aspect
from core.encoders.clip_descriptor_definitions import (
    CLIP_DESCRIPTORS,
    decode_descriptors,
    standardize_descriptors_by_name,
)
from core.encoders.sound_simulation_encoder import simulate_aspects
from core.errors import EarshotError, format_spelling_suggestions

if TYPE_CHECKING:
    from core.corpus import Corpus
    from core.search.aligned_corpus import AlignedCorpus

ASPECT_ENCODER = "aspects"
"""Id of the audio encoder that measures the aspects of clips."""
DESCRIPTOR_ENCODER = "descriptors"
WHOLE_SOUND = "whole"
"""Name of the similarity by the alignment, beside those by aspect."""
WEIGHT_NAMES = (WHOLE_SOUND, *ASPECTS)
MAX_WEIGHT = 10.0
SAME_PERCENTILE, OTHER_PERCENTILE = 85.0, 60.0
"""A clip matches in an aspect from the first on, and differs below the second."""


@dataclass(frozen=True)
class DirectionWords:
    """Words for the direction in which a clip differs from a prediction.

    Attributes
    ----------
    descriptor : str
    threshold : float
        Difference in standard deviations of programs (`ClipDescriptor.scale`).
    lower, higher, other : str
        Words for a clip with a lower value, a higher one, and one that differs otherwise.
    """

    descriptor: str
    threshold: float
    lower: str
    higher: str
    other: str


DIRECTION_WORDS = {
    "timbre": DirectionWords("brightness", 0.35, "darker", "brighter", "other timbre"),
    "rhythm": DirectionWords("onset_rate", 0.4, "sparser", "busier", "other rhythm"),
    "pitch": DirectionWords("register", 0.4, "lower", "higher", "other pitches"),
    "level": DirectionWords("loudness", 0.5, "quieter", "louder", "other dynamics"),
}


@dataclass(frozen=True, eq=False)
class AspectIndex:
    """Aspects of the measured clips of a corpus.

    Attributes
    ----------
    row_by_program : dict of str to int
    mean, scale : float32 [d]
        Of the aspect vectors over the clips.
    unit_vectors : dict of str to float32 [n, d_a]
        By aspect: standardized, of unit length.
    descriptors : float64 [n, len(CLIP_DESCRIPTORS)]
        Standardized; nan where undefined.
    """

    row_by_program: dict[str, int]
    mean: np.ndarray
    scale: np.ndarray
    unit_vectors: dict[str, np.ndarray]
    descriptors: np.ndarray

    def standardize_aspects(self, vectors: np.ndarray) -> dict[str, np.ndarray]:
        """Return aspect vectors [m, d] as unit vectors by aspect, each [m, d_a]."""
        parts = split_aspect_vectors_by_aspect((vectors - self.mean) / self.scale)
        return {name: _scale_to_unit_length(part) for name, part in parts.items()}


@dataclass(frozen=True)
class AspectMatch:
    """How a clip resembles the predicted sound of a snippet.

    Attributes
    ----------
    similarities : dict of str to float
        By aspect: cosine of the clip with the prediction, in [-1, 1].
    percentiles : dict of str to float
        Share of the corpus's clips that are less similar, in percent.
    words : str
        Such as "same rhythm and pitch; darker"; "" if nothing stands out.
    """

    similarities: dict[str, float]
    percentiles: dict[str, float]
    words: str


def load_aspect_index(aligned_corpus: AlignedCorpus) -> AspectIndex | None:
    """Load the measured aspects of a corpus's clips; None if none are measured."""
    return load_aspect_index_of_programs(aligned_corpus.corpus, aligned_corpus.pairs.program_ids)


def load_aspect_index_of_programs(corpus: Corpus, program_ids: Sequence[str]) -> AspectIndex | None:
    """Load the measured aspects of some programs' clips; None if fewer than two are measured."""
    embedded_by = {encoder_id for encoder_id, *_ in corpus.count_embeddings_by_encoder()}
    if not {ASPECT_ENCODER, DESCRIPTOR_ENCODER} <= embedded_by:
        return None
    wanted_ids = set(program_ids) & set(corpus.load_embeddings(DESCRIPTOR_ENCODER)[0])
    measured_ids, vectors = corpus.load_embeddings(ASPECT_ENCODER)
    measured_rows = [row for row, program_id in enumerate(measured_ids) if program_id in wanted_ids]
    if len(measured_rows) < 2:
        return None
    selected_ids = [measured_ids[row] for row in measured_rows]
    vectors = vectors[measured_rows]
    mean, scale = vectors.mean(axis=0), np.maximum(vectors.std(axis=0), 1e-6)
    descriptor_ids, descriptors = corpus.load_embeddings(DESCRIPTOR_ENCODER, selected_ids)
    order = {program_id: row for row, program_id in enumerate(descriptor_ids)}
    values = decode_descriptors(descriptors[[order[program_id] for program_id in selected_ids]])
    standardized = [
        descriptor.standardize_descriptor_values(values[descriptor.name])
        for descriptor in CLIP_DESCRIPTORS
    ]
    parts = split_aspect_vectors_by_aspect((vectors - mean) / scale)
    return AspectIndex(
        {program_id: row for row, program_id in enumerate(selected_ids)},
        mean,
        scale,
        {name: _scale_to_unit_length(part) for name, part in parts.items()},
        np.stack(standardized, axis=1),
    )


def _scale_to_unit_length(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = (vectors / np.maximum(norms, 1e-9)).astype(np.float32)
    return unit


def predict_aspects(aligned_corpus: AlignedCorpus, sources: Sequence[str]) -> dict[str, np.ndarray]:
    """Predict the aspects of many programs' clips at once.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    sources : sequence of str
        At least one program.

    Returns
    -------
    dict of str to float32 [n, d_a]
        By `ASPECTS`: unit vectors. The cosine of two of them, or with those of the corpus's clips
        (`AspectIndex.unit_vectors`), is the similarity in this aspect.

    Raises
    ------
    EarshotError
        When the clips of the corpus are not measured.

    Examples
    --------
    >>> from core.corpus import Corpus
    >>> from core.search import open_aligned_corpus
    >>> aligned_corpus = open_aligned_corpus(Corpus.open("starter"))
    >>> rhythm = predict_aspects(aligned_corpus, ["play 60", "sample :loop_amen"])["rhythm"]
    >>> rhythm.shape[0]
    2
    """
    seconds = float(aligned_corpus.corpus.settings["seconds"])
    vectors = np.stack([simulate_aspects(source, seconds) for source in sources])
    return get_aspect_index(aligned_corpus).standardize_aspects(vectors)


def get_aspect_index(aligned_corpus: AlignedCorpus) -> AspectIndex:
    """Return the aspects of a corpus's clips.

    Raises
    ------
    EarshotError
        When they are not measured.
    """
    index = aligned_corpus.clip_aspect_search_index
    if index is None:
        name = aligned_corpus.corpus.name
        raise EarshotError(
            f"Aspects need measured clips, and those of corpus '{name}' are not measured.",
            remedy=f"To measure them: ./run embed {name} --audio-encoder {DESCRIPTOR_ENCODER}, then"
            f" the same with {ASPECT_ENCODER}. ./run train {name} does both.",
        )
    return index


def match_clips_by_aspect(
    aligned_corpus: AlignedCorpus, snippet: str, program_ids: Sequence[str]
) -> list[AspectMatch | None]:
    """Return in which aspects clips match the predicted sound of a snippet.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    snippet : str
    program_ids : sequence of str
        Of the corpus.

    Returns
    -------
    list of AspectMatch or None
        None for a program whose clip is not measured.

    Raises
    ------
    EarshotError
        As `predict_aspects`.
    """
    index = get_aspect_index(aligned_corpus)
    predicted = predict_aspects(aligned_corpus, [snippet])
    forecast = aligned_corpus.forecast_sound_properties(snippet)
    predicted_descriptors = standardize_descriptors_by_name(
        {} if forecast is None else {item.name: item.value for item in forecast.properties}
    )
    similarities = {name: index.unit_vectors[name] @ predicted[name][0] for name in ASPECTS}
    matches: list[AspectMatch | None] = []
    for program_id in program_ids:
        row = index.row_by_program.get(program_id)
        if row is None:
            matches.append(None)
            continue
        percentiles = {
            name: 100 * float((values < values[row]).mean())
            for name, values in similarities.items()
        }
        matches.append(
            AspectMatch(
                {name: float(values[row]) for name, values in similarities.items()},
                percentiles,
                describe_aspect_match(percentiles, index.descriptors[row] - predicted_descriptors),
            )
        )
    return matches


def describe_aspect_match(percentiles: Mapping[str, float], differences: np.ndarray) -> str:
    """Return a match in words.

    Parameters
    ----------
    percentiles : mapping of str to float
        As in `AspectMatch`.
    differences : float [len(CLIP_DESCRIPTORS)]
        Of the clip's standardized descriptors from the predicted ones; nan where undefined.

    Examples
    --------
    >>> differences = np.zeros(len(CLIP_DESCRIPTORS))
    >>> differences[6] = -1  # brightness
    >>> percentiles = {"timbre": 20, "rhythm": 95, "pitch": 90, "level": 70}
    >>> describe_aspect_match(percentiles, differences)
    'same rhythm and pitch; darker'
    """
    same = [name for name in ASPECTS if percentiles[name] >= SAME_PERCENTILE]
    other = [
        choose_direction_word(DIRECTION_WORDS[name], differences)
        for name in ASPECTS
        if percentiles[name] < OTHER_PERCENTILE
    ]
    if len(same) > 1:
        same = [", ".join(same[:-1]) + f" and {same[-1]}"]
    return "; ".join(filter(None, [f"same {same[0]}" if same else "", ", ".join(other)]))


def choose_direction_word(words: DirectionWords, differences: np.ndarray) -> str:
    """Return the word for standardized differences [len(CLIP_DESCRIPTORS)] in one aspect."""
    names = [descriptor.name for descriptor in CLIP_DESCRIPTORS]
    difference = differences[names.index(words.descriptor)]
    if difference <= -words.threshold:
        return words.lower
    return words.higher if difference >= words.threshold else words.other


def parse_aspect_weights(texts: Sequence[str]) -> dict[str, float]:
    """Return the weight of each similarity from texts such as "rhythm=2".

    Parameters
    ----------
    texts : sequence of str
        Names of `WEIGHT_NAMES` with numbers from 0 to 10. What is not named has the weight 1.

    Raises
    ------
    EarshotError
        When a name or number is invalid, or all weights are 0.

    Examples
    --------
    >>> parse_aspect_weights(["rhythm=2", "timbre=0"])["rhythm"]
    2.0
    """
    weights = dict.fromkeys(WEIGHT_NAMES, 1.0)
    for text in texts:
        name, _, number = text.partition("=")
        if name not in weights:
            raise EarshotError(
                f"There is no aspect {name[:40]!r}.",
                remedy=format_spelling_suggestions(name, WEIGHT_NAMES, "aspect"),
            )
        try:
            weights[name] = float(number)
        except ValueError:
            weights[name] = float("nan")
        if not 0 <= weights[name] <= MAX_WEIGHT:
            raise EarshotError(
                f"The weight of {name} is {number[:40]!r}.",
                remedy=f"Give a number from 0 to {MAX_WEIGHT:g}, such as {name}=2.",
            )
    if not any(weights.values()):
        raise EarshotError("All weights are 0.", remedy="Give at least one aspect a weight.")
    return weights
