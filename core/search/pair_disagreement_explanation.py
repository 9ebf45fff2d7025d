"""Explanation of a pair of programs on whose similarity code and sound disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.corpus import AlignmentRecord
from core.encoders.aspect_vectors import ASPECTS
from core.encoders.sound_simulation_encoder import simulate_aspects
from core.search.aspect_similarity import AspectIndex, describe_aspect_match
from core.search.unseen_program_splits import (
    TRAINED_PROGRAMS_KEY,
    TRAINING_SPLITS,
    relabel_splits_of_trained_programs,
)

NO_TRAINING_SPLIT = "none"


@dataclass(frozen=True)
class AspectSimilarity:
    """Similarity of two programs in one aspect, predicted from their code and measured.

    Attributes
    ----------
    predicted, measured : float
        Cosine in [-1, 1]: of the two simulated sounds, and of the two clips.
    """

    predicted: float
    measured: float


@dataclass(frozen=True)
class PairComparison:
    """Two programs compared by aspect.

    Attributes
    ----------
    aspects : dict of str to AspectSimilarity
        By `ASPECTS`.
    words : str
        How the second clip differs from the first, such as "same pitch; darker"; "" if nothing
        stands out.
    """

    aspects: dict[str, AspectSimilarity]
    words: str


def compare_pair_by_aspect(
    index: AspectIndex, sources: Mapping[str, str], seconds: float
) -> PairComparison | None:
    """Compare two programs of a corpus by aspect, as predicted from the code and as measured.

    Parameters
    ----------
    index : AspectIndex
        Of the corpus.
    sources : mapping of str to str
        Code of the two programs by program id, the first one first.
    seconds : float
        Length of the corpus's clips.

    Returns
    -------
    PairComparison or None
        None if the clip of one of them is not measured.
    """
    if any(program_id not in index.row_by_program for program_id in sources):
        return None
    first, second = (index.row_by_program[program_id] for program_id in sources)
    vectors = np.stack([simulate_aspects(source, seconds) for source in sources.values()])
    predicted = index.standardize_aspects(vectors)
    aspects, percentiles = {}, {}
    for name in ASPECTS:
        similarities = index.unit_vectors[name] @ index.unit_vectors[name][first]
        percentiles[name] = 100 * float((similarities < similarities[second]).mean())
        aspects[name] = AspectSimilarity(
            predicted=float(predicted[name][0] @ predicted[name][1]),
            measured=float(similarities[second]),
        )
    differences = index.descriptors[second] - index.descriptors[first]
    return PairComparison(aspects, describe_aspect_match(percentiles, differences))


def explain_disagreement(
    is_code_similar: bool, shares: tuple[float, float], comparison: PairComparison | None
) -> str:
    """Explain in sentences why code and sound disagree on a pair.

    Parameters
    ----------
    is_code_similar : bool
        Whether the code is similar and the sound is not; False for the reverse.
    shares : tuple of float
        Share of all pairs of the corpus with more similar code, and with more similar sound, in
        [0, 1].
    comparison : PairComparison or None
        None where the clips are not measured.

    Returns
    -------
    str
        Plain text.

    Examples
    --------
    >>> comparison = PairComparison({"rhythm": AspectSimilarity(0.9, 0.1)}, "same pitch; darker")
    >>> print(explain_disagreement(True, (0.01, 0.98), comparison))
    The code is more similar than in 99% of all pairs, but the sound is more similar than in only \
2%. The prediction from the code misses most in rhythm: predicted similarity 0.90, true similarity \
0.10. The second clip against the first: same pitch; darker.
    """
    code, sound = (format_percentage(1 - share) for share in shares)
    if is_code_similar:
        sentences = [
            f"The code is more similar than in {code} of all pairs, but the sound is more similar"
            f" than in only {sound}."
        ]
    else:
        sentences = [
            f"The sound is more similar than in {sound} of all pairs, but the code is more similar"
            f" than in only {code}."
        ]
    if comparison is None:
        return sentences[0]
    # Too similar a prediction explains similar code, too low a one different code.
    sign = 1 if is_code_similar else -1
    name, aspect = max(
        comparison.aspects.items(),
        key=lambda item: sign * (item[1].predicted - item[1].measured),
    )
    if sign * (aspect.predicted - aspect.measured) > 0:
        sentences.append(
            f"The prediction from the code misses most in {name}: predicted similarity"
            f" {aspect.predicted:.2f}, true similarity {aspect.measured:.2f}."
        )
    else:
        sentences.append(
            "No single aspect explains it: the disagreement lies in the embeddings as a whole."
        )
    if comparison.words:
        sentences.append(f"The second clip against the first: {comparison.words}.")
    return " ".join(sentences)


def format_percentage(fraction: float) -> str:
    """Format a share: "12%", "0.02%", "99.97%"."""
    percent = 100 * fraction
    if percent > 99:
        number = f"{100 - float(f'{100 - percent:.1g}'):.6g}"
    else:
        number = f"{percent:.0f}" if percent >= 1 else f"{percent:.1g}"
    return f"{number}%"


def describe_training_difference_of_pair(
    alignment: AlignmentRecord, splits: Mapping[str, str]
) -> str:
    """Describe whether only one program of a pair took part in the training of an alignment.

    Parameters
    ----------
    alignment : AlignmentRecord
    splits : mapping of str to str
        Split that the corpus stores, by program id.

    Returns
    -------
    str
        A clause such as "the first program took part in training, the second did not"; "" if both
        did or both did not.
    """
    hashes = alignment.config.get("split", {}).get(TRAINED_PROGRAMS_KEY)
    # The record knows templates that training held out; their stored split may be "train".
    stored = [NO_TRAINING_SPLIT] * len(splits) if hashes else list(splits.values())
    relabelled = relabel_splits_of_trained_programs(
        list(splits), np.array(stored, dtype=object), hashes or {}
    )
    first_trained, second_trained = (split in TRAINING_SPLITS for split in relabelled.tolist())
    if first_trained == second_trained:
        return ""
    trained, other = ("first", "second") if first_trained else ("second", "first")
    return f"the {trained} program took part in training, the {other} did not"
