"""When one parameter changes a little, does code move as far as sound does?"""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np
import pandas as pd
from scipy import stats

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.validation import normalize_rows
from core.studies import figures
from core.studies.parameter_perturbation import PERTURBATIONS, perturb_parameter
from core.progress import Progress
from core.studies import options as option
from core.studies import paper_results
from core.studies.subject_selection import StudyInputs, open_study_inputs
from core.studies.study_clips import render_study_clips, embed_code, embed_clip_files
from core.studies.result import StudyFigure, ClipSequence, StudyResult, StudyTable, compare_to_paper
from core.studies.store import make_workspace_relative

NAME = "perturbation"
TITLE = "Small changes of one parameter"
QUESTION = "When one parameter changes, does code move as far as the sound does?"
OPTIONS = option.STUDY_OPTIONS["perturbation"]
PAPER_PARAMETER_TYPES = ("sleep", "amp", "bpm")
GAIN_MEASURE = "Rank correlation after alignment, less that before"


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Change programs, render them, and compare how far code and sound have moved."""
    about = open_study_inputs(corpus, options)
    changes = _perturb_programs(about, options["per_kind"], options["seed"])
    if changes.empty:
        raise EarshotError(f"No program of corpus '{corpus.name}' has a parameter to change.")
    paths, failed = render_study_clips(corpus, list(changes["source"]), corpus.settings["seconds"], progress)
    kept = np.array([i for i in range(len(changes)) if i not in failed])
    changes = changes.iloc[kept].reset_index(drop=True)
    files = [paths[i] for i in kept]
    base = changes.pop("row").to_numpy()
    code = embed_code(about.encoder_ids["code"], list(changes["source"]), progress)
    sound = embed_clip_files(about.encoder_ids["audio"], files, progress)
    was_code, was_sound = about.pairs.code_embeddings[base], about.pairs.audio_embeddings[base]
    changes["sound"] = _compute_cosines(was_sound, sound)
    changes["code"] = _compute_cosines(was_code, code)
    spaces = {"code": "raw code"}
    if about.aligned_corpus is not None:
        changes["aligned_code"] = _compute_cosines(about.aligned_corpus.project_code(was_code), about.aligned_corpus.project_code(code))
        spaces["aligned_code"] = "aligned code"
    originals = about.programs["audio"].iloc[base]
    changes["clips"] = [f"{make_workspace_relative(a)}|{make_workspace_relative(b)}" for a, b in zip(originals, files)]
    split = "test" if (about.programs["split"].iloc[base] == "test").all() else "all"
    rows = _make_comparison_rows(changes, spaces, split, options["seed"])
    moved = _summarize_by_type(changes, spaces)
    heard = changes.sort_values("sound").groupby("kind", sort=False).head(1)
    as_it_was = dict(zip(about.programs["name"], about.programs["source"]))
    return StudyResult(
        comparison=compare_to_paper(rows),
        tables=[
            StudyTable(
                "by_kind",
                "By kind of change",
                moved,
                "Mean cosine of a program and its changed self, 1 is no movement; rank"
                " correlation of how far code and sound moved.",
            ),
            StudyTable("changes", "Every change", changes, "Cosines of before and after the change."),
        ],
        figures=[
            StudyFigure(
                f"moved-{kind}",
                f"Changes of {kind} ({PERTURBATIONS[kind][2]})",
                figures.plot_movements(changes[changes["kind"] == kind], spaces),
                "How far sound and code moved, 1 - cosine. Click a point to hear both.",
                clip_table="changes",
            )
            for kind in PERTURBATIONS
            if (changes["kind"] == kind).any()
        ],
        clips=[
            ClipSequence(
                f"{each.kind} {each.strength:g}: {each.program}",
                tuple(each.clips.split("|")),
                ("as it was", "changed"),
                (as_it_was[each.program], each.source),
                f"sound {each.sound:.2f}, code {each.code:.3f}",
            )
            for each in heard.itertuples()
        ],
        notes=_write_notes(changes, rows, len(failed)),
        settings={
            **about.describe_settings(options),
            "split": split,
            "strengths": {kind: list(PERTURBATIONS[kind][1]) for kind in PERTURBATIONS},
        },
    )


def _perturb_programs(inputs: StudyInputs, samples_per_type: int, seed: int) -> pd.DataFrame:
    """Programs to change, held-out ones first, with every strength of every kind."""
    splits = inputs.programs["split"].to_numpy()
    order = np.random.default_rng(seed).permutation(len(splits))
    order = order[np.argsort(splits[order] != "test", kind="stable")]
    names, sources = inputs.programs["name"].to_numpy(), inputs.programs["source"].to_numpy()
    rows = []
    for kind, (_, strengths, _) in PERTURBATIONS.items():
        taken = 0
        for row in order:
            found = {s: perturb_parameter(sources[row], kind, s) for s in strengths}
            if None in found.values():
                continue
            rows += [(kind, s, names[row], text, row) for s, text in found.items()]
            taken += 1
            if taken == samples_per_type:
                break
    return pd.DataFrame(rows, columns=["kind", "strength", "program", "source", "row"])


def _compute_cosines(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return (normalize_rows(before) * normalize_rows(after)).sum(dim=1).numpy().astype(float)


def _compute_rank_correlation(changes: pd.DataFrame, space: str) -> float:
    if changes[space].nunique() < 2 or changes["sound"].nunique() < 2:
        return float("nan")
    return float(stats.spearmanr(1 - changes[space], 1 - changes["sound"]).statistic)


def _summarize_by_type(changes: pd.DataFrame, space_titles: Mapping[str, str]) -> pd.DataFrame:
    rows = []
    for kind, some in changes.groupby("kind", sort=False):
        row = {"kind": kind, "changes": len(some), "sound": some["sound"].mean()}
        for space, label in space_titles.items():
            row[label] = some[space].mean()
            row[f"rank correlation, {label}"] = _compute_rank_correlation(some, space)
        rows.append(row)
    return pd.DataFrame(rows)


def _bootstrap_programs(changes: pd.DataFrame, statistic, seed: int, resamples: int = 300):
    """95 % of resamples of whole programs, whose changes belong together."""
    groups = [group for _, group in changes.groupby("program")]
    rng = np.random.default_rng(seed)
    found = [
        statistic(pd.concat([groups[i] for i in rng.integers(len(groups), size=len(groups))]))
        for _ in range(resamples)
    ]
    return tuple(np.nanquantile(found, [0.025, 0.975]).tolist())


def _make_comparison_rows(changes: pd.DataFrame, space_titles: Mapping[str, str], split: str, seed: int) -> list[dict]:
    papers = changes[changes["kind"].isin(PAPER_PARAMETER_TYPES)]
    rows = []
    bounds = (("code", "raw code", "code_above"), ("sound", "sound", "audio_below"))
    for column, label, known in bounds:
        low, high = _bootstrap_programs(papers, lambda some, c=column: some[c].mean(), seed)
        rows.append(
            {
                "measure": f"Mean similarity of {label}: sleep, amp, bpm",
                "measured": papers[column].mean(),
                "low": low,
                "high": high,
                "published": f"perturbation.{known}",
                "split": split,
                "seed": seed,
            }
        )
    for space, label in space_titles.items():
        low, high = _bootstrap_programs(changes, lambda some, s=space: _compute_rank_correlation(some, s), seed)
        rows.append(
            {
                "measure": f"Rank correlation of movements of sound and {label}",
                "measured": _compute_rank_correlation(changes, space),
                "low": low,
                "high": high,
                "split": split,
                "seed": seed,
            }
        )
    if len(space_titles) == 2:
        low, high = _bootstrap_programs(changes, _compute_alignment_gain, seed)
        rows.append(
            {
                "measure": GAIN_MEASURE,
                "measured": _compute_alignment_gain(changes),
                "low": low,
                "high": high,
                "split": split,
                "seed": seed,
            }
        )
    return rows


def _compute_alignment_gain(changes: pd.DataFrame) -> float:
    """Rank correlation of the movements after alignment, less that before: of the same changes,
    so that its interval is of the difference and not of two numbers apart."""
    return _compute_rank_correlation(changes, "aligned_code") - _compute_rank_correlation(changes, "code")


def _describe_gain(gain_row: Mapping[str, Any]) -> str:
    """What an interval of the difference allows to say."""
    interval = f"(difference {gain_row['low']:+.2f} to {gain_row['high']:+.2f})"
    if gain_row["low"] > 0:
        return f"Aligned code moves more as the sound moves {interval}."
    if gain_row["high"] < 0:
        return f"Aligned code moves less as the sound moves {interval}."
    return f"That is no difference that these programs could show {interval}."


def describe_paper_bounds(changes: pd.DataFrame) -> str:
    """How many changes keep to the paper's bounds, and which kinds move the sound."""
    code, sound = (paper_results.get_published_value(f"perturbation.{n}") for n in ("code_above", "audio_below"))
    means = changes.groupby("kind", sort=False)["sound"].mean().sort_values()
    by_kind = ", ".join(f"{kind} {value:.2f}" for kind, value in means.items())
    return (
        f"{(changes['code'] > code).mean():.0%} of the changes leave the code's similarity above"
        f" {code:.3f}, {(changes['sound'] < sound).mean():.0%} bring the sound's below {sound:.3f}."
        f" Mean similarity of sound by kind, from what moves it most: {by_kind}. The strengths of"
        " two kinds can't be compared, so neither can their order be taken for a law."
    )


def _write_notes(changes: pd.DataFrame, comparison_rows: list[dict], failed_count: int) -> list[str]:
    notes = [
        f"{len(changes)} changes of {changes['program'].nunique()} programs. The paper gives bounds"
        " (code above 0.990, sound mostly below 0.975) and not how strong its changes were, and its"
        " encoders differ: only the order of the two is comparable, not their level.",
        describe_paper_bounds(changes),
    ]
    gain = next((row for row in comparison_rows if row["measure"] == GAIN_MEASURE), None)
    if gain is not None:
        before, after = (_compute_rank_correlation(changes, space) for space in ("code", "aligned_code"))
        notes.append(
            f"Rank correlation of the movements of code and sound: {before:.2f} before alignment,"
            f" {after:.2f} after. {_describe_gain(gain)}"
        )
    if failed_count:
        notes.append(f"{failed_count} changed programs were silent or failed and are left out.")
    return notes
