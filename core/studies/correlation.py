"""Is what is written alike also what sounds alike, before anything is learned?"""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.bootstrap import subsample_interval
from core.studies import figures
from core.studies.mantel import DistanceCorrelation, correlate_distances, rank_disagreeing_pairs, compute_pair_distances
from core.progress import Progress
from core.studies import options as option
from core.studies.subject_selection import StudyInputs, open_study_inputs
from core.studies.result import StudyFigure, ClipSequence, StudyResult, StudyTable, compare_to_paper
from core.studies.store import make_workspace_relative

NAME = "correlation"
TITLE = "Code distances against sound distances"
QUESTION = "Do programs that are written alike sound alike, before anything is learned?"
OPTIONS = option.STUDY_OPTIONS["correlation"]
PROGRESS_STEP = "Correlating distances"
EXTREME_PAIR_COUNT = 5
MIN_TEMPLATES = 4


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Correlate distances of code and of sound over all pairs of one program per template."""
    about = open_study_inputs(corpus, options)
    choices = _group_rows_by_template(about)
    rng = np.random.default_rng(options["seed"])
    rows = _draw_one_per_template(choices, rng)
    progress(PROGRESS_STEP, 0, options["draws"], "permutation test")
    spaces = _compute_space_distances(about, rows)
    found = {
        name: correlate_distances(*distances, permutations=options["permutations"], seed=options["seed"])
        for name, distances in spaces.items()
    }
    others = _resample_programs(about, choices, options["draws"], rng, progress)
    sure = _estimate_intervals(about, rows, options["seed"])
    pairs = _build_pair_table(about, rows, spaces)
    split = _describe_split(about, rows)
    compared = [
        {
            "measure": f"{label}, raw code against raw sound",
            "measured": getattr(found["raw"], name),
            **sure.get(f"raw {name}", {}),
            "published": f"correlation.{name}",
            "judged": not name.endswith("_p"),
            "split": split,
            "seed": options["seed"],
        }
        for name, label in (
            ("pearson", "Pearson"),
            ("pearson_p", "p of Pearson, parametric"),
            ("spearman", "Spearman"),
            ("spearman_p", "p of Spearman, parametric"),
        )
    ]
    panels = [("code", "sound", "Raw embeddings")]
    if "aligned" in spaces:
        panels.append(("aligned_code", "sound", "Aligned code, raw sound"))
        compared += [
            {
                "measure": f"{name.capitalize()}, aligned code against raw sound",
                "measured": getattr(found["aligned"], name),
                **sure[f"aligned {name}"],
                "split": split,
                "seed": options["seed"],
            }
            for name in ("pearson", "spearman")
        ]
    agreed = pd.DataFrame([{"space": name, **vars(each)} for name, each in found.items()])
    extremes = _find_extreme_pairs(pairs)
    return StudyResult(
        comparison=compare_to_paper(compared),
        tables=[
            StudyTable(
                "agreement",
                "Correlation of distances",
                agreed,
                "p: parametric; mantel_p: by relabelling the programs, since pairs that share a"
                " program aren't independent. Both two-sided.",
            ),
            StudyTable(
                "choices",
                "Other choices of one program per template",
                others,
                "The middle 95 % of what other choices give: how much hangs on the choice. No"
                " confidence interval; those of the comparison above are over templates.",
            ),
            StudyTable(
                "extremes",
                "Pairs on which code and sound disagree most",
                extremes.drop(columns="row"),
                "Cosine distances, 0 (the same) to 2. By difference of ranks.",
            ),
            StudyTable("pairs", "All pairs", pairs, "Cosine distances. clips: what to play."),
        ],
        figures=[
            StudyFigure(
                "scatter",
                "All pairs",
                figures.plot_pair_distances(pairs, panels),
                "A point is a pair of programs. Click one to hear both, one after the other.",
                clip_table="pairs",
            ),
        ],
        clips=[_make_clip_sequence(about, pairs.iloc[each.row], each.kind) for each in extremes.itertuples()],
        notes=_write_notes(found, others, sure, len(rows), split),
        settings={
            **about.describe_settings(options),
            "programs": list(about.programs["name"].iloc[rows]),
            "split": split,
        },
    )


def _group_rows_by_template(inputs: StudyInputs) -> list[np.ndarray]:
    """Rows to choose from, of each template: held-out ones where it has some."""
    programs = inputs.programs.reset_index(drop=True)
    programs = programs[programs["template"] != ""]
    found = []
    for _, group in programs.groupby("template", sort=True):
        held_out = group[group["split"] == "test"]
        found.append((held_out if len(held_out) else group).index.to_numpy())
    if len(found) < MIN_TEMPLATES:
        raise EarshotError(
            f"Corpus '{inputs.corpus.name}' has embedded programs of {len(found)} templates; this"
            f" study takes one program of each of at least {MIN_TEMPLATES}.",
            remedy=f"To add programs: ./run build {inputs.corpus.name}",
        )
    return found


def _draw_one_per_template(template_rows: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    return np.array([rng.choice(rows) for rows in template_rows])


def _compute_space_distances(inputs: StudyInputs, rows: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    code, sound = inputs.pairs.code_embeddings[rows], inputs.pairs.audio_embeddings[rows]
    heard = compute_pair_distances(sound)
    found = {"raw": (compute_pair_distances(code), heard)}
    if inputs.aligned_corpus is not None:
        found["aligned"] = (compute_pair_distances(inputs.aligned_corpus.project_code(code)), heard)
    return found


def _estimate_intervals(inputs: StudyInputs, rows: np.ndarray, seed: int) -> dict[str, dict[str, float]]:
    """95 % intervals over the chosen programs: of another set of templates."""
    found = {}
    for space in _compute_space_distances(inputs, rows[:2]):
        for name in ("pearson", "spearman"):
            low, high = subsample_interval(
                lambda some, space=space, name=name: getattr(
                    correlate_distances(*_compute_space_distances(inputs, rows[some])[space], permutations=0), name
                ),
                len(rows),
                seed=seed,
            )
            found[f"{space} {name}"] = {"low": low, "high": high}
    return found


def _resample_programs(
    inputs: StudyInputs, template_rows: list[np.ndarray], draw_count: int, rng: np.random.Generator, progress
) -> pd.DataFrame:
    """What other choices of the programs give: one row a space and correlation."""
    values: dict[str, list[float]] = {}
    for done in range(draw_count):
        for space, distances in _compute_space_distances(inputs, _draw_one_per_template(template_rows, rng)).items():
            found = correlate_distances(*distances, permutations=0)
            for name in ("pearson", "spearman"):
                values.setdefault(f"{space} {name}", []).append(getattr(found, name))
        progress(PROGRESS_STEP, done + 1, draw_count)
    rows = []
    for name, each in values.items():
        low, middle, high = np.nanquantile(each, [0.025, 0.5, 0.975])
        space, correlation = name.split()
        rows.append(
            {
                "space": space,
                "correlation": correlation,
                "median": middle,
                "from": low,
                "to": high,
                "choices": draw_count,
            }
        )
    return pd.DataFrame(rows)


def _build_pair_table(inputs: StudyInputs, rows: np.ndarray, distances: Mapping[str, tuple]) -> pd.DataFrame:
    programs = inputs.programs.iloc[rows]
    first, second = np.triu_indices(len(rows), 1)
    names, clips = programs["name"].to_numpy(), [make_workspace_relative(p) for p in programs["audio"]]
    columns = {
        "first": names[first],
        "second": names[second],
        "code": distances["raw"][0],
        "sound": distances["raw"][1],
    }
    if "aligned" in distances:
        columns["aligned_code"] = distances["aligned"][0]
    columns["clips"] = [f"{clips[a]}|{clips[b]}" for a, b in zip(first, second)]
    return pd.DataFrame(columns)


def _find_extreme_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    code, sound = pairs["code"].to_numpy(), pairs["sound"].to_numpy()
    found = []
    kinds = {
        "alike in text, unlike in sound": rank_disagreeing_pairs(code, sound, EXTREME_PAIR_COUNT),
        "unlike in text, alike in sound": rank_disagreeing_pairs(sound, code, EXTREME_PAIR_COUNT),
    }
    for kind, order in kinds.items():
        chosen = pairs.iloc[order][["first", "second", "code", "sound"]]
        found.append(chosen.assign(kind=kind, row=order))
    return pd.concat(found)[["kind", "first", "second", "code", "sound", "row"]].reset_index(
        drop=True
    )


def _make_clip_sequence(inputs: StudyInputs, pair: pd.Series, kind: str) -> ClipSequence:
    sources = inputs.programs.set_index("name")["source"]
    names = (pair["first"], pair["second"])
    return ClipSequence(
        f"{kind}: {names[0]}, {names[1]}",
        tuple(pair["clips"].split("|")),
        names,
        tuple(sources[name] for name in names),
        f"distance of code {pair['code']:.2f}, of sound {pair['sound']:.2f}",
    )


def _describe_split(inputs: StudyInputs, rows: np.ndarray) -> str:
    splits = set(inputs.programs["split"].iloc[rows])
    return splits.pop() if len(splits) == 1 else "test where a template has any, else all"


def _write_notes(
    correlations: Mapping[str, Any],
    resampled_correlations: pd.DataFrame,
    interval_bounds: Mapping[str, Any],
    program_count: int,
    split: str,
) -> list[str]:
    raw = correlations["raw"]
    choices = resampled_correlations[(resampled_correlations["space"] == "raw") & (resampled_correlations["correlation"] == "spearman")].iloc[0]
    intervals = (
        "Intervals are of other templates."
        if np.isfinite(interval_bounds["raw spearman"]["low"])
        else "These are too few for intervals."
    )
    notes = [
        f"One program of each of {program_count} templates ({split}), {raw.pairs} pairs. {intervals}"
        f" Other choices of a template's program give a raw Spearman from"
        f" {choices['from']:.3f} to {choices['to']:.3f} (middle 95 % of {choices['choices']}):"
        " that is a spread of choices, no interval of confidence. The paper took the tutorial's"
        " examples themselves and its own encoders, so a difference in level says as much about"
        " encoders and templates as about music.",
        describe_permutation_test(raw),
    ]
    if "aligned" in correlations:
        aligned = correlations["aligned"]
        notes.append(
            f"After alignment the same pairs agree with Spearman {aligned.spearman:.3f}"
            f" ({_format_p_value(aligned.spearman_mantel_p)}): the code is projected, the sound is not."
        )
    return notes


def describe_permutation_test(raw_correlation: DistanceCorrelation) -> str:
    """What the permutation test says, and how far the parametric p can be trusted."""
    sure = raw_correlation.spearman_mantel_p < 0.05
    note = (
        f"By the permutation test the raw spaces {'do' if sure else 'do not'} agree beyond chance"
        f" (Spearman {raw_correlation.spearman:.3f}, {_format_p_value(raw_correlation.spearman_mantel_p)})."
    )
    taken = f"The parametric p ({raw_correlation.spearman_p:.3g}) takes {raw_correlation.pairs} pairs for independent"
    if raw_correlation.spearman_p < raw_correlation.spearman_mantel_p:
        return f"{note} {taken}, though pairs that share a program aren't, and so is too small."
    return f"{note} {taken}, though pairs that share a program aren't; here it is no smaller."


def _format_p_value(p_value: float) -> str:
    """A p value as it is written: none is 0."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
