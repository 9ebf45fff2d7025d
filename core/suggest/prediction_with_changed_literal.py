"""Prediction of one literal at a new value, fast enough to follow a slider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.encoders.score_features import reuse_layer_features
from core.errors import EarshotError
from core.search.clip_property_forecast import (
    Forecast,
    compute_forecast_features,
    predict_forecast,
)
from core.sonicpi.interpreter import ProgramReading
from core.sonicpi.interpreter.program_interpretation import reuse_program_readings
from core.suggest.candidate_prediction import embed_sources
from core.suggest.code_edit import Replacement, apply_source_replacements
from core.suggest.incremental_variant_interpretation import Variant, VariantReader
from core.suggest.suggest_and_pick_variants import build_outline_of_audible_program

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus

MAX_LITERAL_CHARS = 200


@dataclass(frozen=True, eq=False)
class LiteralPrediction:
    """Predicted sound of the program with a new value of a literal.

    Attributes
    ----------
    source : str
        The changed program.
    vector : float32 [d]
        Unit vector in the shared space.
    distance : float
        Cosine distance from the prediction of the program, in [0, 2].
    """

    source: str
    vector: np.ndarray
    distance: float


class LiteralPredictor:
    """Predicts a program while one of its literals moves.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    source : str
        Sonic Pi code. It is neither run nor rendered.

    Raises
    ------
    SilentSnippetError
        When the program does not parse, or nothing in it would sound.

    Examples
    --------
    >>> from core.corpus import Corpus
    >>> from core.search import open_aligned_corpus
    >>> aligned_corpus = open_aligned_corpus(Corpus.open("starter"))
    >>> predictor = LiteralPredictor(aligned_corpus, "play 60, cutoff: 90")
    >>> predictor.predict_literal_value(17, 19, "70").source
    'play 60, cutoff: 70'
    """

    def __init__(self, aligned_corpus: AlignedCorpus, source: str):
        self.aligned_corpus = aligned_corpus
        self.source = source
        self.outline = build_outline_of_audible_program(source)
        self.reader = VariantReader(self.outline)
        self._last_reading: tuple[str, ProgramReading] | None = None
        self.program_vector = aligned_corpus.project_code_embeddings(
            embed_sources(aligned_corpus, [source])
        )[0]

    def predict_literal_value(self, start: int, end: int, text: str) -> LiteralPrediction:
        """Predict the program with other code at a literal's place.

        Parameters
        ----------
        start, end : int
            Characters of the literal in the source, as `LiteralSensitivity` and `Literal` have
            them.
        text : str
            Its new code: "70", ":saw".

        Raises
        ------
        EarshotError
            When no literal is there, or the changed program does not parse or sound.
        """
        changed, reading = self._read_changed_program(start, end, text)
        if reading.has_syntax_error or reading.is_silent:
            raise EarshotError(
                f"With {text!r} the program {_describe_interpretation_problem(reading.message)}",
                remedy="Give another value.",
            )
        with reuse_program_readings({changed: reading}), reuse_layer_features():
            embedding = embed_sources(self.aligned_corpus, [changed])
        vector = self.aligned_corpus.project_code_embeddings(embedding)[0]
        return LiteralPrediction(changed, vector, float(1 - vector @ self.program_vector))

    def forecast_literal_value(self, start: int, end: int, text: str) -> Forecast | None:
        """Return the forecast of the program with other code at a literal's place.

        It takes longer than the prediction. None when too few clips are measured.
        """
        model = self.aligned_corpus.forecast_model
        if model is None:
            return None
        changed, reading = self._read_changed_program(start, end, text)
        with reuse_program_readings({changed: reading}):
            return predict_forecast(model, compute_forecast_features([changed]))

    def _read_changed_program(self, start: int, end: int, text: str) -> tuple[str, ProgramReading]:
        """Return the changed program and its reading; the last one is kept for the forecast."""
        changed = self._replace_literal(start, end, text)
        if self._last_reading is None or self._last_reading[0] != changed:
            variant = Variant(changed, (Replacement(start, end, text),))
            self._last_reading = changed, self.reader.interpret_variants([variant])[0]
        return changed, self._last_reading[1]

    def _replace_literal(self, start: int, end: int, text: str) -> str:
        if not any((item.start, item.end) == (start, end) for item in self.outline.literals):
            raise EarshotError(
                f"There is no literal at characters {start} to {end}.",
                remedy="Measure the sensitivity of the program again: it has changed.",
            )
        if not text.strip() or len(text) > MAX_LITERAL_CHARS:
            raise EarshotError(
                f"A literal has 1 to {MAX_LITERAL_CHARS} characters.", remedy="Give another value."
            )
        return apply_source_replacements(self.source, [Replacement(start, end, text)])


def _describe_interpretation_problem(message: str) -> str:
    return f"cannot be predicted: {message}" if message else "cannot be predicted."
