"""The Python API for scripts and notebooks: predictions and suggestions as data frames.

>>> from core.python_api import PredictionCorpus
>>> corpus = PredictionCorpus("starter")
>>> corpus.predict("use_synth :saw; play 60", neighbour_count=3)["rank"].tolist()
[1, 2, 3]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from pydantic import BaseModel

from core import operations
from core.errors import EarshotError
from core.operations.operation_results import ProgramCheck


class PredictionCorpus:
    """A corpus with an alignment, asked for predictions of programs.

    Parameters
    ----------
    name : str, optional
        Default: the starter corpus, or the only one.
    alignment : str, optional
        Id of an alignment of the corpus, or "CORPUS/ID". Default: the one made for prediction.
    """

    def __init__(self, name: str | None = None, alignment: str | None = None):
        self.name = name
        self.alignment = alignment

    def predict(self, code: str, neighbour_count: int = 5) -> pd.DataFrame:
        """Find the clips that a program will sound like, without rendering it.

        Parameters
        ----------
        code : str
            Sonic Pi code.
        neighbour_count : int
            1 to 100.

        Returns
        -------
        DataFrame
            One row per clip, nearest first: rank, similarity (cosine, -1 to 1), corpus, program,
            name, template, code, clip_path, match.

        Raises
        ------
        EarshotError
            When nothing in the program would sound, or the corpus or alignment is missing.
        """
        request = operations.PredictRequest(
            programs=[code],
            corpora=[] if self.name is None else [self.name],
            alignment=self.alignment,
            neighbour_count=neighbour_count,
            aspect_weights=None,
            with_forecast=False,
        )
        (prediction,) = operations.predict_programs(request).predictions
        _check_sounds(prediction)
        return _make_frame(prediction.neighbours)

    def forecast(self, code: str) -> pd.DataFrame:
        """Forecast measured properties of a program's clip.

        Parameters
        ----------
        code : str

        Returns
        -------
        DataFrame
            One row per property, which is the index: value, low, high, unit. The interval covers
            90 % of held-out programs. Empty where too few clips of the corpus are measured.

        Raises
        ------
        EarshotError
            As `predict`.
        """
        request = operations.ForecastRequest(
            programs=[code], corpus=self.name, alignment=self.alignment
        )
        (result,) = operations.forecast_programs(request).forecasts
        _check_sounds(result)
        properties = {} if result.forecast is None else result.forecast.properties
        frame = _make_frame(properties.values())
        frame.index = pd.Index(list(properties), name="property")
        return frame

    def suggest(
        self, code: str, pick_count: int = 6, mode: str = "diverse", target: str | None = None
    ) -> pd.DataFrame:
        """Suggest variants of a program that differ in their predicted sound.

        Parameters
        ----------
        code : str
        pick_count : int
            1 to 100.
        mode : {"diverse", "cover", "toward", "away"}
        target : str, optional
            For the mode toward: words such as "darker", or a program of the corpus.

        Returns
        -------
        DataFrame
            One row per variant, best first: rank, kind, change, line, code, distance (cosine, 0 to
            2).

        Raises
        ------
        EarshotError
            As `predict`, or when the target is unknown.
        """
        request = operations.SuggestRequest.model_validate(
            {
                "program": code,
                "corpus": self.name,
                "alignment": self.alignment,
                "pick_count": pick_count,
                "mode": mode,
                "target": target,
            }
        )
        result = operations.suggest_variants(request)
        _check_sounds(result)
        return _make_frame(result.picks, ("confidence", "forecast", "neighbours"))

    def rank(
        self, candidates: Sequence[str], mode: str = "diverse", target: str | None = None
    ) -> pd.DataFrame:
        """Rank programs by their predicted sound.

        Parameters
        ----------
        candidates : sequence of str
            1 to 200 programs. Those that do not parse or make no sound are left out.
        mode, target
            As for `suggest`, except "away".

        Returns
        -------
        DataFrame
            One row per candidate, best first: rank, index, code, distance, target_relevance.

        Raises
        ------
        EarshotError
            When the corpus, alignment or target is missing.
        """
        request = operations.RankRequest.model_validate(
            {
                "candidates": list(candidates),
                "corpus": self.name,
                "alignment": self.alignment,
                "mode": mode,
                "target": target,
            }
        )
        return _make_frame(operations.rank_candidates(request).ranking, ("forecast",))


def _check_sounds(check: ProgramCheck) -> None:
    if check.status != "ok":
        raise EarshotError(
            check.message, where=None if check.line is None else f"line {check.line}"
        )


def _make_frame(rows: Iterable[BaseModel], left_out: Iterable[str] = ()) -> pd.DataFrame:
    excluded = set(left_out)
    values: list[dict[str, Any]] = [row.model_dump(exclude=excluded) for row in rows]
    return pd.DataFrame(values)
