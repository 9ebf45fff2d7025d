"""Judge an alignment before and after, on programs that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core import workspace
from core.alignment import ProjectionHeads
from core.corpus import Corpus, Pairs
from core.evaluation.cca import cca_fit
from core.evaluation.metrics_table import AGAINST_RAW, ALIGNED, BEFORE, COLUMNS, Reading, judge
from core.evaluation.neighbours import top_k
from core.progress import Progress, silent
from core.search.loaded_alignment import UNSEEN, fingerprint, open_aligned, projected

STEP = "Judging"
HEARD_BY = ", heard by "
FORETOLD = 5  # neighbours, as many as Listen shows


def evaluate(
    corpus_name: str, alignment_id: str | None = None, progress: Progress = silent
) -> pd.DataFrame:
    """Metrics of an alignment on held-out programs, each with its split and reading.

    Parameters
    ----------
    corpus_name : str
    alignment_id : str, optional
        Without it, the newest.
    progress : Progress

    Returns
    -------
    DataFrame
        metric, split, reading, value, low, high, programs: `core.evaluation.metrics_table.judge`
        says what they are. Splits: "validation", "test", and "unseen templates" if any
        were held out whole. Readings: "before", "aligned code ~ aligned audio", "aligned
        code ~ raw audio"; and where the corpus is embedded by other audio encoders too,
        the first and the last of these ", heard by" each, which the alignment was not
        trained on. As they were measured after training if the corpus still holds the
        same pairs, else measured now; an alignment that had never been judged keeps them.

    Raises
    ------
    EarshotError
        When the corpus or the alignment isn't there, or its encoders' embeddings aren't.
    """
    aligned = open_aligned(corpus_name, alignment_id)
    pairs = aligned.pairs()
    heard = other_ears(aligned.corpus, pairs, aligned.audio_encoder["id"])
    splits = splits_of(aligned.corpus, pairs, aligned.record.config["split"]["unseen_templates"])
    metrics = aligned.record.metrics
    if metrics.get("measured_on") == measured_on(pairs, splits, heard):
        numbers = dict.fromkeys(("value", "low", "high"), float)
        return pd.DataFrame(metrics["readings"], columns=COLUMNS).astype(numbers)
    found = judged(aligned.heads, pairs, splits, heard, progress)
    if not metrics["readings"] and not workspace.read_only():
        judgement = {
            "measured_on": measured_on(pairs, splits, heard),
            "readings": found.to_dict(orient="records"),
        }
        aligned.corpus.save_metrics(aligned.record.id, {**metrics, **judgement})
    return found


def splits_of(corpus: Corpus, pairs: Pairs, unseen_templates: Sequence[str] = ()) -> np.ndarray:
    """Split of each pair, as the corpus keeps it, but for templates that are held out whole.

    Returns
    -------
    array of str [n]
        "train", "validation", "test" or "unseen templates".
    """
    if not unseen_templates:
        return pairs.split
    template = corpus.programs().set_index("program")["template"]
    held_out = template[pairs.programs].isin(list(unseen_templates)).to_numpy()
    return np.where(held_out, UNSEEN, pairs.split)


def other_ears(corpus: Corpus, pairs: Pairs, audio_encoder: str) -> dict[str, np.ndarray]:
    """Audio embeddings [n, d] of all pairs by encoders that the alignment wasn't trained on."""
    found = {}
    for encoder, modality, _ in corpus.encoders():
        if modality == "audio" and encoder != audio_encoder:
            ids, vectors = corpus.embeddings(encoder)
            place = {program: row for row, program in enumerate(ids)}
            if all(program in place for program in pairs.programs):
                found[encoder] = vectors[[place[program] for program in pairs.programs]]
    return found


def measured_on(pairs: Pairs, splits: np.ndarray, heard: dict[str, np.ndarray]) -> str:
    """Fingerprint of all that metrics depend on besides the alignment."""
    others = [part for ear in sorted(heard) for part in (ear, heard[ear])]
    return fingerprint(np.array(pairs.programs), splits, pairs.code, pairs.audio, *others)


def judged(
    heads: ProjectionHeads,
    pairs: Pairs,
    splits: np.ndarray,
    heard: dict[str, np.ndarray],
    progress: Progress = silent,
) -> pd.DataFrame:
    """Metrics of every reading on every held-out split.

    Parameters
    ----------
    heads : ProjectionHeads
    pairs : Pairs
    splits : array of str [n]
        As of `splits_of`.
    heard : dict of encoder id to array, float [n, d]
        As of `other_ears`.
    progress : Progress

    Returns
    -------
    DataFrame
        As of `evaluate`.
    """
    found = spaces_before(pairs) | spaces_after(heads, pairs)
    for ear, vectors in heard.items():
        for name in (BEFORE, AGAINST_RAW):
            code, _, searched = found[name]
            found[name + HEARD_BY + ear] = (code, vectors, searched)
    return measured(found, splits, progress)


# Two spaces to be compared; a third is searched by code for training programs, whose clips are
# then held against the program's own: like code before, like sound after.
Spaces = dict[str, tuple[np.ndarray, np.ndarray, np.ndarray | None]]


def spaces_before(pairs: Pairs) -> Spaces:
    """What the reading before alignment compares."""
    return {BEFORE: (pairs.code, pairs.audio, pairs.code)}


def spaces_after(heads: ProjectionHeads, pairs: Pairs) -> Spaces:
    """What both readings after alignment compare."""
    code, audio = projected(heads, pairs.code, "code"), projected(heads, pairs.audio, "audio")
    return {ALIGNED: (code, audio, None), AGAINST_RAW: (code, pairs.audio, audio)}


def measured(
    spaces: Spaces, splits: np.ndarray, progress: Progress = silent, *, intervals: bool = True
) -> pd.DataFrame:
    """Metrics of some readings on every held-out split, as of `evaluate`."""
    train = splits == "train"
    directions = {name: cca_fit(x[train], y[train]) for name, (x, y, _) in spaces.items()}
    tables = []
    parts = [part for part in ("validation", "test", UNSEEN) if part != UNSEEN or UNSEEN in splits]
    todo = [(part, name) for part in parts for name in spaces]
    for done, (part, name) in enumerate(todo):
        progress(STEP, done, len(todo), f"{part}: {name}")
        x, y, searched = spaces[name]
        rows = splits == part
        found = None if searched is None else top_k(x[rows], searched[train], FORETOLD)[0]
        reading = Reading(
            name,
            x[rows],
            y[rows],
            x[train],
            y[train],
            shared=name == ALIGNED,
            found=found,
            directions=directions[name],
        )
        tables.append(judge([reading], part, intervals=intervals))
    progress(STEP, len(todo), len(todo))
    return pd.concat(tables, ignore_index=True)
