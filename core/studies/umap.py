"""The paper's picture of both modalities before and after, with numbers for what it shows."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation import metrics
from core.evaluation.bootstrap import bootstrap_interval
from core.studies.two_sample_test import told_apart
from core.plots.map import map_figure
from core.progress import Progress
from core.pipeline.map import laid_out
from core.studies import options as option
from core.studies.subject_selection import subject
from core.studies.result import Figure, StudyResult, Table, beside
from core.studies.store import in_workspace

NAME = "umap"
TITLE = "Code and sound before and after alignment"
QUESTION = "Do the two modalities mix, and does a program's code find its own sound?"
OPTIONS = option.OF["umap"]
STEP = "Telling code from sound"
FEWEST = 10


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Tell code from sound by a classifier, and rank each program's own sound."""
    about = subject(corpus, options, needs_alignment=True)
    test = (about.programs["split"] == "test").to_numpy()
    if test.sum() < FEWEST:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {test.sum()} embedded test programs; this study takes"
            f" {FEWEST}.",
            remedy=f"To add programs: ./run build {corpus.name}",
        )
    code, audio = about.pairs.code[test], about.pairs.audio[test]
    after = (about.aligned.code(code), about.aligned.audio(audio))
    spaces = {"before": (code, audio), "after": after}
    rows = []
    for done, (when, (x, y)) in enumerate(spaces.items()):
        progress(STEP, done, 2, when)
        for name, hits in told_apart(x, y).items():
            low, high = bootstrap_interval(hits, seed=options["seed"])
            rows.append(_row(f"Told apart {when}, by {name}", hits.mean(), low, high, options))
    progress(STEP, 2, 2)
    ranks = metrics.ranks(*spaces["after"])
    low, high = bootstrap_interval(ranks, np.median, seed=options["seed"])
    rows.append(
        _row("Median rank of a program's own sound, after", np.median(ranks), low, high, options)
    )
    rows.append(_row("The same by chance", (len(ranks) + 1) / 2, None, None, options))
    programs = about.programs[test]
    own = pd.DataFrame(
        {
            "name": programs["name"].to_numpy(),
            "template": programs["template"].to_numpy(),
            "rank": ranks,
            "clips": [in_workspace(path) for path in programs["audio"]],
        }
    )
    points = corpus.load_map(about.aligned.record.id)
    if points is None:
        points = laid_out(about.aligned.heads, about.pairs, progress)
    facts = corpus.programs()[["program", "name", "template", "role", "split", "audio"]]
    points = points.merge(facts, on="program")
    heard = pd.DataFrame({"name": points["name"], "clips": points.pop("audio").map(in_workspace)})
    values = {row["measure"]: row["measured"] for row in rows}
    return StudyResult(
        compared=beside(rows),
        tables=[
            Table(
                "own_sound",
                "Rank of each program's own sound",
                own,
                f"1 is the nearest of {len(ranks)} test clips to its aligned code.",
            ),
            Table("points", "Points of the map", heard, "In the order of the figure's points."),
        ],
        figures=[
            Figure(
                "map",
                "The map",
                map_figure(points),
                "All programs; near means alike, axes mean nothing. Click a point to hear it.",
                hears="points",
            )
        ],
        notes=[
            "The paper shows a picture and no number: before, apart; after, mixed. A classifier"
            " that tells them apart always scores 1, one that can't 0.5, on test programs that it"
            " wasn't fitted on. " + _mixed(values),
            "Before alignment the two encoders' spaces have nothing in common, and often not even"
            " the same width (the narrower one is filled up with zeros): that they lie apart is no"
            " finding.",
        ],
        settings={**about.settings(options), "split": "test", "programs": int(test.sum())},
    )


def _mixed(values: Mapping[str, float]) -> str:
    after = {name: value for name, value in values.items() if name.startswith("Told apart after")}
    parts = [f"{value:.2f} by {name.rpartition(', by ')[2]}" for name, value in after.items()]
    mixed = max(after.values()) < 0.6
    return f"After alignment: {' and '.join(parts)}. " + (
        "They are mixed, as in the paper's picture."
        if mixed
        else "A gap remains that a picture in two dimensions need not show."
    )


def _row(measure: str, measured, low, high, options: Mapping[str, Any]) -> dict:
    return {
        "measure": measure,
        "measured": measured,
        "low": low,
        "high": high,
        "split": "test",
        "seed": options["seed"],
    }
