"""How sure a foretelling is, for the alignment that makes it: calibrated on held-out templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from core.alignment import AlignmentConfig
from core.alignment import train as train_heads
from core.evaluation.neighbours import top_k
from core.evaluation.calibration import RIGHT, Calibration, each_foretold, level, signs
from core.progress import Progress, silent
from core.search.loaded_alignment import projected
from core.search.aligned_corpus import Neighbour, embedded_snippet, space_of

STEP = "Learning how sure it can be"
FOLDS = 3
LEAST = 100  # programs
FEWEST = 6  # templates and styles: with fewer, holding some out leaves too little
MOST = 200  # programs asked about in a fold
K = 5
KEPT = "sureness"  # among an alignment's metrics


@dataclass(frozen=True)
class Sureness:
    """How sure a foretelling is.

    Attributes
    ----------
    probability : float
        That the clips found are at least half as near as the truly nearest, as it was for
        held-out programs that looked like this.
    level : {"sure", "likely", "guess"}
        From two in three, from one in three, below.
    programs : int
        Held-out programs that this was learnt from.
    """

    probability: float
    level: str
    programs: int


@dataclass(frozen=True)
class Taught:
    """Pairs that heads are trained on.

    Attributes
    ----------
    code, audio : array, float32 [n, d1] and [n, d2]
        Raw embeddings, row i of both one program.
    stops : array, bool [n]
        Those that only say when to stop.
    """

    code: np.ndarray
    audio: np.ndarray
    stops: np.ndarray


def how_sure(
    corpus_name: str, snippet: str, found: Sequence[Neighbour], alignment_id: str | None = None
) -> Sureness | None:
    """Say how sure it is that a snippet sounds like the neighbours found for it.

    Parameters
    ----------
    corpus_name : str
    snippet : str
    found : sequence of Neighbour
        What `core.search.query.neighbours` found for the snippet by code->audio.
    alignment_id : str, optional
        Without it, the newest.

    Returns
    -------
    Sureness or None
        None where the alignment was trained on too few templates to learn it.
    """
    space = space_of(corpus_name, alignment_id, "code->audio")
    known = space.aligned.record.metrics.get(KEPT)
    if not known or not found:
        return None
    code = embedded_snippet(snippet, space.encoders["code"])  # [1, d]
    found = found[:K]  # as many as it was learnt with
    rows = np.array([[space.place[each.program] for each in found]])  # [1, k]
    similar = np.array([[each.similarity for each in found]])
    nearest = space.raw_code.query(code, 1)[1][:, 0]
    seen = signs(space.pairs.audio[rows], similar, nearest)
    calibration = Calibration.from_dict(known)
    probability = float(calibration.probability(seen)[0])
    return Sureness(probability, level(probability), calibration.programs)


def held_out_foretellings(
    taught: Taught, groups: Sequence[str], config: AlignmentConfig, progress: Progress = silent
) -> tuple[np.ndarray, np.ndarray]:
    """Foretell programs of templates that the heads have not seen, with heads trained alike.

    Parameters
    ----------
    taught : Taught
    groups : sequence of str
        Of each pair: the template or style that it is of. Whole groups are held out, a third
        of them at a time.
    config : AlignmentConfig
    progress : Progress

    Returns
    -------
    signs : float [m, 3]
        As of `core.evaluation.calibration.signs`.
    shares : float [m]
        As of `core.evaluation.calibration.each_foretold`.
    """
    groups = np.asarray(groups)
    names = np.random.default_rng(config.seed).permutation(sorted(set(groups.tolist())))
    seen, shares = [np.empty((0, 3))], [np.empty(0)]
    for fold in range(FOLDS):
        progress(STEP, fold, FOLDS)
        held = np.isin(groups, names[fold::FOLDS])
        asked = np.flatnonzero(held)
        asked = asked[np.unique(np.linspace(0, len(asked) - 1, min(len(asked), MOST)).astype(int))]
        stops, learns = ~held & taught.stops, ~held & ~taught.stops
        code, audio = torch.tensor(taught.code), torch.tensor(taught.audio)
        heads = train_heads(code[learns], audio[learns], code[stops], audio[stops], config).heads
        base_code, heard = taught.code[~held], taught.audio[~held]
        rows, similar = top_k(
            projected(heads, taught.code[asked], "code"), projected(heads, heard, "audio"), K
        )
        nearest = top_k(taught.code[asked], base_code, 1)[1][:, 0]
        seen.append(signs(heard[rows], similar, nearest))
        shares.append(each_foretold(rows, taught.audio[asked], heard))
    progress(STEP, FOLDS, FOLDS)
    return np.concatenate(seen), np.concatenate(shares)


def calibrated(
    taught: Taught, groups: Sequence[str], config: AlignmentConfig, progress: Progress = silent
) -> Calibration | None:
    """Learn how sure heads of this config can be of a program of no template they have seen.

    Returns
    -------
    Calibration or None
        None with fewer than 6 templates and styles, or too few programs.
    """
    if len(set(groups)) < FEWEST or len(taught.code) < LEAST:
        return None
    seen, shares = held_out_foretellings(taught, groups, config, progress)
    known = np.isfinite(shares)
    return Calibration.fit(seen[known], shares[known] >= RIGHT)
