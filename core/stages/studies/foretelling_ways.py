"""The ways to find the clips that a program will sound like, from the simplest to ours."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.kernel_ridge import KernelRidge
from sklearn.neural_network import MLPRegressor

from core.alignment import AlignmentConfig
from core.alignment import train as train_heads
from core.alignment.heads import RIDGE_FLOOR, Standardiser
from core.corpus import Corpus
from core.encoders.joined import join, part_ids
from core.encoders.score_features import WHOLE, layout
from core.evaluation.checks import unit_rows
from core.evaluation.foretelling import CANDIDATES, bag_of_words, nearest_by_edits
from core.evaluation.neighbours import top_k
from core.programs.augment import augment
from core.programs.composed.styles import PREFIX
from core.programs.perturb import perturb
from core.progress import Progress
from core.stages.aligned import projected
from core.stages.studies.foretelling_sets import Asked
from core.stages.studies.rendered import clips_of, code_vectors, sound_vectors

K = 5
Neighbours = tuple[np.ndarray, np.ndarray]  # rows and similarities, [m, k] each
BAG, EDITS, RAW, HEADS, KERNEL, MLP = "bag", "edits", "raw", "heads", "kernel", "mlp"
SONICPI, SCORE = "sonicpi", "score"
SENTENCES = "sentence-transformers/all-MiniLM-L6-v2"
OURS_CODE = SONICPI
BRIEF = {"epochs": 40, "patience": 8}  # of heads in an ablation, as in a sweep


@dataclass(frozen=True)
class Way:
    """One way to find neighbours.

    Attributes
    ----------
    name : str
        For people.
    method : {"bag", "edits", "raw", "heads", "kernel", "mlp"}
        By words, by edits, by raw embeddings of code, in the shared space of heads that are
        trained for it, or by the clip's embedding as kernel regression or a network foretells it.
    code : str
        Whose embeddings of code; "" for the first two.
    config : AlignmentConfig, optional
        Of "heads".
    breadth : {"all", "templates"}
        Which programs are taught; searched are all.
    columns : {"all", "whole", "sounds"}
        Of `sonicpi`: all; without what each layer alone is like; without the words.
    rewritten : int
        How often each program is taught again, written otherwise.
    changed : int
        How many programs are taught again, changed a little and with the clip of that: near in
        code, apart in sound.
    after : AlignmentConfig, optional
        Heads whose shared space the code is brought to first.
    seeds : int
        Runs whose foretellings are averaged, of "mlp".
    ours : bool
        Whether it is the one that was chosen.
    """

    name: str
    method: str
    code: str = ""
    config: AlignmentConfig | None = None
    breadth: str = "all"
    columns: str = "all"
    rewritten: int = 0
    changed: int = 0
    after: AlignmentConfig | None = None
    seeds: int = 1
    ours: bool = False


def heads(method: str, **changes: Any) -> AlignmentConfig:
    """The config of heads of a named method."""
    return AlignmentConfig.of_method(method, **changes)


def told(code: str) -> list[Way]:
    """From the simplest way to ours, for a corpus with that code encoder."""
    views = list(dict.fromkeys((SENTENCES, code, OURS_CODE)))
    return [
        Way("bag of identifiers", BAG),
        Way("edit distance", EDITS),
        *(Way(f"raw {view}", RAW, view) for view in views),
        *(Way(f"the paper's method on {view}", HEADS, view, heads("paper"))
          for view in dict.fromkeys((SENTENCES, code))),
        Way(f"ours on {OURS_CODE}", HEADS, OURS_CODE, heads("foretell"), ours=True),
        Way(f"raw {SCORE}", RAW, SCORE),
        Way(f"ours on {SCORE}", HEADS, SCORE, heads("foretell")),
    ]  # fmt: skip


def solved(code: str) -> list[Way]:
    """What was tried without gradients: views of code, and what is solved for from them."""
    ridge = heads("foretell")
    joined = f"{SENTENCES}+{SONICPI}"
    views = list(dict.fromkeys((SENTENCES, code, SONICPI, joined)))
    return [
        *(Way(f"raw {view}", RAW, view) for view in (*views, SCORE)),
        *(Way(f"ridge on {view}", HEADS, view, ridge, ours=view == OURS_CODE) for view in views),
        Way("  whitened to 512", HEADS, SONICPI, heads("foretell", whiten=512)),
        Way("  a tenth of the penalty", HEADS, SONICPI, heads("foretell", penalty=100.0)),
        Way("  ten times the penalty", HEADS, SONICPI, heads("foretell", penalty=10_000.0)),
        Way("  taught templates only", HEADS, SONICPI, ridge, breadth="templates"),
        Way("  without a view of each layer", HEADS, SONICPI, ridge, columns="whole"),
        Way("  without the words", HEADS, SONICPI, ridge, columns="sounds"),
        Way("  each program also written otherwise", HEADS, SONICPI, ridge, rewritten=1),
        Way("  and 300 programs changed a little", HEADS, SONICPI, ridge, changed=300),
        Way("kernel ridge", KERNEL, SONICPI),
        Way(f"ridge on {SCORE}", HEADS, SCORE, ridge),
        Way(f"ridge on {SONICPI}+{SCORE}", HEADS, f"{SONICPI}+{SCORE}", ridge),
    ]  # fmt: skip


def _chosen(code: str) -> list[Way]:
    return [
        Way(f"raw {code}", RAW, code),
        Way(f"ridge on {OURS_CODE}", HEADS, OURS_CODE, heads("foretell"), ours=True),
    ]


def trained(code: str) -> list[Way]:
    """Heads that were trained, beside the chosen ones."""
    return [
        *_chosen(code),
        Way("soft targets, kernels aligned", HEADS, SONICPI, heads("earshot", **BRIEF)),
        Way("soft targets alone", HEADS, SONICPI, heads("earshot", kernel_weight=0.0, **BRIEF)),
        Way("InfoNCE, the paper's", HEADS, SONICPI, heads("paper", **BRIEF)),
        Way(f"InfoNCE, the paper's, on {SENTENCES}", HEADS, SENTENCES, heads("paper", **BRIEF)),
        Way("soft targets, started from ridge", HEADS, SONICPI, heads("earshot", **BRIEF),
            after=heads("foretell")),
    ]  # fmt: skip


def networks(code: str) -> list[Way]:
    """Networks that foretell the clip's embedding, beside the chosen heads."""
    return [
        *_chosen(code),
        Way("network that foretells the embedding", MLP, SONICPI),
        Way("  three of them", MLP, SONICPI, seeds=3),
    ]  # fmt: skip


WAYS = {"told": told, "solved": solved, "trained": trained, "networks": networks}


@dataclass
class Material:
    """What every way is given: programs to search, programs asked about, what is heard.

    Attributes
    ----------
    corpus : Corpus
    asked : Asked
    ear : str
        The audio encoder that is trained on.
    heard : array, float [n, d]
        Raw audio embeddings of the programs searched, by that encoder.
    seed : int
    progress : Progress
    """

    corpus: Corpus
    asked: Asked
    ear: str
    heard: np.ndarray
    seed: int
    progress: Progress
    _vectors: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def views(self, encoder_id: str) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings of code, of what is searched [n, d] and of what is asked [m, d].

        Of programs that aren't embedded by it, nan.
        """
        parts = [self._view(part) for part in part_ids(encoder_id)]
        if len(parts) == 1:
            return parts[0]
        return join([known for known, _ in parts]), join([own for _, own in parts])

    def _view(self, encoder_id: str) -> tuple[np.ndarray, np.ndarray]:
        if encoder_id not in self._vectors:
            base, queries = self.asked.base, self.asked.queries
            known = self._stored(encoder_id, base)
            if "program" in queries:
                own = self._stored(encoder_id, queries)
            else:
                own = np.full((len(queries), known.shape[1]), np.nan, np.float32)
            lacking = np.isnan(own[:, 0])
            if lacking.any():
                sources = list(queries["source"][lacking])
                own[lacking] = code_vectors(encoder_id, sources, self.progress)
            self._vectors[encoder_id] = known, own
        return self._vectors[encoder_id]

    def partly(self) -> list[tuple[str, int]]:
        """Encoders used so far by which not all that is searched is embedded; by how much."""
        counts = {name: int((~np.isnan(known[:, 0])).sum())
                  for name, (known, _) in self._vectors.items()}  # fmt: skip
        return [(name, n) for name, n in counts.items() if n < len(self.asked.base)]

    def _stored(self, encoder_id: str, programs: pd.DataFrame) -> np.ndarray:
        names, vectors = self.corpus.embeddings(encoder_id)
        places = pd.Index(names).get_indexer(programs["program"])
        found = vectors[places]
        found[places < 0] = np.nan
        return found


@dataclass(frozen=True)
class Found:
    """What a way found.

    Attributes
    ----------
    rows : array, int [m, K]
        Of the programs searched, nearest first.
    similarities : array, float [m, K]
        In the space that was searched; nan where there is none.
    seconds : float
        Processor time of training and searching, without the embedding of code and clips.
    """

    rows: np.ndarray
    similarities: np.ndarray
    seconds: float


def find(way: Way, material: Material) -> Found:
    """Find neighbours in that way."""
    methods: dict[str, Callable[[Way, Material], Neighbours]] = {
        BAG: _by_words, EDITS: _by_edits, RAW: _by_code, HEADS: _by_heads,
        KERNEL: _by_regression, MLP: _by_regression,
    }  # fmt: skip
    if way.code:
        material.views(way.code)  # embedding code is not what is timed
    started = time.process_time()
    rows, similarities = methods[way.method](way, material)
    return Found(rows, similarities, time.process_time() - started)


def _by_words(way: Way, material: Material, k: int = K) -> Neighbours:
    base, queries = material.asked.base, material.asked.queries
    known, own = bag_of_words(list(base["source"]), list(queries["source"]))
    return top_k(own, known, k)


def _by_edits(way: Way, material: Material) -> Neighbours:
    base, queries = material.asked.base, material.asked.queries
    shortlist = _by_words(way, material, CANDIDATES)[0]
    rows = nearest_by_edits(list(base["source"]), list(queries["source"]), K, shortlist)
    return rows, np.full(rows.shape, np.nan)


def _by_code(way: Way, material: Material) -> Neighbours:
    known, own = material.views(way.code)
    return top_k(own, known, K)


def _by_heads(way: Way, material: Material) -> Neighbours:
    """Train heads on what is searched; its validation programs say when to stop."""
    known, own = _columns(way, *material.views(way.code))
    taught, stops = lessons(way, material)
    embedded = ~np.isnan(known).any(axis=1)
    taught, stops = taught & embedded, stops & embedded
    code, audio = torch.tensor(known[taught]), torch.tensor(material.heard[taught])
    if way.rewritten:
        more = [torch.tensor(_rewritten(material, taught, turn)) for turn in range(way.rewritten)]
        code, audio = torch.cat([code, *more]), audio.repeat(1 + way.rewritten, 1)
    if way.changed:
        more_code, more_audio = _changed(material, taught, way.changed)
        code, audio = torch.cat([code, more_code]), torch.cat([audio, more_audio])
    watched = torch.tensor(known[stops]), torch.tensor(material.heard[stops])
    if way.after is not None:
        first = train_heads(code, audio, *watched, way.after).heads
        code = torch.from_numpy(projected(first, code.numpy(), "code"))
        watched = torch.from_numpy(projected(first, watched[0].numpy(), "code")), watched[1]
        own = projected(first, own, "code")
    config = AlignmentConfig.from_dict({**way.config.to_dict(), "seed": material.seed})
    made = train_heads(code, audio, *watched, config).heads
    return top_k(projected(made, own, "code"), projected(made, material.heard, "audio"), K)


def lessons(way: Way, material: Material) -> tuple[np.ndarray, np.ndarray]:
    """Which programs of the base are taught, and which say when to stop: bool [n] each."""
    base = material.asked.base
    stops = (base["split"] == "validation").to_numpy()
    taught = ~stops
    if way.breadth == "templates":
        composed = base["template"].str.startswith(PREFIX).to_numpy()
        taught, stops = taught & ~composed, stops & ~composed
    return taught, stops


def _columns(way: Way, *views: np.ndarray) -> list[np.ndarray]:
    if way.columns == "all":
        return list(views)
    width = layout()[1]  # a half: all layers together, then each layer's most
    if way.columns == "sounds":
        return [view[:, : 2 * width + WHOLE] for view in views]
    return [np.delete(view, np.s_[width : 2 * width], axis=1) for view in views]


def _rewritten(material: Material, taught: np.ndarray, turn: int) -> np.ndarray:
    """Embeddings of the programs that are taught, written otherwise: float32 [n, d]."""
    sources = [augment(source, turn) for source in material.asked.base["source"][taught]]
    return code_vectors(SONICPI, sources, material.progress)


def _changed(
    material: Material, taught: np.ndarray, count: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings of some programs that are taught, changed a little, and of their own clips."""
    sources = material.asked.base["source"][taught]
    places = np.linspace(0, len(sources) - 1, min(count, len(sources))).round().astype(int)
    changed = [perturb(source, 0) for source in sources.iloc[places]]
    corpus = material.corpus
    paths, _ = clips_of(corpus, changed, corpus.settings["seconds"], material.progress)
    there = [place for place, path in enumerate(paths) if path is not None]
    code = code_vectors(SONICPI, [changed[place] for place in there], material.progress)
    audio = sound_vectors(material.ear, [paths[place] for place in there], material.progress)
    return torch.tensor(code), torch.tensor(audio)


def _by_regression(way: Way, material: Material) -> Neighbours:
    """Foretell the clip's embedding, and take the clips nearest to that."""
    known, own = material.views(way.code)
    taught, _ = lessons(way, material)
    heard = unit_rows(material.heard).numpy()
    centre = heard[taught].mean(axis=0)
    inputs = Standardiser(known.shape[1], floor=RIDGE_FLOOR)
    inputs.fit(torch.tensor(known[taught]))
    x, asked = (inputs(torch.tensor(view)).numpy() for view in (known[taught], own))
    foretold = sum(
        _regressor(way, material.seed + turn, x).fit(x, heard[taught] - centre).predict(asked)
        for turn in range(way.seeds)
    )
    return top_k(foretold, heard - centre, K)


def _regressor(way: Way, seed: int, x: np.ndarray) -> Any:
    if way.method == KERNEL:
        # Half as wide as programs are apart.
        return KernelRidge(alpha=0.3, kernel="rbf", gamma=0.25 / x.var(axis=0).sum())
    return MLPRegressor(
        hidden_layer_sizes=(512,), alpha=1.0, learning_rate_init=1e-3,
        batch_size=min(256, len(x)), max_iter=30, early_stopping=True, random_state=seed,
    )  # fmt: skip
