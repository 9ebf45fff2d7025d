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
from core.evaluation.validation import GRAIN
from core.evaluation.text_baselines import CANDIDATES, bag_of_words, nearest_by_edits
from core.evaluation.neighbours import top_k
from core.studies.retrieval_fitting import by_heads, by_network, by_tuning
from core.studies.retrieval_context import Material, Scorer, by_cosine
from core.studies.retrieval_methods import BAG, EDITS, HEADS, MLP, RAW, TUNED, Way

K = 5
TIMED = 12  # programs whose answers are timed
CLOCK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Found:
    """What a way found.

    Attributes
    ----------
    rows : array, int [m, K]
        Of the programs searched, nearest first.
    similarities : array, float [m, K]
        As the way measures it.
    fit_seconds : float
        Processor time of teaching it, that of programs that are rewritten or rendered for it
        included; without the embedding of the corpus.
    answer_ms : float
        From a program to its neighbours, its embedding included: the median.
    """

    rows: np.ndarray
    similarities: np.ndarray
    fit_seconds: float
    answer_ms: float


class Finder:
    """Finds neighbours in any way; what two ways have in common is taught once.

    Parameters
    ----------
    material : Material
    """

    def __init__(self, material: Material):
        self.material = material
        self._learnt: dict[Way, tuple[Scorer, float]] = {}
        self._reading: dict[str, float] = {}

    def find(self, way: Way) -> Found:
        """Find neighbours in that way."""
        scorer, seconds = self._taught(way)
        similar = scorer(np.arange(len(self.material.asked.queries)))
        rows = nearest(similar)
        answering = median(
            _ms(lambda: nearest(scorer(np.array([place])))) for place in self._timed()
        )
        reading = sum(self._reading_ms(each) for each in sorted(way.readers()))
        found = np.take_along_axis(similar, rows, axis=1)
        return Found(rows, found, seconds, reading + answering)

    def _taught(self, way: Way) -> tuple[Scorer, float]:
        key = replace(way, name="", ours=False)
        if key not in self._learnt:
            if way.parts:
                parts = [self._taught(part) for part in way.parts]
                taught = _together([scorer for scorer, _ in parts]), sum(t for _, t in parts)
            else:
                if way.code:
                    self.material.views(way.code)  # what the corpus holds is not what is timed
                started = processor_seconds()
                scorer = FINDERS[way.method](way, self.material)
                taught = scorer, processor_seconds() - started
            self._learnt[key] = taught
        return self._learnt[key]

    def _timed(self) -> np.ndarray:
        """Places of the programs whose answers are timed."""
        m = len(self.material.asked.queries)
        return np.unique(np.linspace(0, m - 1, min(m, TIMED)).round().astype(int))

    def _reading_ms(self, encoder_id: str) -> float:
        """Milliseconds in which an encoder reads a program: the median, after the first."""
        if encoder_id not in self._reading:
            encoder = encoders.get(encoder_id)
            sources = self.material.asked.queries["source"].to_numpy()
            encoder.embed([sources[0]])
            self._reading[encoder_id] = median(
                _ms(lambda: encoder.embed([sources[place]])) for place in self._timed()
            )
        return self._reading[encoder_id]


def nearest(similar: np.ndarray) -> np.ndarray:
    """Columns of the K largest of each row of [m, n], equal ones by their order: int [m, K]."""
    return np.argsort(-np.round(similar * GRAIN), axis=1, kind="stable")[:, :K]


def _together(scorers: list[Scorer]) -> Scorer:
    """The mean of what several say, each brought to mean 0 and variance 1 for each program."""

    def together(places: np.ndarray) -> np.ndarray:
        said = [scorer(places) for scorer in scorers]
        return np.mean(
            [
                (each - each.mean(axis=1, keepdims=True))
                / np.maximum(each.std(axis=1, keepdims=True), 1e-9)
                for each in said
            ],
            axis=0,
        )

    return together


def _by_words(way: Way, material: Material) -> Scorer:
    base, queries = (list(each["source"]) for each in (material.asked.base, material.asked.queries))
    known, own = bag_of_words(base, queries)
    return by_cosine(lambda places: own[places], known)


def _by_edits(way: Way, material: Material) -> Scorer:
    base, queries = (list(each["source"]) for each in (material.asked.base, material.asked.queries))
    known, own = bag_of_words(base, queries)

    def score(places: np.ndarray) -> np.ndarray:
        """By rank alone, and only of those that share most words."""
        shortlist = top_k(own[places], known, CANDIDATES)[0]
        rows = nearest_by_edits(base, [queries[place] for place in places], K, shortlist)
        similar = np.zeros((len(places), len(base)))
        np.put_along_axis(similar, rows, 1 - np.arange(rows.shape[1]) / K, axis=1)
        return similar

    return score


def _by_code(way: Way, material: Material) -> Scorer:
    known, own = material.views(way.code)
    return by_cosine(lambda places: own[places], np.nan_to_num(known))


FINDERS: dict[str, Callable[[Way, Material], Scorer]] = {
    BAG: _by_words,
    EDITS: _by_edits,
    RAW: _by_code,
    HEADS: by_heads,
    MLP: by_network,
    TUNED: by_tuning,
}


def processor_seconds() -> float:
    """Processor time of this process and of all that it has started so far."""
    return sum(os.times()[:4]) + sum(_spent(each) for each in _children(os.getpid()))


def _children(process: int) -> Iterator[int]:
    for each in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found = [int(word) for word in each.read_text().split()]
        except OSError:  # it has ended meanwhile
            continue
        for child in found:
            yield child
            yield from _children(child)


def _spent(process: int) -> float:
    try:
        told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(word) for word in told[11:15]) / CLOCK  # its own, and of those that ended


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)
