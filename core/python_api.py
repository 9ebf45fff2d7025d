"""The Python API for scripts and notebooks: corpora, training and predictions as data frames.

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
from core.corpus import Corpus
from core.errors import EarshotError
from core.operations.operation_results import ProgramCheck
from core.sonicpi import render

__all__ = ["Corpus", "PredictionCorpus", "evaluate", "render", "train"]


def train(
    corpus: Corpus | str,
    method: str = "kernel-ridge",
    unseen_templates: Sequence[str] | int = (),
    **settings: Any,
) -> PredictionCorpus:
    """Train an alignment of a corpus and evaluate it on held-out programs.

    Parameters
    ----------
    corpus : Corpus or str
        The corpus or its name.
    method : {"infonce", "soft-infonce", "kernel-ridge"}
    unseen_templates : sequence of str, or int
        Ids of templates to hold out whole, or how many.
    **settings
        Fields of `core.alignment.AlignmentConfig` that differ from the method's, such as
        ``epochs=60`` or ``seed=1``.

    Returns
    -------
    PredictionCorpus
        The corpus with the new alignment.

    Raises
    ------
    EarshotError
        If there is no such method or setting, or the corpus has too few programs with a clip.

    Examples
    --------
    >>> corpus = train("starter", "infonce", epochs=2, seed=1)
    >>> corpus.name
    'starter'
    """
    # They load torch, which predictions load later.
    from core.alignment import AlignmentConfig
    from core.pipeline.train import train as train_heads

    opened = Corpus.open(corpus) if isinstance(corpus, str) else corpus
    preset = AlignmentConfig.from_preset(method.replace("-", "_"))
    config = AlignmentConfig.from_dict({**preset.to_dict(), **settings})
    aligned_corpus = train_heads(opened, config, unseen_templates=unseen_templates)
    return PredictionCorpus(opened.name, aligned_corpus.record.id)


def evaluate(corpus: PredictionCorpus | str, alignment: str | None = None) -> pd.DataFrame:
    """Return the metrics of an alignment on held-out programs, before and after alignment.

    Parameters
    ----------
    corpus : PredictionCorpus or str
        As `train` returns it, or the name of a corpus.
    alignment : str, optional
        Id of an alignment of the corpus. Default: that of the PredictionCorpus, or the newest.

    Returns
    -------
    DataFrame
        One row per split, reading and metric: split, reading, metric, value, low, high (95 %
        interval), programs, and the values under permuted pairs.

    Raises
    ------
    EarshotError
        If the corpus has no alignment, or no held-out program.

    Examples
    --------
    >>> metrics = evaluate("starter")
    >>> "cka_debiased" in set(metrics["metric"])
    True
    """
    from core.pipeline.evaluate import evaluate_alignment
    from core.search import open_aligned_corpus

    name = corpus if isinstance(corpus, str) else corpus.name
    if name is None:
        raise EarshotError("The corpus has no name.", remedy='Name it: evaluate("starter").')
    if alignment is None and not isinstance(corpus, str):
        alignment = corpus.alignment
    return evaluate_alignment(open_aligned_corpus(Corpus.open(name), alignment))


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
        _raise_unless_program_is_audible(prediction)
        return _make_data_frame(prediction.neighbours)

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
        _raise_unless_program_is_audible(result)
        properties = {} if result.forecast is None else result.forecast.properties
        frame = _make_data_frame(properties.values())
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
        _raise_unless_program_is_audible(result)
        return _make_data_frame(result.picks, ("confidence", "forecast", "neighbours"))

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
        return _make_data_frame(operations.rank_candidates(request).ranking, ("forecast",))


def _raise_unless_program_is_audible(check: ProgramCheck) -> None:
    if check.status != "ok":
        raise EarshotError(
            check.message, where=None if check.line is None else f"line {check.line}"
        )


def _make_data_frame(rows: Iterable[BaseModel], left_out: Iterable[str] = ()) -> pd.DataFrame:
    excluded = set(left_out)
    values: list[dict[str, Any]] = [row.model_dump(exclude=excluded) for row in rows]
    return pd.DataFrame(values)
