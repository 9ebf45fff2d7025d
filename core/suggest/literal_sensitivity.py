"""Sensitivity: how far the predicted sound moves when a literal of the program changes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.blas_thread_limit import limit_blas_to_one_thread
from core.encoders.clip_descriptor_definitions import DESCRIPTOR_NAMES
from core.programs.grammar.seeded_rng import SeededRandom
from core.search.aspect_similarity import DIRECTION_WORDS, choose_direction_word
from core.search.clip_property_forecast import PROPERTY_LABELS
from core.suggest.candidate_prediction import (
    PredictedCandidates,
    compute_property_movements,
    predict_candidates,
)
from core.suggest.candidates import (
    Candidate,
    CandidateOptions,
    apply_edits_to_make_candidate,
    list_single_program_edits,
)
from core.suggest.changed_source_ranges import locate_source_range
from core.suggest.code_edit import (
    CodeEdit,
    format_in_layer_suffix,
    format_number_like_literal,
    replace_literal_value,
)
from core.suggest.incremental_variant_interpretation import pause_garbage_collection
from core.suggest.predicted_sound_distances import (
    PredictedSounds,
    can_predict_sounds,
    predict_sounds,
)
from core.suggest.program_literals_calls_and_blocks import Literal, ProgramOutline
from core.suggest.sound_target import SoundTarget, are_target_words
from core.suggest.suggest_and_pick_variants import build_outline_of_audible_program
from core.suggest.target_relevance import compute_target_relevance

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus

VALUES_PER_LITERAL = 3
DURATION_FACTORS = (0.5, 2.0)
MIN_PROPERTY_MOVEMENT = 0.05
"""Standard deviations over programs below which no property is named."""
MIN_TARGET_GAIN = 1e-3
MIN_ASPECT_MOVEMENT = 1e-4
# Names of the properties that a movement up and a movement down has.
MOVEMENT_WORDS = {
    "loudness": ("louder", "quieter"),
    "peak": ("higher peak", "lower peak"),
    "silence": ("emptier", "fuller"),
    "onset_rate": ("busier", "sparser"),
    "tempo": ("faster", "slower"),
    "register": ("higher", "lower"),
    "brightness": ("brighter", "darker"),
    "noisiness": ("noisier", "purer"),
    "stereo_width": ("wider", "narrower"),
}


@dataclass(frozen=True)
class LiteralSensitivity:
    """How far the predicted sound moves over the sensible range of a literal.

    Attributes
    ----------
    line : int
        From 1.
    start, end : int
        Characters of the literal in the source.
    name : str
        What it sets: "cutoff", "note", "sleep".
    layer : str
        "live_loop :bass", or "" at the top of the program.
    text : str
        Its code.
    values : tuple of str
        Other values that were tried, as Ruby code.
    distance : float
        Largest cosine distance between two predictions over the range, in [0, 2].
    farthest_value : str
        The value whose prediction lies farthest from that of the program.
    property : str
        Property of the forecast that moves most; "" without a forecast or a clear movement.
    movement : str
        What the farthest value does to it: "darker".
    target_value : str
        The value that is nearest to the target; "" when none is nearer than the program.
    target_gain : float
        How much nearer: the difference of the cosines, or of standard deviations for words.
    column, end_column : int
        Columns of the literal in its line, from 0, the last one exclusive.
    strength : float
        How far the farthest value moves the mix of
        `core.suggest.predicted_sound_distances`, by which the literals are sorted; 0 where the
        clips of the corpus are not measured.
    aspect : str
        "timbre", "rhythm", "pitch" or "level": what the farthest value moves most; "" without
        measured clips.
    aspect_movement : str
        Its direction: "sparser", or "other rhythm" where no direction stands out.
    """

    line: int
    start: int
    end: int
    name: str
    layer: str
    text: str
    values: tuple[str, ...]
    distance: float
    farthest_value: str
    property: str = ""
    movement: str = ""
    target_value: str = ""
    target_gain: float = 0.0
    column: int = 0
    end_column: int = 0
    strength: float = 0.0
    aspect: str = ""
    aspect_movement: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return asdict(self)

    def format_advice_to_reach_target(self, target_label: str) -> str:
        """Return how to come nearer to a target; "" when this literal does not help.

        Parameters
        ----------
        target_label : str
            Of the target, as `SoundTarget` has it.

        Examples
        --------
        >>> LiteralSensitivity(
        ...     3, 40, 43, "cutoff", "live_loop :bass", "100", ("70",), 0.2, "70",
        ...     target_value="70", target_gain=0.1,
        ... ).format_advice_to_reach_target("kick.wav")
        'turn cutoff down to about 70 in live_loop :bass to get nearer to kick.wav'
        """
        if not self.target_value:
            return ""
        change = f"change {self.name} to {self.target_value}"
        numbers = [_parse_number_or_none(text) for text in (self.text, self.target_value)]
        if numbers[0] is not None and numbers[1] is not None:
            direction = "up" if numbers[1] > numbers[0] else "down"
            change = f"turn {self.name} {direction} to about {self.target_value}"
        purpose = f"get nearer to {target_label}"
        if are_target_words(target_label):
            purpose = f"sound {target_label}"
        return f"{change}{format_in_layer_suffix(self.layer)} to {purpose}"


@limit_blas_to_one_thread()
def measure_sensitivity_to_literals(
    aligned_corpus: AlignedCorpus, source: str, target: SoundTarget | None = None
) -> list[LiteralSensitivity]:
    """Measure how far the predicted sound moves with each literal, the farthest first.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    source : str
        Sonic Pi code. It is neither run nor rendered.
    target : SoundTarget, optional

    Returns
    -------
    list of LiteralSensitivity
        Of the literals whose meaning is known. Numbers of cues and names are not among them.

    Raises
    ------
    SilentSnippetError
        When the program does not parse, or nothing in it would sound.
    EarshotError
        As `core.suggest.suggest`.

    Examples
    --------
    >>> from core.corpus import Corpus
    >>> from core.search import open_aligned_corpus
    >>> aligned_corpus = open_aligned_corpus(Corpus.open("starter"))
    >>> program = "use_synth :saw; play 60, cutoff: 90"
    >>> rows = measure_sensitivity_to_literals(aligned_corpus, program)
    >>> sorted(row.name for row in rows)
    ['cutoff', 'note', 'synth']
    """
    outline = build_outline_of_audible_program(source)
    edits_by_literal = _list_edits_by_literal(outline)
    candidates: list[Candidate] = []
    literal_of_source: dict[str, tuple[Literal, str]] = {}
    for literal, edits in edits_by_literal:
        for edit in edits:
            candidate = apply_edits_to_make_candidate(source, [edit])
            literal_of_source[candidate.source] = (literal, edit.replacements[0].text)
            candidates.append(candidate)
    if not candidates:
        return []
    with pause_garbage_collection():
        predicted = predict_candidates(aligned_corpus, outline, candidates, len(candidates))
    gains = _compute_target_gains(aligned_corpus, predicted, target)
    rows_by_literal: dict[Literal, list[int]] = defaultdict(list)
    for row, candidate in enumerate(predicted.candidates):
        rows_by_literal[literal_of_source[candidate.source][0]].append(row)
    texts = [literal_of_source[candidate.source][1] for candidate in predicted.candidates]
    sensitivities = [
        _build_literal_sensitivity(literal, rows, texts, predicted, gains)
        for literal, rows in rows_by_literal.items()
    ]
    sensitivities = _add_movement_words_to_sensitivities(
        aligned_corpus, predicted, rows_by_literal, sensitivities
    )
    return sorted(sensitivities, key=lambda item: (-item.strength, -item.distance))


def _list_edits_by_literal(outline: ProgramOutline) -> list[tuple[Literal, list[CodeEdit]]]:
    """Return a few edits of each literal, spread over its sensible range."""
    edits_by_start: dict[int, list[CodeEdit]] = defaultdict(list)
    rng = SeededRandom("sensitivity")
    for edit in list_single_program_edits(outline, CandidateOptions(), rng):
        if edit.site.startswith("literal "):
            edits_by_start[edit.replacements[0].start].append(edit)
    for literal in outline.list_literals_with_roles("sleep", "count"):
        edits_by_start[literal.start] += _list_duration_scaling_edits(literal)
    literals = {literal.start: literal for literal in outline.literals}
    return [
        (literals[start], _select_edits_spread_over_range(edits))
        for start, edits in sorted(edits_by_start.items())
        if edits
    ]


def _list_duration_scaling_edits(literal: Literal) -> list[CodeEdit]:
    if not isinstance(literal.value, (int, float)) or literal.value <= 0:
        return []
    values = [literal.value * factor for factor in DURATION_FACTORS]
    if literal.role == "count":
        values = [value for value in values if value == int(value)]
    return [
        replace_literal_value("rhythm", literal, format_number_like_literal(value, literal.text))
        for value in values
    ]


def _select_edits_spread_over_range(edits: list[CodeEdit]) -> list[CodeEdit]:
    """Return up to 3 edits: of numbers the extremes and one between."""
    numbers = [_parse_number_or_none(edit.replacements[0].text) for edit in edits]
    if all(number is not None for number in numbers):
        order = np.argsort([number or 0.0 for number in numbers], kind="stable")
        edits = [edits[index] for index in order]
    chosen = np.linspace(0, len(edits) - 1, min(VALUES_PER_LITERAL, len(edits)))
    return [edits[int(round(index))] for index in chosen]


def _parse_number_or_none(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _compute_target_gains(
    aligned_corpus: AlignedCorpus, predicted: PredictedCandidates, target: SoundTarget | None
) -> np.ndarray | None:
    """Return how much nearer to the target each value is than the program, float [n]."""
    if target is None or not len(predicted.vectors):
        return None
    if target.vector is None:
        return compute_target_relevance(aligned_corpus, predicted, target)
    if not can_predict_sounds(aligned_corpus):
        return np.asarray((predicted.vectors - predicted.current_vector) @ target.vector)
    sounds = predict_sounds(aligned_corpus, predicted, range(len(predicted.candidates)))
    return np.asarray((sounds.vectors[1:] - sounds.vectors[0]) @ target.vector)


def _build_literal_sensitivity(
    literal: Literal,
    rows: list[int],
    texts: list[str],
    predicted: PredictedCandidates,
    gains: np.ndarray | None,
) -> LiteralSensitivity:
    vectors = np.concatenate([predicted.vectors[rows], predicted.current_vector[None]])
    farthest = rows[int(np.argmax(predicted.candidate_distances_from_program[rows]))]
    target_value, target_gain = "", 0.0
    if gains is not None:
        best = rows[int(np.argmax(gains[rows]))]
        if gains[best] > MIN_TARGET_GAIN:
            target_value, target_gain = texts[best], float(gains[best])
    place = locate_source_range(predicted.current_source, literal.start, literal.end)
    return LiteralSensitivity(
        literal.line,
        literal.start,
        literal.end,
        literal.option or literal.role,
        literal.layer,
        literal.text,
        tuple(texts[row] for row in rows),
        float(max(0.0, 1 - (vectors @ vectors.T).min())),
        texts[farthest],
        target_value=target_value,
        target_gain=target_gain,
        column=place.column,
        end_column=place.end_column,
    )


def _add_movement_words_to_sensitivities(
    aligned_corpus: AlignedCorpus,
    predicted: PredictedCandidates,
    rows_by_literal: dict[Literal, list[int]],
    sensitivities: list[LiteralSensitivity],
) -> list[LiteralSensitivity]:
    """Return the sensitivities with the property that each farthest value moves most."""
    model = aligned_corpus.forecast_model
    if model is None or not sensitivities:
        return sensitivities
    farthest = [
        rows[int(np.argmax(predicted.candidate_distances_from_program[rows]))]
        for rows in rows_by_literal.values()
    ]
    if can_predict_sounds(aligned_corpus):
        sounds = predict_sounds(aligned_corpus, predicted, farthest)
        strengths = sounds.compute_pairwise_sound_distances()[0, 1:]
        movements = sounds.properties[1:] - sounds.properties[0]
        aspects = [
            _find_largest_aspect_movement(sounds, row, movements[row])
            for row in range(len(farthest))
        ]
    else:
        movements = compute_property_movements(model, predicted, farthest)
        strengths, aspects = np.zeros(len(farthest)), [("", "")] * len(farthest)
    named = []
    for number, sensitivity in enumerate(sensitivities):
        name, word = _find_largest_property_movement(movements[number])
        aspect, direction = aspects[number]
        named.append(
            replace(
                sensitivity,
                property=name,
                movement=word,
                strength=float(strengths[number]),
                aspect=aspect,
                aspect_movement=direction,
            )
        )
    return named


def _find_largest_aspect_movement(
    sounds: PredictedSounds, row: int, movement: np.ndarray
) -> tuple[str, str]:
    """Return the aspect that moves most from the program to a candidate, and its direction."""
    distances = {
        name: 1 - float(vectors[0] @ vectors[row + 1]) for name, vectors in sounds.aspects.items()
    }
    aspect = max(distances, key=lambda name: distances[name])
    if distances[aspect] < MIN_ASPECT_MOVEMENT:
        return "", ""
    return aspect, choose_direction_word(DIRECTION_WORDS[aspect], movement)


def _find_largest_property_movement(movement: np.ndarray) -> tuple[str, str]:
    """Return the property that moves most, and a word for its movement."""
    columns = [DESCRIPTOR_NAMES.index(name) for name in PROPERTY_LABELS]
    column = max(columns, key=lambda index: abs(movement[index]))
    if abs(movement[column]) < MIN_PROPERTY_MOVEMENT:
        return "", ""
    name = DESCRIPTOR_NAMES[column]
    return name, MOVEMENT_WORDS[name][0 if movement[column] > 0 else 1]
