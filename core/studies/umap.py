"""The paper's picture of both modalities before and after, with numbers for what it shows."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation import metrics
from core.evaluation.bootstrap import bootstrap_interval
from core.studies.two_sample_test import run_two_sample_test
from core.plots.map import draw_map
from core.progress import Progress
from core.pipeline.map import compute_map
from core.studies import options as option
from core.studies.subject_selection import open_study_inputs
from core.studies.result import StudyFigure, StudyResult, StudyTable, compare_to_paper
from core.studies.store import make_workspace_relative

NAME = "umap"
TITLE = "Code and sound before and after alignment"
QUESTION = "Do the two modalities mix, and does a program's code find its own sound?"
OPTIONS = option.STUDY_OPTIONS["umap"]
PROGRESS_STEP = "Telling code from sound"
MIN_TEST_PROGRAMS = 10


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Tell code from sound by a classifier, and rank each program's own sound."""
    about = open_study_inputs(corpus, options, needs_alignment=True)
    test = (about.programs["split"] == "test").to_numpy()
    if test.sum() < MIN_TEST_PROGRAMS:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {test.sum()} embedded test programs; this study takes"
            f" {MIN_TEST_PROGRAMS}.",
            remedy=f"To add programs: ./run build {corpus.name}",
        )
    code, audio = about.pairs.code_embeddings[test], about.pairs.audio_embeddings[test]
    after = (about.aligned_corpus.project_code(code), about.aligned_corpus.project_audio(audio))
    spaces = {"before": (code, audio), "after": after}
    rows = []
    for done, (when, (x, y)) in enumerate(spaces.items()):
        progress(PROGRESS_STEP, done, 2, when)
        for name, hits in run_two_sample_test(x, y).items():
            low, high = bootstrap_interval(hits, seed=options["seed"])
            rows.append(_make_comparison_row(f"Told apart {when}, by {name}", hits.mean(), low, high, options))
    progress(PROGRESS_STEP, 2, 2)
    ranks = metrics.rank_matches(*spaces["after"])
    low, high = bootstrap_interval(ranks, np.median, seed=options["seed"])
    rows.append(
        _make_comparison_row("Median rank of a program's own sound, after", np.median(ranks), low, high, options)
    )
    rows.append(_make_comparison_row("The same by chance", (len(ranks) + 1) / 2, None, None, options))
    programs = about.programs[test]
    own = pd.DataFrame(
        {
            "name": programs["name"].to_numpy(),
            "template": programs["template"].to_numpy(),
            "rank": ranks,
            "clips": [make_workspace_relative(path) for path in programs["audio"]],
        }
    )
    points = corpus.load_map(about.aligned_corpus.record.id)
    if points is None:
        points = compute_map(about.aligned_corpus.heads, about.pairs, progress)
    facts = corpus.load_programs()[["program", "name", "template", "role", "split", "audio"]]
    points = points.merge(facts, on="program")
    heard = pd.DataFrame({"name": points["name"], "clips": points.pop("audio").map(make_workspace_relative)})
    values = {row["measure"]: row["measured"] for row in rows}
    return StudyResult(
        comparison=compare_to_paper(rows),
        tables=[
            StudyTable(
                "own_sound",
                "Rank of each program's own sound",
                own,
                f"1 is the nearest of {len(ranks)} test clips to its aligned code.",
            ),
            StudyTable("points", "Points of the map", heard, "In the order of the figure's points."),
        ],
        figures=[
            StudyFigure(
                "map",
                "The map",
                draw_map(points),
                "All programs; near means alike, axes mean nothing. Click a point to hear it.",
                clip_table="points",
            )
        ],
        notes=[
            "The paper shows a picture and no number: before, apart; after, mixed. A classifier"
            " that tells them apart always scores 1, one that can't 0.5, on test programs that it"
            " wasn't fitted on. " + _describe_mixing(values),
            "Before alignment the two encoders' spaces have nothing in common, and often not even"
            " the same width (the narrower one is filled up with zeros): that they lie apart is no"
            " finding.",
        ],
        settings={**about.describe_settings(options), "split": "test", "programs": int(test.sum())},
    )


def _describe_mixing(measured_values: Mapping[str, float]) -> str:
    after = {name: value for name, value in measured_values.items() if name.startswith("Told apart after")}
    parts = [f"{value:.2f} by {name.rpartition(', by ')[2]}" for name, value in after.items()]
    mixed = max(after.values()) < 0.6
    return f"After alignment: {' and '.join(parts)}. " + (
        "They are mixed, as in the paper's picture."
        if mixed
        else "A gap remains that a picture in two dimensions need not show."
    )


def _make_comparison_row(measure: str, measured, low, high, options: Mapping[str, Any]) -> dict:
    return {
        "measure": measure,
        "measured": measured,
        "low": low,
        "high": high,
        "split": "test",
        "seed": options["seed"],
    }
