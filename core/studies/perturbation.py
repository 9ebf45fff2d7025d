"""When one parameter changes a little, does code move as far as sound does?"""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np
import pandas as pd
from scipy import stats

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.validation import unit_rows
from core.studies import figures
from core.studies.parameter_perturbation import KINDS, perturbed
from core.progress import Progress
from core.studies import options as option
from core.studies import paper_results
from core.studies.subject_selection import Subject, subject
from core.studies.study_clips import clips_of, code_vectors, sound_vectors
from core.studies.result import Figure, Heard, StudyResult, Table, beside
from core.studies.store import in_workspace

NAME = "perturbation"
TITLE = "Small changes of one parameter"
QUESTION = "When one parameter changes, does code move as far as the sound does?"
OPTIONS = option.OF["perturbation"]
PAPERS = ("sleep", "amp", "bpm")
GAIN = "Rank correlation after alignment, less that before"


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Change programs, render them, and compare how far code and sound have moved."""
    about = subject(corpus, options)
    changes = _changes(about, options["per_kind"], options["seed"])
    if changes.empty:
        raise EarshotError(f"No program of corpus '{corpus.name}' has a parameter to change.")
    paths, failed = clips_of(corpus, list(changes["source"]), corpus.settings["seconds"], progress)
    kept = np.array([i for i in range(len(changes)) if i not in failed])
    changes = changes.iloc[kept].reset_index(drop=True)
    files = [paths[i] for i in kept]
    base = changes.pop("row").to_numpy()
    code = code_vectors(about.encoders["code"], list(changes["source"]), progress)
    sound = sound_vectors(about.encoders["audio"], files, progress)
    was_code, was_sound = about.pairs.code[base], about.pairs.audio[base]
    changes["sound"] = _cosines(was_sound, sound)
    changes["code"] = _cosines(was_code, code)
    spaces = {"code": "raw code"}
    if about.aligned is not None:
        changes["aligned_code"] = _cosines(about.aligned.code(was_code), about.aligned.code(code))
        spaces["aligned_code"] = "aligned code"
    originals = about.programs["audio"].iloc[base]
    changes["clips"] = [f"{in_workspace(a)}|{in_workspace(b)}" for a, b in zip(originals, files)]
    split = "test" if (about.programs["split"].iloc[base] == "test").all() else "all"
    rows = _beside(changes, spaces, split, options["seed"])
    moved = _by_kind(changes, spaces)
    heard = changes.sort_values("sound").groupby("kind", sort=False).head(1)
    as_it_was = dict(zip(about.programs["name"], about.programs["source"]))
    return StudyResult(
        compared=beside(rows),
        tables=[
            Table(
                "by_kind",
                "By kind of change",
                moved,
                "Mean cosine of a program and its changed self, 1 is no movement; rank"
                " correlation of how far code and sound moved.",
            ),
            Table("changes", "Every change", changes, "Cosines of before and after the change."),
        ],
        figures=[
            Figure(
                f"moved-{kind}",
                f"Changes of {kind} ({KINDS[kind][2]})",
                figures.movements(changes[changes["kind"] == kind], spaces),
                "How far sound and code moved, 1 - cosine. Click a point to hear both.",
                hears="changes",
            )
            for kind in KINDS
            if (changes["kind"] == kind).any()
        ],
        clips=[
            Heard(
                f"{each.kind} {each.strength:g}: {each.program}",
                tuple(each.clips.split("|")),
                ("as it was", "changed"),
                (as_it_was[each.program], each.source),
                f"sound {each.sound:.2f}, code {each.code:.3f}",
            )
            for each in heard.itertuples()
        ],
        notes=_notes(changes, rows, len(failed)),
        settings={
            **about.settings(options),
            "split": split,
            "strengths": {kind: list(KINDS[kind][1]) for kind in KINDS},
        },
    )


def _changes(about: Subject, per_kind: int, seed: int) -> pd.DataFrame:
    """Programs to change, held-out ones first, with every strength of every kind."""
    splits = about.programs["split"].to_numpy()
    order = np.random.default_rng(seed).permutation(len(splits))
    order = order[np.argsort(splits[order] != "test", kind="stable")]
    names, sources = about.programs["name"].to_numpy(), about.programs["source"].to_numpy()
    rows = []
    for kind, (_, strengths, _) in KINDS.items():
        taken = 0
        for row in order:
            found = {s: perturbed(sources[row], kind, s) for s in strengths}
            if None in found.values():
                continue
            rows += [(kind, s, names[row], text, row) for s, text in found.items()]
            taken += 1
            if taken == per_kind:
                break
    return pd.DataFrame(rows, columns=["kind", "strength", "program", "source", "row"])


def _cosines(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return (unit_rows(before) * unit_rows(after)).sum(dim=1).numpy().astype(float)


def _rank_correlation(changes: pd.DataFrame, space: str) -> float:
    if changes[space].nunique() < 2 or changes["sound"].nunique() < 2:
        return float("nan")
    return float(stats.spearmanr(1 - changes[space], 1 - changes["sound"]).statistic)


def _by_kind(changes: pd.DataFrame, spaces: Mapping[str, str]) -> pd.DataFrame:
    rows = []
    for kind, some in changes.groupby("kind", sort=False):
        row = {"kind": kind, "changes": len(some), "sound": some["sound"].mean()}
        for space, label in spaces.items():
            row[label] = some[space].mean()
            row[f"rank correlation, {label}"] = _rank_correlation(some, space)
        rows.append(row)
    return pd.DataFrame(rows)


def _over_programs(changes: pd.DataFrame, measure, seed: int, resamples: int = 300):
    """95 % of resamples of whole programs, whose changes belong together."""
    groups = [group for _, group in changes.groupby("program")]
    rng = np.random.default_rng(seed)
    found = [
        measure(pd.concat([groups[i] for i in rng.integers(len(groups), size=len(groups))]))
        for _ in range(resamples)
    ]
    return tuple(np.nanquantile(found, [0.025, 0.975]).tolist())


def _beside(changes: pd.DataFrame, spaces: Mapping[str, str], split: str, seed: int) -> list[dict]:
    papers = changes[changes["kind"].isin(PAPERS)]
    rows = []
    bounds = (("code", "raw code", "code_above"), ("sound", "sound", "audio_below"))
    for column, label, known in bounds:
        low, high = _over_programs(papers, lambda some, c=column: some[c].mean(), seed)
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
    for space, label in spaces.items():
        low, high = _over_programs(changes, lambda some, s=space: _rank_correlation(some, s), seed)
        rows.append(
            {
                "measure": f"Rank correlation of movements of sound and {label}",
                "measured": _rank_correlation(changes, space),
                "low": low,
                "high": high,
                "split": split,
                "seed": seed,
            }
        )
    if len(spaces) == 2:
        low, high = _over_programs(changes, _gained, seed)
        rows.append(
            {
                "measure": GAIN,
                "measured": _gained(changes),
                "low": low,
                "high": high,
                "split": split,
                "seed": seed,
            }
        )
    return rows


def _gained(changes: pd.DataFrame) -> float:
    """Rank correlation of the movements after alignment, less that before: of the same changes,
    so that its interval is of the difference and not of two numbers apart."""
    return _rank_correlation(changes, "aligned_code") - _rank_correlation(changes, "code")


def _told(gain: Mapping[str, Any]) -> str:
    """What an interval of the difference allows to say."""
    interval = f"(difference {gain['low']:+.2f} to {gain['high']:+.2f})"
    if gain["low"] > 0:
        return f"Aligned code moves more as the sound moves {interval}."
    if gain["high"] < 0:
        return f"Aligned code moves less as the sound moves {interval}."
    return f"That is no difference that these programs could show {interval}."


def pattern(changes: pd.DataFrame) -> str:
    """How many changes keep to the paper's bounds, and which kinds move the sound."""
    code, sound = (paper_results.value(f"perturbation.{n}") for n in ("code_above", "audio_below"))
    means = changes.groupby("kind", sort=False)["sound"].mean().sort_values()
    by_kind = ", ".join(f"{kind} {value:.2f}" for kind, value in means.items())
    return (
        f"{(changes['code'] > code).mean():.0%} of the changes leave the code's similarity above"
        f" {code:.3f}, {(changes['sound'] < sound).mean():.0%} bring the sound's below {sound:.3f}."
        f" Mean similarity of sound by kind, from what moves it most: {by_kind}. The strengths of"
        " two kinds can't be compared, so neither can their order be taken for a law."
    )


def _notes(changes: pd.DataFrame, rows: list[dict], failed: int) -> list[str]:
    notes = [
        f"{len(changes)} changes of {changes['program'].nunique()} programs. The paper gives bounds"
        " (code above 0.990, sound mostly below 0.975) and not how strong its changes were, and its"
        " encoders differ: only the order of the two is comparable, not their level.",
        pattern(changes),
    ]
    gain = next((row for row in rows if row["measure"] == GAIN), None)
    if gain is not None:
        before, after = (_rank_correlation(changes, space) for space in ("code", "aligned_code"))
        notes.append(
            f"Rank correlation of the movements of code and sound: {before:.2f} before alignment,"
            f" {after:.2f} after. {_told(gain)}"
        )
    if failed:
        notes.append(f"{failed} changed programs were silent or failed and are left out.")
    return notes
