"""Correlation study: code distances against audio distances, before any training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.bootstrap import compute_subsampling_interval
from core.progress_callback import Progress
from core.studies import study_figures
from core.studies.correlation_of_distances_and_mantel_test import (
    DistanceCorrelation,
    compute_pair_distances,
    correlate_distances,
    list_most_disagreeing_pairs,
)
from core.studies.study_clip_rendering import make_path_relative_to_workspace
from core.studies.study_inputs import StudyInputs, open_study_inputs
from core.studies.study_result import (
    ClipSequence,
    Measurement,
    StudyFigure,
    StudyResult,
    StudyTable,
    compare_measurements_to_paper,
)

PROGRESS_STEP = "Correlating distances"
EXTREME_PAIR_COUNT = 5
MIN_TEMPLATES = 4
CORRELATIONS = ("pearson", "spearman")

# Distances of code and of audio over the same pairs.
DistancePair = tuple[np.ndarray, np.ndarray]


def compute_study_result(
    corpus: Corpus, options: Mapping[str, Any], progress: Progress
) -> StudyResult:
    """Correlate distances of code and audio over all pairs of one program per template."""
    inputs = open_study_inputs(corpus, options)
    rows_by_template = _group_rows_to_draw_by_template(inputs)
    rng = np.random.default_rng(options["seed"])
    rows = _sample_one_row_per_template(rows_by_template, rng)
    progress(PROGRESS_STEP, 0, options["resamples"], "permutation test")
    distances = _compute_code_and_audio_pair_distances(inputs, rows)
    correlations = {
        space: correlate_distances(
            *pair, permutations=options["permutations"], seed=options["seed"]
        )
        for space, pair in distances.items()
    }
    resamples = _correlate_resampled_programs(
        inputs, rows_by_template, options["resamples"], rng, progress
    )
    intervals = _estimate_correlation_intervals(inputs, rows, options["seed"])
    pairs = _build_pair_distance_table(inputs, rows, distances)
    split = _describe_split_that_rows_are_of(inputs, rows)
    measurements = _build_correlation_measurements(correlations, intervals, split, options["seed"])
    extremes = _find_most_disagreeing_pairs(pairs)
    return StudyResult(
        comparison=compare_measurements_to_paper(measurements),
        tables=_build_correlation_tables(correlations, resamples, extremes, pairs),
        figures=[_build_pair_distance_figure(pairs)],
        clips=[
            _make_pair_clip_sequence(inputs, pairs.iloc[row["row"]], row["kind"])
            for row in extremes.to_dict("records")
        ],
        notes=_write_correlation_findings(correlations, resamples, intervals, len(rows), split),
        settings={
            **inputs.build_study_input_settings(options),
            "programs": list(inputs.programs["name"].iloc[rows]),
            "split": split,
        },
    )


def _group_rows_to_draw_by_template(inputs: StudyInputs) -> list[np.ndarray]:
    """Return rows to draw from, per template: its test programs where it has any, else all."""
    programs = inputs.programs.reset_index(drop=True)
    programs = programs[programs["template"] != ""]
    rows_by_template = []
    for _, group in programs.groupby("template", sort=True):
        test_programs = group[group["split"] == "test"]
        rows_by_template.append((test_programs if len(test_programs) else group).index.to_numpy())
    if len(rows_by_template) < MIN_TEMPLATES:
        raise EarshotError(
            f"Corpus '{inputs.corpus.name}' has embedded programs of {len(rows_by_template)}"
            f" templates; this study takes one program of each of at least {MIN_TEMPLATES}.",
            remedy=f"To add programs: ./run build {inputs.corpus.name}",
        )
    return rows_by_template


def _sample_one_row_per_template(
    rows_by_template: list[np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    return np.array([rng.choice(rows) for rows in rows_by_template])


def _compute_code_and_audio_pair_distances(
    inputs: StudyInputs, rows: np.ndarray
) -> dict[str, DistancePair]:
    """Return distances of code, raw and aligned, each with those of raw audio."""
    code, audio = inputs.pairs.code_embeddings[rows], inputs.pairs.audio_embeddings[rows]
    audio_distances = compute_pair_distances(audio)
    distances = {"raw": (compute_pair_distances(code), audio_distances)}
    if inputs.aligned_corpus is not None:
        aligned_code = inputs.aligned_corpus.project_code_embeddings(code)
        distances["aligned"] = (compute_pair_distances(aligned_code), audio_distances)
    return distances


def _estimate_correlation_intervals(
    inputs: StudyInputs, rows: np.ndarray, seed: int
) -> dict[tuple[str, str], tuple[float, float]]:
    """Return 95 % intervals over templates, by space and correlation."""
    intervals = {}
    for space in _compute_code_and_audio_pair_distances(inputs, rows[:2]):
        for name in CORRELATIONS:

            def correlate_subset(subset: np.ndarray, space: str = space, name: str = name) -> float:
                pair = _compute_code_and_audio_pair_distances(inputs, rows[subset])[space]
                correlation: float = getattr(correlate_distances(*pair, permutations=0), name)
                return correlation

            intervals[space, name] = compute_subsampling_interval(
                correlate_subset, len(rows), seed=seed
            )
    return intervals


def _correlate_resampled_programs(
    inputs: StudyInputs,
    rows_by_template: list[np.ndarray],
    count: int,
    rng: np.random.Generator,
    progress: Progress,
) -> pd.DataFrame:
    """Correlate distances for other draws of one program per template.

    Returns
    -------
    DataFrame
        One row per space and correlation: median and middle 95 % of the draws.
    """
    values: dict[tuple[str, str], list[float]] = {}
    for done in range(count):
        rows = _sample_one_row_per_template(rows_by_template, rng)
        for space, pair in _compute_code_and_audio_pair_distances(inputs, rows).items():
            correlation = correlate_distances(*pair, permutations=0)
            for name in CORRELATIONS:
                values.setdefault((space, name), []).append(getattr(correlation, name))
        progress(PROGRESS_STEP, done + 1, count)
    table = []
    for (space, name), drawn in values.items():
        low, median, high = np.nanquantile(drawn, [0.025, 0.5, 0.975])
        table.append(
            {
                "space": space,
                "correlation": name,
                "median": median,
                "from": low,
                "to": high,
                "resamples": count,
            }
        )
    return pd.DataFrame(table)


def _build_correlation_measurements(
    correlations: Mapping[str, DistanceCorrelation],
    intervals: Mapping[tuple[str, str], tuple[float, float]],
    split: str,
    seed: int,
) -> list[Measurement]:
    measurements = []
    for name in CORRELATIONS:
        raw = correlations["raw"]
        low, high = intervals["raw", name]
        measurements += [
            Measurement(
                f"{name.capitalize()}, raw code against raw audio",
                getattr(raw, name),
                split,
                seed,
                low,
                high,
                published_id=f"correlation.{name}",
            ),
            Measurement(
                f"p of {name.capitalize()}, parametric, raw code against raw audio",
                getattr(raw, f"{name}_p"),
                split,
                seed,
                published_id=f"correlation.{name}_p",
                has_verdict=False,
            ),
        ]
    if "aligned" in correlations:
        for name in CORRELATIONS:
            low, high = intervals["aligned", name]
            measurements.append(
                Measurement(
                    f"{name.capitalize()}, aligned code against raw audio",
                    getattr(correlations["aligned"], name),
                    split,
                    seed,
                    low,
                    high,
                )
            )
    return measurements


def _build_pair_distance_table(
    inputs: StudyInputs, rows: np.ndarray, distances: Mapping[str, DistancePair]
) -> pd.DataFrame:
    programs = inputs.programs.iloc[rows]
    first, second = np.triu_indices(len(rows), 1)
    names = programs["name"].to_numpy()
    clips = [make_path_relative_to_workspace(path) for path in programs["audio"]]
    columns: dict[str, Any] = {
        "first": names[first],
        "second": names[second],
        "code": distances["raw"][0],
        "audio": distances["raw"][1],
    }
    if "aligned" in distances:
        columns["aligned_code"] = distances["aligned"][0]
    columns["clips"] = [f"{clips[a]}|{clips[b]}" for a, b in zip(first, second)]
    return pd.DataFrame(columns)


def _find_most_disagreeing_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    code, audio = pairs["code"].to_numpy(), pairs["audio"].to_numpy()
    rankings = {
        "similar code, different audio": list_most_disagreeing_pairs(
            code, audio, EXTREME_PAIR_COUNT
        ),
        "different code, similar audio": list_most_disagreeing_pairs(
            audio, code, EXTREME_PAIR_COUNT
        ),
    }
    parts = [
        pairs.iloc[order][["first", "second", "code", "audio"]].assign(kind=kind, row=order)
        for kind, order in rankings.items()
    ]
    columns = ["kind", "first", "second", "code", "audio", "row"]
    return pd.concat(parts)[columns].reset_index(drop=True)


def _build_correlation_tables(
    correlations: Mapping[str, DistanceCorrelation],
    resamples: pd.DataFrame,
    extremes: pd.DataFrame,
    pairs: pd.DataFrame,
) -> list[StudyTable]:
    agreement = [{"space": space, **vars(values)} for space, values in correlations.items()]
    return [
        StudyTable(
            "agreement",
            "Correlation of distances",
            pd.DataFrame(agreement),
            "p: parametric; mantel_p: by permuting the programs, because pairs that share a"
            " program are not independent. Both two-sided.",
        ),
        StudyTable(
            "resamples",
            "Other draws of one program per template",
            resamples,
            "The middle 95 % of the draws: how much depends on which programs are drawn. This is"
            " no confidence interval; the intervals of the comparison above are over templates.",
        ),
        StudyTable(
            "extremes",
            "Pairs on which code and audio disagree most",
            extremes.drop(columns="row"),
            "Cosine distances, 0 (equal) to 2. Ordered by difference of ranks.",
        ),
        StudyTable("pairs", "All pairs", pairs, "Cosine distances. clips: the files to play."),
    ]


def _build_pair_distance_figure(pairs: pd.DataFrame) -> StudyFigure:
    panels = [("code", "audio", "Raw embeddings")]
    if "aligned_code" in pairs:
        panels.append(("aligned_code", "audio", "Aligned code, raw audio"))
    return StudyFigure(
        "scatter",
        "All pairs",
        study_figures.plot_pair_distances(pairs, panels),
        "One point per pair of programs. Click a point to play both clips.",
        clip_table="pairs",
    )


def _make_pair_clip_sequence(inputs: StudyInputs, pair: pd.Series, kind: str) -> ClipSequence:
    sources = inputs.programs.set_index("name")["source"]
    names = (pair["first"], pair["second"])
    return ClipSequence(
        f"{kind}: {names[0]}, {names[1]}",
        tuple(pair["clips"].split("|")),
        names,
        tuple(sources[name] for name in names),
        f"distance of code {pair['code']:.2f}, of audio {pair['audio']:.2f}",
    )


def _describe_split_that_rows_are_of(inputs: StudyInputs, rows: np.ndarray) -> str:
    splits = set(inputs.programs["split"].iloc[rows])
    return splits.pop() if len(splits) == 1 else "test where a template has any, else all"


def _write_correlation_findings(
    correlations: Mapping[str, DistanceCorrelation],
    resamples: pd.DataFrame,
    intervals: Mapping[tuple[str, str], tuple[float, float]],
    program_count: int,
    split: str,
) -> list[str]:
    raw = correlations["raw"]
    is_raw_spearman = (resamples["space"] == "raw") & (resamples["correlation"] == "spearman")
    spread = resamples[is_raw_spearman].iloc[0]
    interval_note = (
        "Intervals are over templates."
        if np.isfinite(intervals["raw", "spearman"][0])
        else "There are too few templates for intervals."
    )
    notes = [
        f"One program of each of {program_count} templates ({split}), {raw.pairs} pairs."
        f" {interval_note} Other draws of one program per template give a raw Spearman from"
        f" {spread['from']:.3f} to {spread['to']:.3f} (middle 95 % of {spread['resamples']}"
        " draws), which is no confidence interval. The paper used the tutorial's examples"
        " themselves and other encoders, so a different level may come from encoders and"
        " templates as well as from the music.",
        describe_mantel_test(raw),
    ]
    if "aligned" in correlations:
        aligned = correlations["aligned"]
        notes.append(
            f"After alignment the same pairs have a Spearman of {aligned.spearman:.3f}"
            f" ({_format_p_value(aligned.spearman_mantel_p)}): the code is projected, the audio"
            " is raw."
        )
    return notes


def describe_mantel_test(raw_correlation: DistanceCorrelation) -> str:
    """Describe the result of the Mantel test and how far the parametric p can be trusted."""
    mantel_p = raw_correlation.spearman_mantel_p
    verb = "agree" if mantel_p < 0.05 else "do not agree"
    note = (
        f"By the Mantel test the raw spaces {verb} beyond chance"
        f" (Spearman {raw_correlation.spearman:.3f}, {_format_p_value(mantel_p)})."
        f" The parametric p ({raw_correlation.spearman_p:.3g}) treats the"
        f" {raw_correlation.pairs} pairs as independent, although pairs that share a program"
        " are not"
    )
    if raw_correlation.spearman_p < mantel_p:
        return f"{note}, so it is too small."
    return f"{note}; here it is not smaller than the Mantel test's p."


def _format_p_value(p_value: float) -> str:
    """Format a p value; it is never 0."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
