"""Prediction of a program while a slider moves one of its literals."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from core.blas_thread_limit import limit_blas_to_one_thread
from core.errors import EarshotError
from core.search.clip_property_forecast import Forecast
from core.suggest.literal_sensitivity import LiteralSensitivity, measure_sensitivity_to_literals
from core.suggest.literal_sliders import LiteralSlider, list_literal_sliders
from core.suggest.prediction_with_changed_literal import LiteralPredictor
from core.suggest.sound_target import SoundTarget

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus

NEIGHBOUR_COUNT = 3


@dataclass(frozen=True)
class NamedNeighbour:
    """A clip of the corpus that is predicted to sound alike.

    Attributes
    ----------
    name : str
        Of its program.
    similarity : float
        Cosine in the shared space, in [-1, 1].
    """

    name: str
    similarity: float


@dataclass(frozen=True, eq=False)
class SliderPrediction:
    """Predicted sound of the program with a literal at another value.

    Attributes
    ----------
    text : str
        The literal's code.
    vector : float32 [d]
        Unit vector in the shared space.
    distance : float
        Cosine distance from the prediction of the program, in [0, 2].
    forecast : Forecast or None
        None when too few clips of the corpus are measured.
    neighbours : tuple of NamedNeighbour
        Nearest first.
    """

    text: str
    vector: np.ndarray
    distance: float
    forecast: Forecast | None
    neighbours: tuple[NamedNeighbour, ...]


class SliderPredictor:
    """The sliders of a program, and the predicted sound at each of their values.

    It may be used by several threads; they take turns.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    source : str
        Sonic Pi code. It is neither run nor rendered.
    target : SoundTarget, optional
        The sensitivity includes the values that lead to it.

    Examples
    --------
    >>> from core.corpus import Corpus
    >>> from core.search import open_aligned_corpus
    >>> aligned_corpus = open_aligned_corpus(Corpus.open("starter"))
    >>> predictor = SliderPredictor(aligned_corpus, "play 60, cutoff: 90")
    >>> [slider.name for slider in predictor.sliders]
    ['note', 'cutoff']
    >>> predictor.predict_slider_value(1, 0).text
    '0'
    """

    def __init__(
        self, aligned_corpus: AlignedCorpus, source: str, target: SoundTarget | None = None
    ):
        self.aligned_corpus = aligned_corpus
        self.source = source
        self.target = target
        self._lock = threading.RLock()

    @cached_property
    def _predictor(self) -> LiteralPredictor:
        return LiteralPredictor(self.aligned_corpus, self.source)

    @cached_property
    def sliders(self) -> list[LiteralSlider]:
        """Sliders of the literals, in the order of the program.

        Raises
        ------
        SilentSnippetError
            When the program does not parse, or nothing in it would sound.
        """
        with self._lock:
            return list_literal_sliders(self._predictor.outline)

    @cached_property
    def sensitivity_by_start(self) -> dict[int, LiteralSensitivity]:
        """Sensitivity of the literals, by the first character of each."""
        with self._lock:
            rows = measure_sensitivity_to_literals(self.aligned_corpus, self.source, self.target)
        return {row.start: row for row in rows}

    def advise_how_to_reach_target(self, row: LiteralSensitivity) -> str:
        """Return how a literal leads to the target; "" without a target, or if it does not."""
        return "" if self.target is None else row.format_advice_to_reach_target(self.target.label)

    @limit_blas_to_one_thread()
    def predict_slider_value(self, slider_index: int, value_index: int) -> SliderPrediction:
        """Predict the program with a slider at one of its values.

        Raises
        ------
        EarshotError
            When there is no such slider or value, or the changed program would be silent.
        """
        if not 0 <= slider_index < len(self.sliders):
            raise EarshotError(
                f"The program has no slider {slider_index}.", remedy="Click a literal again."
            )
        slider = self.sliders[slider_index]
        if not 0 <= value_index < len(slider.values):
            raise EarshotError(
                f"The slider of {slider.name} has {len(slider.values)} values, numbered from 0.",
                remedy="Give one of them.",
            )
        text = slider.values[value_index]
        place = slider.literal.start, slider.literal.end
        with self._lock:
            prediction = self._predictor.predict_literal_value(*place, text)
            forecast = self._predictor.forecast_literal_value(*place, text)
        neighbours = self._find_neighbours(prediction.vector)
        return SliderPrediction(text, prediction.vector, prediction.distance, forecast, neighbours)

    def _find_neighbours(self, vector: np.ndarray) -> tuple[NamedNeighbour, ...]:
        index = self.aligned_corpus.shared_audio_index
        rows, similarities = index.find_most_similar_rows(vector[None], NEIGHBOUR_COUNT)
        program_ids = [self.aligned_corpus.pairs.program_ids[row] for row in rows[0]]
        programs = self.aligned_corpus.corpus.load_programs_by_ids(program_ids)
        return tuple(
            NamedNeighbour(program["name"], float(similarity))
            for program, similarity in zip(programs, similarities[0])
        )
