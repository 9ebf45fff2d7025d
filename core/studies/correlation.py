"""Is what is written alike also what sounds alike, before anything is learned?"""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.bootstrap import subsample_interval
from core.studies import figures
from core.studies.mantel import Agreement, agreement, most_apart, pair_distances
from core.progress import Progress
from core.studies import options as option
from core.studies.subject_selection import Subject, subject
from core.studies.result import Figure, Heard, StudyResult, Table, beside
from core.studies.store import in_workspace

NAME = "correlation"
TITLE = "Code distances against sound distances"
QUESTION = "Do programs that are written alike sound alike, before anything is learned?"
OPTIONS = option.OF["correlation"]
STEP = "Correlating distances"
EXTREMES = 5
FEWEST = 4


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Correlate distances of code and of sound over all pairs of one program per template."""
    about = subject(corpus, options)
    choices = _candidates(about)
    rng = np.random.default_rng(options["seed"])
    rows = _draw(choices, rng)
    progress(STEP, 0, options["draws"], "permutation test")
    spaces = _spaces(about, rows)
    found = {
        name: agreement(*distances, permutations=options["permutations"], seed=options["seed"])
        for name, distances in spaces.items()
    }
    others = _other_draws(about, choices, options["draws"], rng, progress)
    sure = _intervals(about, rows, options["seed"])
    pairs = _pair_table(about, rows, spaces)
    split = _split_of(about, rows)
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
    extremes = _extremes(pairs)
    return StudyResult(
        compared=beside(compared),
        tables=[
            Table(
                "agreement",
                "Correlation of distances",
                agreed,
                "p: parametric; mantel_p: by relabelling the programs, since pairs that share a"
                " program aren't independent. Both two-sided.",
            ),
            Table(
                "choices",
                "Other choices of one program per template",
                others,
                "The middle 95 % of what other choices give: how much hangs on the choice. No"
                " confidence interval; those of the comparison above are over templates.",
            ),
            Table(
                "extremes",
                "Pairs on which code and sound disagree most",
                extremes.drop(columns="row"),
                "Cosine distances, 0 (the same) to 2. By difference of ranks.",
            ),
            Table("pairs", "All pairs", pairs, "Cosine distances. clips: what to play."),
        ],
        figures=[
            Figure(
                "scatter",
                "All pairs",
                figures.pair_scatter(pairs, panels),
                "A point is a pair of programs. Click one to hear both, one after the other.",
                hears="pairs",
            ),
        ],
        clips=[_heard(about, pairs.iloc[each.row], each.kind) for each in extremes.itertuples()],
        notes=_notes(found, others, sure, len(rows), split),
        settings={
            **about.settings(options),
            "programs": list(about.programs["name"].iloc[rows]),
            "split": split,
        },
    )


def _candidates(about: Subject) -> list[np.ndarray]:
    """Rows to choose from, of each template: held-out ones where it has some."""
    programs = about.programs.reset_index(drop=True)
    programs = programs[programs["template"] != ""]
    found = []
    for _, group in programs.groupby("template", sort=True):
        held_out = group[group["split"] == "test"]
        found.append((held_out if len(held_out) else group).index.to_numpy())
    if len(found) < FEWEST:
        raise EarshotError(
            f"Corpus '{about.corpus.name}' has embedded programs of {len(found)} templates; this"
            f" study takes one program of each of at least {FEWEST}.",
            remedy=f"To add programs: ./run build {about.corpus.name}",
        )
    return found


def _draw(choices: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    return np.array([rng.choice(rows) for rows in choices])


def _spaces(about: Subject, rows: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    code, sound = about.pairs.code[rows], about.pairs.audio[rows]
    heard = pair_distances(sound)
    found = {"raw": (pair_distances(code), heard)}
    if about.aligned is not None:
        found["aligned"] = (pair_distances(about.aligned.code(code)), heard)
    return found


def _intervals(about: Subject, rows: np.ndarray, seed: int) -> dict[str, dict[str, float]]:
    """95 % intervals over the chosen programs: of another set of templates."""
    found = {}
    for space in _spaces(about, rows[:2]):
        for name in ("pearson", "spearman"):
            low, high = subsample_interval(
                lambda some, space=space, name=name: getattr(
                    agreement(*_spaces(about, rows[some])[space], permutations=0), name
                ),
                len(rows),
                seed=seed,
            )
            found[f"{space} {name}"] = {"low": low, "high": high}
    return found


def _other_draws(
    about: Subject, choices: list[np.ndarray], draws: int, rng: np.random.Generator, progress
) -> pd.DataFrame:
    """What other choices of the programs give: one row a space and correlation."""
    values: dict[str, list[float]] = {}
    for done in range(draws):
        for space, distances in _spaces(about, _draw(choices, rng)).items():
            found = agreement(*distances, permutations=0)
            for name in ("pearson", "spearman"):
                values.setdefault(f"{space} {name}", []).append(getattr(found, name))
        progress(STEP, done + 1, draws)
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
                "choices": draws,
            }
        )
    return pd.DataFrame(rows)


def _pair_table(about: Subject, rows: np.ndarray, spaces: Mapping[str, tuple]) -> pd.DataFrame:
    programs = about.programs.iloc[rows]
    first, second = np.triu_indices(len(rows), 1)
    names, clips = programs["name"].to_numpy(), [in_workspace(p) for p in programs["audio"]]
    columns = {
        "first": names[first],
        "second": names[second],
        "code": spaces["raw"][0],
        "sound": spaces["raw"][1],
    }
    if "aligned" in spaces:
        columns["aligned_code"] = spaces["aligned"][0]
    columns["clips"] = [f"{clips[a]}|{clips[b]}" for a, b in zip(first, second)]
    return pd.DataFrame(columns)


def _extremes(pairs: pd.DataFrame) -> pd.DataFrame:
    code, sound = pairs["code"].to_numpy(), pairs["sound"].to_numpy()
    found = []
    kinds = {
        "alike in text, unlike in sound": most_apart(code, sound, EXTREMES),
        "unlike in text, alike in sound": most_apart(sound, code, EXTREMES),
    }
    for kind, order in kinds.items():
        chosen = pairs.iloc[order][["first", "second", "code", "sound"]]
        found.append(chosen.assign(kind=kind, row=order))
    return pd.concat(found)[["kind", "first", "second", "code", "sound", "row"]].reset_index(
        drop=True
    )


def _heard(about: Subject, pair: pd.Series, kind: str) -> Heard:
    sources = about.programs.set_index("name")["source"]
    names = (pair["first"], pair["second"])
    return Heard(
        f"{kind}: {names[0]}, {names[1]}",
        tuple(pair["clips"].split("|")),
        names,
        tuple(sources[name] for name in names),
        f"distance of code {pair['code']:.2f}, of sound {pair['sound']:.2f}",
    )


def _split_of(about: Subject, rows: np.ndarray) -> str:
    splits = set(about.programs["split"].iloc[rows])
    return splits.pop() if len(splits) == 1 else "test where a template has any, else all"


def _notes(
    found: Mapping[str, Any],
    others: pd.DataFrame,
    sure: Mapping[str, Any],
    programs: int,
    split: str,
) -> list[str]:
    raw = found["raw"]
    choices = others[(others["space"] == "raw") & (others["correlation"] == "spearman")].iloc[0]
    intervals = (
        "Intervals are of other templates."
        if np.isfinite(sure["raw spearman"]["low"])
        else "These are too few for intervals."
    )
    notes = [
        f"One program of each of {programs} templates ({split}), {raw.pairs} pairs. {intervals}"
        f" Other choices of a template's program give a raw Spearman from"
        f" {choices['from']:.3f} to {choices['to']:.3f} (middle 95 % of {choices['choices']}):"
        " that is a spread of choices, no interval of confidence. The paper took the tutorial's"
        " examples themselves and its own encoders, so a difference in level says as much about"
        " encoders and templates as about music.",
        beyond_chance(raw),
    ]
    if "aligned" in found:
        aligned = found["aligned"]
        notes.append(
            f"After alignment the same pairs agree with Spearman {aligned.spearman:.3f}"
            f" ({_p(aligned.spearman_mantel_p)}): the code is projected, the sound is not."
        )
    return notes


def beyond_chance(raw: Agreement) -> str:
    """What the permutation test says, and how far the parametric p can be trusted."""
    sure = raw.spearman_mantel_p < 0.05
    note = (
        f"By the permutation test the raw spaces {'do' if sure else 'do not'} agree beyond chance"
        f" (Spearman {raw.spearman:.3f}, {_p(raw.spearman_mantel_p)})."
    )
    taken = f"The parametric p ({raw.spearman_p:.3g}) takes {raw.pairs} pairs for independent"
    if raw.spearman_p < raw.spearman_mantel_p:
        return f"{note} {taken}, though pairs that share a program aren't, and so is too small."
    return f"{note} {taken}, though pairs that share a program aren't; here it is no smaller."


def _p(value: float) -> str:
    """A p value as it is written: none is 0."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
