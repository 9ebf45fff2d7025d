"""Finding the clips that programs will sound like, in each of the ways that there are."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from core import encoders
from core.evaluation.validation import COSINE_STEPS_PER_UNIT
from core.evaluation.text_baselines import SHORTLIST_SIZE, vectorise_identifiers, rank_by_edit_distance
from core.evaluation.neighbours import top_k
from core.studies.retrieval_fitting import fit_heads_scorer, fit_mlp_scorer, finetune_scorer
from core.studies.retrieval_context import RetrievalContext, QueryScorer, make_cosine_scorer
from core.studies.retrieval_methods import BAG_OF_WORDS, EDIT_DISTANCE, PROJECTION_HEADS, MLP, RAW_EMBEDDINGS, FINETUNED, RetrievalMethod

NEIGHBOUR_COUNT = 5
TIMED_QUERY_COUNT = 12  # programs whose answers are timed
CLOCK_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class RetrievalResult:
    """What a way found.

    Attributes
    ----------
    base_rows : array, int [m, K]
        Of the programs searched, nearest first.
    similarities : array, float [m, K]
        As the way measures it.
    fit_seconds : float
        Processor time of teaching it, that of programs that are rewritten or rendered for it
        included; without the embedding of the corpus.
    query_ms : float
        From a program to its neighbours, its embedding included: the median.
    """

    base_rows: np.ndarray
    similarities: np.ndarray
    fit_seconds: float
    query_ms: float


class Retriever:
    """Finds neighbours in any way; what two ways have in common is taught once.

    Parameters
    ----------
    context : Material
    """

    def __init__(self, context: RetrievalContext):
        self.context = context
        self._fitted_scorers: dict[RetrievalMethod, tuple[QueryScorer, float]] = {}
        self._embedding_ms: dict[str, float] = {}

    def retrieve(self, method: RetrievalMethod) -> RetrievalResult:
        """Find neighbours in that way."""
        scorer, seconds = self._fit_scorer(method)
        similar = scorer(np.arange(len(self.context.query_set.queries)))
        rows = rank_nearest_rows(similar)
        answering = median(
            _measure_duration_ms(lambda: rank_nearest_rows(scorer(np.array([place])))) for place in self._select_timed_queries()
        )
        reading = sum(self._measure_embedding_ms(each) for each in sorted(method.list_query_encoders()))
        found = np.take_along_axis(similar, rows, axis=1)
        return RetrievalResult(rows, found, seconds, reading + answering)

    def _fit_scorer(self, method: RetrievalMethod) -> tuple[QueryScorer, float]:
        key = replace(method, name="", is_default=False)
        if key not in self._fitted_scorers:
            if method.members:
                parts = [self._fit_scorer(part) for part in method.members]
                taught = _average_scorers([scorer for scorer, _ in parts]), sum(t for _, t in parts)
            else:
                if method.code_encoder:
                    self.context.get_code_embeddings(method.code_encoder)  # what the corpus holds is not what is timed
                started = measure_cpu_seconds()
                scorer = SCORER_FITTERS[method.algorithm](method, self.context)
                taught = scorer, measure_cpu_seconds() - started
            self._fitted_scorers[key] = taught
        return self._fitted_scorers[key]

    def _select_timed_queries(self) -> np.ndarray:
        """Places of the programs whose answers are timed."""
        m = len(self.context.query_set.queries)
        return np.unique(np.linspace(0, m - 1, min(m, TIMED_QUERY_COUNT)).round().astype(int))

    def _measure_embedding_ms(self, encoder_id: str) -> float:
        """Milliseconds in which an encoder reads a program: the median, after the first."""
        if encoder_id not in self._embedding_ms:
            encoder = encoders.get_encoder(encoder_id)
            sources = self.context.query_set.queries["source"].to_numpy()
            encoder.embed([sources[0]])
            self._embedding_ms[encoder_id] = median(
                _measure_duration_ms(lambda: encoder.embed([sources[place]])) for place in self._select_timed_queries()
            )
        return self._embedding_ms[encoder_id]


def rank_nearest_rows(similarities: np.ndarray) -> np.ndarray:
    """Columns of the K largest of each row of [m, n], equal ones by their order: int [m, K]."""
    return np.argsort(-np.round(similarities * COSINE_STEPS_PER_UNIT), axis=1, kind="stable")[:, :NEIGHBOUR_COUNT]


def _average_scorers(scorers: list[QueryScorer]) -> QueryScorer:
    """The mean of what several say, each brought to mean 0 and variance 1 for each program."""

    def average_scores(query_rows: np.ndarray) -> np.ndarray:
        said = [scorer(query_rows) for scorer in scorers]
        return np.mean(
            [
                (each - each.mean(axis=1, keepdims=True))
                / np.maximum(each.std(axis=1, keepdims=True), 1e-9)
                for each in said
            ],
            axis=0,
        )

    return average_scores


def _fit_bag_of_words(method: RetrievalMethod, context: RetrievalContext) -> QueryScorer:
    base, queries = (list(each["source"]) for each in (context.query_set.base, context.query_set.queries))
    known, own = vectorise_identifiers(base, queries)
    return make_cosine_scorer(lambda places: own[places], known)


def _fit_edit_distance(method: RetrievalMethod, context: RetrievalContext) -> QueryScorer:
    base, queries = (list(each["source"]) for each in (context.query_set.base, context.query_set.queries))
    known, own = vectorise_identifiers(base, queries)

    def score_queries(query_rows: np.ndarray) -> np.ndarray:
        """By rank alone, and only of those that share most words."""
        shortlist = top_k(own[query_rows], known, SHORTLIST_SIZE)[0]
        rows = rank_by_edit_distance(base, [queries[place] for place in query_rows], NEIGHBOUR_COUNT, shortlist)
        similar = np.zeros((len(query_rows), len(base)))
        np.put_along_axis(similar, rows, 1 - np.arange(rows.shape[1]) / NEIGHBOUR_COUNT, axis=1)
        return similar

    return score_queries


def _fit_raw_embeddings(method: RetrievalMethod, context: RetrievalContext) -> QueryScorer:
    known, own = context.get_code_embeddings(method.code_encoder)
    return make_cosine_scorer(lambda places: own[places], np.nan_to_num(known))


SCORER_FITTERS: dict[str, Callable[[RetrievalMethod, RetrievalContext], QueryScorer]] = {
    BAG_OF_WORDS: _fit_bag_of_words,
    EDIT_DISTANCE: _fit_edit_distance,
    RAW_EMBEDDINGS: _fit_raw_embeddings,
    PROJECTION_HEADS: fit_heads_scorer,
    MLP: fit_mlp_scorer,
    FINETUNED: finetune_scorer,
}


def measure_cpu_seconds() -> float:
    """Processor time of this process and of all that it has started so far."""
    return sum(os.times()[:4]) + sum(_read_cpu_seconds(each) for each in _iterate_descendants(os.getpid()))


def _iterate_descendants(pid: int) -> Iterator[int]:
    for each in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = [int(word) for word in each.read_text().split()]
        except OSError:  # it has ended meanwhile
            continue
        for child in found:
            yield child
            yield from _iterate_descendants(child)


def _read_cpu_seconds(pid: int) -> float:
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(word) for word in told[11:15]) / CLOCK_TICKS_PER_SECOND  # its own, and of those that ended


def _measure_duration_ms(task: Callable[[], object]) -> float:
    started = time.perf_counter()
    task()
    return 1000 * (time.perf_counter() - started)
