"""UMAP study: the map of both modalities, and numbers for how well they mix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier

from core.corpus import Corpus
from core.corpus.legacy_saved_names import translate_legacy_grammar_name
from core.errors import EarshotError
from core.evaluation import metrics
from core.evaluation.array_validation_and_normalization import normalize_rows
from core.evaluation.bootstrap import compute_bootstrap_interval
from core.pipeline.alignment_map_computation import compute_alignment_map
from core.plots.map_before_and_after_alignment import build_map_figure
from core.progress_callback import Progress
from core.studies.study_clip_rendering import make_path_relative_to_workspace
from core.studies.study_inputs import StudyInputs, open_study_inputs
from core.studies.study_result import (
    Measurement,
    StudyFigure,
    StudyResult,
    StudyTable,
    compare_measurements_to_paper,
)

PROGRESS_STEP = "Classifying modality"
MIN_TEST_PROGRAMS = 10
CLASSIFIER_NEIGHBOUR_COUNT = 5
MAX_MIXED_ACCURACY = 0.6  # below this the two modalities count as mixed
SPLIT = "test"


def compute_study_result(
    corpus: Corpus, options: Mapping[str, Any], progress: Progress
) -> StudyResult:
    """Classify rows as code or audio, and rank each program's own clip."""
    inputs = open_study_inputs(corpus, options, needs_alignment=True)
    is_test = (inputs.programs["split"] == SPLIT).to_numpy()
    if is_test.sum() < MIN_TEST_PROGRAMS:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {is_test.sum()} embedded test programs; this study takes"
            f" {MIN_TEST_PROGRAMS}.",
            remedy=f"To add programs: ./run build {corpus.name}",
        )
    code = inputs.pairs.code_embeddings[is_test]
    audio = inputs.pairs.audio_embeddings[is_test]
    aligned_code = inputs.required_aligned_corpus.project_code_embeddings(code)
    aligned_audio = inputs.required_aligned_corpus.project_audio_embeddings(audio)
    spaces = {"before": (code, audio), "after": (aligned_code, aligned_audio)}
    accuracies = _measure_classifier_accuracies(spaces, options["seed"], progress)
    ranks = metrics.compute_match_ranks(aligned_code, aligned_audio)
    programs = inputs.programs[is_test]
    own_clip_ranks = pd.DataFrame(
        {
            "name": programs["name"].to_numpy(),
            "template": programs["template"].map(translate_legacy_grammar_name).to_numpy(),
            "rank": ranks,
            "clips": [make_path_relative_to_workspace(path) for path in programs["audio"]],
        }
    )
    points = _load_map_points(inputs, progress)
    played_points = pd.DataFrame(
        {"name": points["name"], "clips": points.pop("audio").map(make_path_relative_to_workspace)}
    )
    return StudyResult(
        comparison=compare_measurements_to_paper(
            [*accuracies, *_summarize_own_clip_ranks(ranks, options["seed"])]
        ),
        tables=[
            StudyTable(
                "own_clip_rank",
                "Rank of each program's own clip",
                own_clip_ranks,
                f"1 is the nearest of {len(ranks)} test clips to the program's aligned code.",
            ),
            StudyTable(
                "points", "Points of the map", played_points, "In the order of the figure's points."
            ),
        ],
        figures=[
            StudyFigure(
                "map",
                "The map",
                build_map_figure(points),
                "All programs. Similar ones are near each other; the axes have no meaning. Click a"
                " point to play it.",
                clip_table="points",
            )
        ],
        notes=_write_classifier_findings(accuracies),
        settings={
            **inputs.build_study_input_settings(options),
            "split": SPLIT,
            "programs": int(is_test.sum()),
        },
    )


def _measure_classifier_accuracies(
    spaces: Mapping[str, tuple[np.ndarray, np.ndarray]], seed: int, progress: Progress
) -> list[Measurement]:
    measurements = []
    for done, (stage, (code, audio)) in enumerate(spaces.items()):
        progress(PROGRESS_STEP, done, len(spaces), stage)
        for classifier, accuracy in run_classifier_two_sample_test(code, audio).items():
            low, high = compute_bootstrap_interval(accuracy, seed=seed)
            measurements.append(
                Measurement(
                    f"Classifier accuracy {stage}, {classifier}",
                    accuracy.mean(),
                    SPLIT,
                    seed,
                    low,
                    high,
                )
            )
    progress(PROGRESS_STEP, len(spaces), len(spaces))
    return measurements


def _summarize_own_clip_ranks(ranks: np.ndarray, seed: int) -> list[Measurement]:
    low, high = compute_bootstrap_interval(ranks, np.median, seed=seed)
    median = float(np.median(ranks))
    return [
        Measurement("Median rank of a program's own clip, after", median, SPLIT, seed, low, high),
        Measurement("Median rank by chance", (len(ranks) + 1) / 2, SPLIT, seed),
    ]


def run_classifier_two_sample_test(
    x: np.ndarray, y: np.ndarray, *, fold_count: int = 5
) -> dict[str, np.ndarray]:
    """Cross-validate classifiers that predict from which of two spaces a row comes.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]
        Row i of both is the same program and is in the same fold. Rows are scaled to unit length;
        the narrower space is padded with columns of zeros, as on the map.
    fold_count : int

    Returns
    -------
    dict of str to array, float [n]
        By classifier ("logistic regression", "5 nearest neighbours") the fraction of a program's
        two rows that were classified correctly. A mean near 1: separate; near 0.5: mixed.

    Notes
    -----
    Lopez-Paz & Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017.
    """
    x, y = normalize_rows(x).numpy(), normalize_rows(y).numpy()
    width = max(x.shape[1], y.shape[1])
    points = np.concatenate([np.pad(z, ((0, 0), (0, width - z.shape[1]))) for z in (x, y)])
    side = np.repeat([0, 1], len(x))
    program = np.tile(np.arange(len(x)), 2)
    classifiers = {
        "logistic regression": LogisticRegression(max_iter=500),
        f"{CLASSIFIER_NEIGHBOUR_COUNT} nearest neighbours": KNeighborsClassifier(
            CLASSIFIER_NEIGHBOUR_COUNT
        ),
    }
    accuracies = {}
    for name, classifier in classifiers.items():
        is_correct = np.zeros(len(points))
        for train, test in GroupKFold(min(fold_count, len(x))).split(points, side, program):
            predicted = classifier.fit(points[train], side[train]).predict(points[test])
            is_correct[test] = predicted == side[test]
        accuracies[name] = (is_correct[: len(x)] + is_correct[len(x) :]) / 2
    return accuracies


def _load_map_points(inputs: StudyInputs, progress: Progress) -> pd.DataFrame:
    """Return the points of the alignment's map, computed if it has none, with their programs."""
    corpus, alignment = inputs.corpus, inputs.required_aligned_corpus
    points = corpus.load_alignment_map_points(alignment.record.id)
    if points is None:
        points = compute_alignment_map(alignment.heads, inputs.pairs, progress)
    columns = ["program", "name", "template", "role", "split", "audio"]
    return points.merge(corpus.load_programs()[columns], on="program")


def _write_classifier_findings(accuracies: list[Measurement]) -> list[str]:
    after = {
        item.measure.rpartition(", ")[2]: item.value
        for item in accuracies
        if item.measure.startswith("Classifier accuracy after")
    }
    parts = [f"{value:.2f} by {classifier}" for classifier, value in after.items()]
    conclusion = (
        "The modalities are mixed, as in the paper's picture."
        if max(after.values()) < MAX_MIXED_ACCURACY
        else "A gap remains that a picture in two dimensions need not show."
    )
    return [
        "The paper shows a picture and no number: separate before, mixed after. A classifier that"
        " always separates them has accuracy 1, one that cannot has 0.5, on test programs that it"
        f" was not fitted on. After alignment: {' and '.join(parts)}. {conclusion}",
        "Before alignment the two encoders' spaces have nothing in common, and often not even"
        " the same width (the narrower one is padded with zeros). That they are separate is no"
        " finding.",
    ]
