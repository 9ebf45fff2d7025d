"""The Python API for scripts and notebooks: corpora, training and predictions as data frames.

>>> from core.python_api import AlignedCorpus
>>> corpus = AlignedCorpus.open("starter")
>>> corpus.predict("use_synth :saw; play 60", neighbour_count=3)["rank"].tolist()
[1, 2, 3]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import pandas as pd
from pydantic import BaseModel, ValidationError

from core import operations, search
from core.corpus import Corpus
from core.errors import EarshotError
from core.operations.corpus_opening import format_alignment_name, open_corpus_for_prediction
from core.operations.operation_requests import describe_invalid_fields
from core.operations.operation_results import ProgramCheck
from core.sonicpi import render

RequestType = TypeVar("RequestType", bound=BaseModel)

__all__ = ["AlignedCorpus", "Corpus", "evaluate", "render", "train"]


def train(
    corpus: Corpus | str,
    method: str = "kernel-ridge",
    unseen_templates: Sequence[str] | int = (),
    **settings: Any,
) -> AlignedCorpus:
    """Train an alignment of a corpus and evaluate it on held-out programs.

    Parameters
    ----------
    corpus : Corpus or str
        The corpus or its name.
    method : str
        "infonce", "soft-infonce", "kernel-ridge", "joint-kernel-ridge" or
        "whitened-joint-kernel-ridge". The last two predict from the code and from the simulated
        sound of the programs, which is computed first where it is missing.
    unseen_templates : sequence of str, or int
        Ids of templates to hold out whole, or how many.
    **settings
        Fields of `core.alignment.AlignmentConfig` that differ from the method's, such as
        ``epochs=60`` or ``seed=1``.

    Returns
    -------
    AlignedCorpus
        The corpus with the new alignment.

    Raises
    ------
    EarshotError
        If there is no such method or setting, or the corpus has too few programs with a clip.

    Examples
    --------
    >>> aligned_corpus = train("starter", "infonce", epochs=2, seed=1)
    >>> aligned_corpus.corpus.name
    'starter'
    """
    # The modules of training are not needed for predictions.
    from core.alignment import AlignmentConfig
    from core.alignment.config import JOINT_OBJECTIVES
    from core.pipeline.simulation_of_missing_programs import simulate_missing_programs
    from core.pipeline.train_and_evaluate_alignment import train as train_heads

    opened = Corpus.open(corpus) if isinstance(corpus, str) else corpus
    preset = AlignmentConfig.from_preset(method.replace("-", "_"))
    config = AlignmentConfig.from_dict({**preset.to_dict(), **settings})
    if config.objective in JOINT_OBJECTIVES:
        simulate_missing_programs(opened)
    trained = train_heads(opened, config, unseen_templates=unseen_templates)
    return AlignedCorpus(opened, trained.record, trained.heads)


def evaluate(
    corpus: search.AlignedCorpus | Corpus | str, alignment: str | None = None
) -> pd.DataFrame:
    """Return the metrics of an alignment on held-out programs, before and after alignment.

    Parameters
    ----------
    corpus : AlignedCorpus, Corpus or str
        As `train` or `AlignedCorpus.open` returns it, or a corpus or its name.
    alignment : str, optional
        Id of an alignment of the corpus. Default: that of the AlignedCorpus, or the one that
        `AlignedCorpus.open` chooses.

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
    from core.pipeline.evaluate_alignment_on_held_out_programs import evaluate_alignment

    if isinstance(corpus, str):
        corpus = Corpus.open(corpus)
    elif isinstance(corpus, search.AlignedCorpus):
        if alignment is None:
            return evaluate_alignment(corpus)
        corpus = corpus.corpus
    return evaluate_alignment(search.open_aligned_corpus(corpus, alignment))


class AlignedCorpus(search.AlignedCorpus):
    """A corpus with its embeddings and an alignment, which predicts the sound of programs.

    `open` or `train` returns it. Embeddings, splits, the projection into the shared space and the
    search for neighbours are inherited; the methods here answer with data frames.

    Attributes
    ----------
    corpus : Corpus
    record : AlignmentRecord
        Id, config and metrics of the alignment.
    pairs : EmbeddingPairs
        `program_ids` (n), `code_embeddings`, float32 (n, d_code), `audio_embeddings`, float32
        (n, d_audio), and `splits` (n) of the programs that have a clip.
    """

    _has_default_alignment = False

    @classmethod
    def open(cls, name: str | None = None, alignment: str | None = None) -> AlignedCorpus:
        """Open a corpus with an alignment.

        Parameters
        ----------
        name : str, optional
            Default: the starter corpus, or the only one.
        alignment : str, optional
            Id of an alignment of the corpus, or "CORPUS/ID" of another one with the same encoders.
            Default: the one made for prediction; `suggest` and `rank` then use the one made for
            suggestions.

        Raises
        ------
        EarshotError
            When there is no such corpus or alignment, or the corpus is not embedded by the
            encoders of the alignment.

        Examples
        --------
        >>> corpus = AlignedCorpus.open("starter")
        >>> corpus.project_code_embeddings(corpus.pairs.code_embeddings[:2]).shape
        (2, 128)
        """
        opened = open_corpus_for_prediction(name, alignment)
        aligned_corpus = cls(opened.corpus, opened.record, opened.heads)
        aligned_corpus._has_default_alignment = alignment is None
        return aligned_corpus

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
            When nothing in the program would sound, or an argument is not valid.
        """
        request = _build_request(
            operations.PredictRequest,
            programs=[code],
            corpora=[self.corpus.name],
            alignment=format_alignment_name(self),
            neighbour_count=neighbour_count,
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
        request = self._build_request_for_this_corpus(operations.ForecastRequest, programs=[code])
        (result,) = operations.forecast_programs(request).forecasts
        _raise_unless_program_is_audible(result)
        properties = {} if result.forecast is None else result.forecast.properties
        frame = _make_data_frame(properties.values())
        frame.index = pd.Index(list(properties), name="property")
        return frame

    def suggest(
        self,
        code: str,
        pick_count: int = 6,
        mode: str = "diverse",
        target: str | None = None,
        *,
        render: bool = False,
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
        render : bool
            Toward a program of the corpus: render the program and at most 12 variants, and order
            the variants by their true sound.

        Returns
        -------
        DataFrame
            One row per variant, best first: rank, kind, change, line, code, distance (cosine, 0 to
            2). With `render` also is_nearer and gain: whether, and by how much, its clip is nearer
            to the target than the clip of the program (difference of cosines); None and NaN where
            the rendering failed.

        Raises
        ------
        EarshotError
            As `predict`, or when the target is unknown or, with `render`, no clip.
        """
        request = self._build_request_for_variants(
            operations.SuggestRequest,
            program=code,
            pick_count=pick_count,
            mode=mode,
            target=target,
            render=render,
        )
        result = operations.suggest_variants(request)
        _raise_unless_program_is_audible(result)
        frame = _make_data_frame(result.picks, ("confidence", "forecast", "neighbours", "rendered"))
        if render:
            comparisons = [pick.rendered for pick in result.picks if pick.rendered is not None]
            frame["is_nearer"] = pd.Series([item.is_nearer for item in comparisons], dtype=object)
            frame["gain"] = pd.Series([item.gain for item in comparisons], dtype=float)
        return frame

    def rank(
        self,
        candidates: Sequence[str],
        mode: str = "diverse",
        target: str | None = None,
        program: str | None = None,
        pick_count: int | None = None,
    ) -> pd.DataFrame:
        """Rank programs by their predicted sound.

        Parameters
        ----------
        candidates : sequence of str
            1 to 200 programs. Those that do not parse or make no sound are left out.
        mode, target
            As for `suggest`.
        program : str, optional
            The program that the candidates would replace. Distances are measured from it; the mode
            away needs it.
        pick_count : int, optional
            Number of rows. Default: all candidates.

        Returns
        -------
        DataFrame
            One row per candidate, best first: rank, index in `candidates`, code, distance (cosine,
            0 to 2, from `program`), target_relevance.

        Raises
        ------
        EarshotError
            When an argument is not valid, or the target is unknown.
        """
        request = self._build_request_for_variants(
            operations.RankRequest,
            candidates=list(candidates),
            program=program,
            pick_count=pick_count,
            mode=mode,
            target=target,
        )
        return _make_data_frame(operations.rank_candidates(request).ranking, ("forecast",))

    def _build_request_for_variants(
        self, request_type: type[RequestType], **fields: Any
    ) -> RequestType:
        """Build a request that leaves the choice of an alignment open where the user did."""
        if self._has_default_alignment:
            return _build_request(request_type, corpus=self.corpus.name, **fields)
        return self._build_request_for_this_corpus(request_type, **fields)

    def _build_request_for_this_corpus(
        self, request_type: type[RequestType], **fields: Any
    ) -> RequestType:
        return _build_request(
            request_type,
            corpus=self.corpus.name,
            alignment=format_alignment_name(self),
            **fields,
        )


def _build_request(request_type: type[RequestType], **fields: Any) -> RequestType:
    try:
        return request_type.model_validate(fields)
    except ValidationError as error:
        raise EarshotError(describe_invalid_fields(error.errors(include_url=False))) from error


def _raise_unless_program_is_audible(check: ProgramCheck) -> None:
    if check.status != "ok":
        raise EarshotError(
            check.message, where=None if check.line is None else f"line {check.line}"
        )


def _make_data_frame(rows: Iterable[BaseModel], left_out: Iterable[str] = ()) -> pd.DataFrame:
    excluded = set(left_out)
    values: list[dict[str, Any]] = [row.model_dump(exclude=excluded) for row in rows]
    return pd.DataFrame(values)
