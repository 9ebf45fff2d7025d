"""The ways that are taught: heads, regressions, and an encoder of text that is fine-tuned."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.neural_network import MLPRegressor

from core.alignment import AlignmentConfig
from core.alignment import train as train_heads
from core.alignment.config import SOLVED
from core.alignment.heads import RIDGE_FLOOR, ProjectionHeads, Standardiser
from core.studies.experiments.finetune import tune
from core.encoders.score_features import WHOLE, layout
from core.evaluation.validation import unit_rows
from core.studies.experiments.augment import augment
from core.programs.grammar.styles import PREFIX
from core.studies.experiments.hard_negatives import perturb
from core.search.loaded_alignment import projected
from core.studies.retrieval_context import Material, Scorer, by_cosine
from core.studies.retrieval_methods import SONICPI, Way
from core.studies.study_clips import clips_of, code_vectors, sound_vectors

STEP = "Fine-tuning"


def by_heads(way: Way, material: Material) -> Scorer:
    """Train heads on what is searched; its validation programs say when to stop."""
    known, own = columns(way, *material.views(way.code))
    made = _heads(way, material, known)
    if way.after is not None:
        before = _heads(Way("", way.method, way.code, way.after, way.breadth), material, known)
        known, own = (projected(before, view, "code") for view in (known, own))
        made = _heads(way, material, known)
    heard = projected(made, material.heard, "audio")
    return by_cosine(lambda places: projected(made, own[places], "code"), heard)


def _heads(way: Way, material: Material, known: np.ndarray) -> ProjectionHeads:
    taught, stops = lessons(way, material)
    embedded = ~np.isnan(known).any(axis=1)
    taught, stops = taught & embedded, stops & embedded
    code, audio = torch.tensor(known[taught]), torch.tensor(material.heard[taught])
    config = AlignmentConfig.from_dict({**way.config.to_dict(), "seed": material.seed})
    more: dict[str, Any] = {}
    if way.rewritten:
        ways = [_embedded(augment, material, taught, turn) for turn in range(way.rewritten)]
        if config.objective in SOLVED:
            code, audio = torch.cat([code, *ways]), audio.repeat(1 + way.rewritten, 1)
        else:
            more["rewritten"] = torch.stack(ways)
    if way.against:
        more["against"] = _embedded(perturb, material, taught, 0)
    if way.changed:
        more_code, more_audio = _changed(material, taught, way.changed)
        code, audio = torch.cat([code, more_code]), torch.cat([audio, more_audio])
    watched = torch.tensor(known[stops]), torch.tensor(material.heard[stops])
    return train_heads(code, audio, *watched, config, **more).heads


def lessons(way: Way, material: Material) -> tuple[np.ndarray, np.ndarray]:
    """Which programs of the base are taught, and which say when to stop: bool [n] each."""
    base = material.asked.base
    stops = (base["split"] == "validation").to_numpy()
    taught = ~stops
    if way.breadth != "all":
        composed = base["template"].str.startswith(PREFIX).to_numpy()
        kept = composed if way.breadth == "composed" else ~composed
        taught, stops = taught & kept, stops & kept
    return taught, stops


def columns(way: Way, *views: np.ndarray) -> list[np.ndarray]:
    """The columns of `sonicpi` that a way is given, of views [n, d] each."""
    if way.columns == "all":
        return list(views)
    width = layout()[1]  # a half: all layers together, then each layer's most
    if way.columns == "sounds":
        return [view[:, : 2 * width + WHOLE] for view in views]
    left_out = np.s_[:width] if way.columns == "layers" else np.s_[width : 2 * width]
    return [np.delete(view, left_out, axis=1) for view in views]


def _embedded(change: Any, material: Material, taught: np.ndarray, turn: int) -> torch.Tensor:
    """Embeddings of the programs that are taught, each changed by `change`: float32 [n, d]."""
    key = (change.__name__, turn, taught.tobytes())
    if key not in material.changed:
        sources = [change(source, turn) for source in material.asked.base["source"][taught]]
        material.changed[key] = code_vectors(SONICPI, sources, material.progress)
    return torch.tensor(material.changed[key])


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


def by_network(way: Way, material: Material) -> Scorer:
    """Foretell the clip's embedding by a network, and take the clips nearest to that."""
    known, own = material.views(way.code)
    taught, _ = lessons(way, material)
    heard = unit_rows(material.heard).numpy()
    centre = heard[taught].mean(axis=0)
    inputs = Standardiser(known.shape[1], floor=RIDGE_FLOOR)
    inputs.fit(torch.tensor(known[taught]))
    x = inputs(torch.tensor(known[taught])).numpy()
    fitted = [
        _network(material.seed + turn, len(x)).fit(x, heard[taught] - centre)
        for turn in range(way.seeds)
    ]

    def project(places: np.ndarray) -> np.ndarray:
        asked = inputs(torch.tensor(own[places])).numpy()
        return sum(each.predict(asked) for each in fitted)

    return by_cosine(project, heard - centre)


def _network(seed: int, n: int) -> MLPRegressor:
    return MLPRegressor(
        hidden_layer_sizes=(512,),
        alpha=1.0,
        learning_rate_init=1e-3,
        batch_size=min(256, n),
        max_iter=30,
        early_stopping=True,
        random_state=seed,
    )


def by_tuning(way: Way, material: Material) -> Scorer:
    """Train heads on an encoder's embeddings, and then the encoder with them."""
    known, _ = material.views(way.code)
    taught, _ = lessons(way, material)
    taught &= ~np.isnan(known).any(axis=1)
    base, queries = material.asked.base, material.asked.queries["source"].to_numpy()
    made = tune(
        way.code,
        _heads(way, material, known),
        list(base["source"][taught]),
        torch.tensor(material.heard[taught]),
        way.tuning,
        lambda done, total, loss: material.progress(STEP, done, total, f"loss {loss:.3f}"),
    )
    heard = made.audio(torch.tensor(material.heard)).numpy()
    return by_cosine(lambda places: made.code(list(queries[places])).numpy(), heard)
