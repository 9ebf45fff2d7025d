"""Perturbation study: movement of code and audio embeddings when one parameter changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.array_validation_and_normalization import normalize_rows
from core.progress_callback import Progress
from core.studies import published_numbers, study_figures
from core.studies.parameter_text_edits import PARAMETER_EDITS, edit_parameter_values_in_source
from core.studies.study_clip_rendering import (
    embed_clip_files,
    embed_program_sources,
    make_path_relative_to_workspace,
    render_study_clips,
)
from core.studies.study_inputs import StudyInputs, open_study_inputs
from core.studies.study_result import (
    ClipSequence,
    Measurement,
    StudyFigure,
    StudyResult,
    StudyTable,
    compare_measurements_to_paper,
)

PAPER_PARAMETER_TYPES = ("sleep", "amp", "bpm")
BOOTSTRAP_RESAMPLES = 300
GAIN_MEASURE = "Gain in rank correlation by alignment"


def compute_study_result(
    corpus: Corpus, options: Mapping[str, Any], progress: Progress
) -> StudyResult:
    """Change programs, render them, and compare the movement of code and audio embeddings."""
    inputs = open_study_inputs(corpus, options)
    changes = _perturb_programs(inputs, options["samples_per_type"], options["seed"])
    if changes.empty:
        raise EarshotError(
            f"No program of corpus '{corpus.name}' has a parameter to change.",
            remedy=f"To add programs: ./run build {corpus.name}",
        )
    sources = list(changes["source"])
    paths, failures = render_study_clips(corpus, sources, corpus.settings["seconds"], progress)
    changes = changes[[index not in failures for index in range(len(changes))]]
    changes = changes.reset_index(drop=True)
    clip_paths = [path for path in paths if path is not None]
    rows = changes.pop("row").to_numpy()
    space_titles = _add_before_after_cosines(inputs, changes, rows, clip_paths, progress)
    split = "test" if (inputs.programs["split"].iloc[rows] == "test").all() else "all"
    measurements = _build_perturbation_measurements(changes, space_titles, split, options["seed"])
    return StudyResult(
        comparison=compare_measurements_to_paper(measurements),
        tables=[
            StudyTable(
                "by_kind",
                "By parameter type",
                _summarize_changes_by_type(changes, space_titles),
                "Mean cosine of a program and its changed version (1: no movement), and rank"
                " correlation of the movements of code and audio.",
            ),
            StudyTable(
                "changes", "All changes", changes, "Cosines of before and after the change."
            ),
        ],
        figures=_build_movement_figures(changes, space_titles),
        clips=_collect_largest_change_clips(inputs, changes),
        notes=_write_perturbation_findings(changes, measurements, len(failures)),
        settings={
            **inputs.build_study_input_settings(options),
            "split": split,
            "strengths": {kind: list(edit.strengths) for kind, edit in PARAMETER_EDITS.items()},
        },
    )


def _perturb_programs(inputs: StudyInputs, samples_per_type: int, seed: int) -> pd.DataFrame:
    """Change programs, test programs first, by every strength of every parameter type."""
    splits = inputs.programs["split"].to_numpy()
    order = np.random.default_rng(seed).permutation(len(splits))
    order = order[np.argsort(splits[order] != "test", kind="stable")]
    names, sources = inputs.programs["name"].to_numpy(), inputs.programs["source"].to_numpy()
    changes: list[tuple[str, float, str, str, int]] = []
    for kind, edit in PARAMETER_EDITS.items():
        sample_count = 0
        for row in order:
            texts = {
                strength: edit_parameter_values_in_source(sources[row], kind, strength)
                for strength in edit.strengths
            }
            changed = {strength: text for strength, text in texts.items() if text is not None}
            if len(changed) < len(texts):
                continue
            changes += [(kind, s, names[row], text, row) for s, text in changed.items()]
            sample_count += 1
            if sample_count == samples_per_type:
                break
    return pd.DataFrame(changes, columns=["kind", "strength", "program", "source", "row"])


def _add_before_after_cosines(
    inputs: StudyInputs,
    changes: pd.DataFrame,
    rows: np.ndarray,
    clip_paths: list[Path],
    progress: Progress,
) -> dict[str, str]:
    """Add the cosines of before and after to `changes`; return titles of the code columns."""
    code = embed_program_sources(inputs.encoder_ids["code"], list(changes["source"]), progress)
    audio = embed_clip_files(inputs.encoder_ids["audio"], clip_paths, progress)
    code_before, audio_before = (
        inputs.pairs.code_embeddings[rows],
        inputs.pairs.audio_embeddings[rows],
    )
    changes["audio"] = _compute_row_cosines(audio_before, audio)
    changes["code"] = _compute_row_cosines(code_before, code)
    space_titles = {"code": "raw code"}
    if inputs.aligned_corpus is not None:
        project_code_embeddings = inputs.aligned_corpus.project_code_embeddings
        changes["aligned_code"] = _compute_row_cosines(
            project_code_embeddings(code_before), project_code_embeddings(code)
        )
        space_titles["aligned_code"] = "aligned code"
    clips_before = inputs.programs["audio"].iloc[rows]
    changes["clips"] = [
        f"{make_path_relative_to_workspace(before)}|{make_path_relative_to_workspace(after)}"
        for before, after in zip(clips_before, clip_paths)
    ]
    return space_titles


def _compute_row_cosines(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return (normalize_rows(before) * normalize_rows(after)).sum(dim=1).numpy().astype(float)


def _compute_column_mean(changes: pd.DataFrame, column: str) -> float:
    return float(changes[column].mean())


def _compute_movement_rank_correlation(changes: pd.DataFrame, space: str) -> float:
    if changes[space].nunique() < 2 or changes["audio"].nunique() < 2:
        return float("nan")
    return float(stats.spearmanr(1 - changes[space], 1 - changes["audio"]).statistic)


def _compute_gain_in_movement_correlation(changes: pd.DataFrame) -> float:
    """Return the rank correlation of movements after alignment minus the one before.

    Both are measured on the same changes, so a bootstrap gives the interval of the difference.
    """
    before = _compute_movement_rank_correlation(changes, "code")
    return _compute_movement_rank_correlation(changes, "aligned_code") - before


def _compute_program_bootstrap_interval(
    changes: pd.DataFrame, statistic: Callable[[pd.DataFrame], float], seed: int
) -> tuple[float, float]:
    """Return the 95 % bootstrap interval over programs, whose changes stay together."""
    groups = [group for _, group in changes.groupby("program")]
    rng = np.random.default_rng(seed)
    values = [
        statistic(pd.concat([groups[i] for i in rng.integers(len(groups), size=len(groups))]))
        for _ in range(BOOTSTRAP_RESAMPLES)
    ]
    low, high = np.nanquantile(values, [0.025, 0.975]).tolist()
    return low, high


def _build_perturbation_measurements(
    changes: pd.DataFrame, space_titles: Mapping[str, str], split: str, seed: int
) -> list[Measurement]:
    def build_measurement(
        measure_name: str,
        statistic: Callable[[pd.DataFrame], float],
        rows: pd.DataFrame,
        published_id: str | None = None,
    ) -> Measurement:
        low, high = _compute_program_bootstrap_interval(rows, statistic, seed)
        return Measurement(
            measure_name, statistic(rows), split, seed, low, high, published_id=published_id
        )

    paper_changes = changes[changes["kind"].isin(PAPER_PARAMETER_TYPES)]
    measurements = [
        build_measurement(
            f"Mean similarity of {label}: sleep, amp, bpm",
            partial(_compute_column_mean, column=column),
            paper_changes,
            f"perturbation.{published_name}",
        )
        for column, label, published_name in (
            ("code", "raw code", "code_above"),
            ("audio", "audio", "audio_below"),
        )
    ]
    measurements += [
        build_measurement(
            f"Rank correlation of changes in audio and {title}",
            partial(_compute_movement_rank_correlation, space=space),
            changes,
        )
        for space, title in space_titles.items()
    ]
    if "aligned_code" in space_titles:
        measurements.append(
            build_measurement(GAIN_MEASURE, _compute_gain_in_movement_correlation, changes)
        )
    return measurements


def _summarize_changes_by_type(
    changes: pd.DataFrame, space_titles: Mapping[str, str]
) -> pd.DataFrame:
    rows = []
    for kind, group in changes.groupby("kind", sort=False):
        row = {"kind": kind, "changes": len(group), "audio": group["audio"].mean()}
        for space, title in space_titles.items():
            row[title] = group[space].mean()
            row[f"rank correlation, {title}"] = _compute_movement_rank_correlation(group, space)
        rows.append(row)
    return pd.DataFrame(rows)


def _build_movement_figures(
    changes: pd.DataFrame, space_titles: dict[str, str]
) -> list[StudyFigure]:
    return [
        StudyFigure(
            f"moved-{kind}",
            f"Changes of {kind} ({edit.unit})",
            study_figures.plot_embedding_movements(changes[changes["kind"] == kind], space_titles),
            "Movement of audio and code embeddings, 1 - cosine. Click a point to play both clips.",
            clip_table="changes",
        )
        for kind, edit in PARAMETER_EDITS.items()
        if (changes["kind"] == kind).any()
    ]


def _collect_largest_change_clips(inputs: StudyInputs, changes: pd.DataFrame) -> list[ClipSequence]:
    """Return, per parameter type, the clips of the change that moves audio most."""
    largest = changes.sort_values("audio").groupby("kind", sort=False).head(1)
    source_by_name = dict(zip(inputs.programs["name"], inputs.programs["source"]))
    return [
        ClipSequence(
            f"{row['kind']} {row['strength']:g}: {row['program']}",
            tuple(row["clips"].split("|")),
            ("before", "after"),
            (source_by_name[row["program"]], row["source"]),
            f"audio {row['audio']:.2f}, code {row['code']:.3f}",
        )
        for row in largest.to_dict("records")
    ]


def _write_perturbation_findings(
    changes: pd.DataFrame, measurements: list[Measurement], failure_count: int
) -> list[str]:
    notes = [
        f"{len(changes)} changes of {changes['program'].nunique()} programs. The paper gives bounds"
        " (code above 0.990, audio mostly below 0.975) but not the strength of its changes, and its"
        " encoders differ. So only the order of the two is comparable, not their level.",
        describe_paper_bounds(changes),
    ]
    gain = next((item for item in measurements if item.measure == GAIN_MEASURE), None)
    if gain is not None:
        before = _compute_movement_rank_correlation(changes, "code")
        after = _compute_movement_rank_correlation(changes, "aligned_code")
        notes.append(
            f"Rank correlation of the movements of code and audio: {before:.2f} before alignment,"
            f" {after:.2f} after. {_describe_gain_interval(gain)}"
        )
    if failure_count:
        notes.append(f"{failure_count} changed programs were silent or failed and are left out.")
    return notes


def describe_paper_bounds(changes: pd.DataFrame) -> str:
    """Describe how many changes keep the paper's bounds, and which types move audio most."""
    code_bound, audio_bound = (
        published_numbers.get_published_value(f"perturbation.{name}")
        for name in ("code_above", "audio_below")
    )
    means = changes.groupby("kind", sort=False)["audio"].mean().sort_values()
    by_type = ", ".join(f"{kind} {value:.2f}" for kind, value in means.items())
    return (
        f"After {(changes['code'] > code_bound).mean():.0%} of the changes the code's similarity is"
        f" above {code_bound:.3f}; after {(changes['audio'] < audio_bound).mean():.0%} the audio's"
        f" is below {audio_bound:.3f}. Mean similarity of audio by parameter type, lowest first:"
        f" {by_type}. Strengths of different types cannot be compared, so this order is no general"
        " result."
    )


def _describe_gain_interval(gain: Measurement) -> str:
    """Describe what the interval of the difference allows to conclude."""
    low, high = gain.low or 0.0, gain.high or 0.0
    interval = f"(difference {low:+.2f} to {high:+.2f})"
    if low > 0:
        return f"After alignment, code follows audio more closely {interval}."
    if high < 0:
        return f"After alignment, code follows audio less closely {interval}."
    return f"These programs show no significant difference {interval}."
