"""Of many ways to go on from a prompt: do those that are near by code sound near?"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

import numpy as np
import pandas as pd

from core import encoders
from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.neighbours import nearest_others
from core.studies import figures
from core.studies.completion_metrics import K, among_fewer, each_in_turn, from_prompt, gained
from core.studies.audio_descriptors import TRAITS, heeded, traits
from core.programs import Program
from core.progress import Progress
from core.sonicpi import Clip
from core.studies import options as option
from core.studies import paper_results
from core.studies.subject_selection import Subject, subject
from core.studies.completion_notes import (
    ALIGNED_SOUND,
    BOTH_EARS,
    among,
    ceilings,
    explained,
    heard_by,
    rises,
    standings,
)
from core.studies.study_clips import clips_of, code_vectors, sound_vectors
from core.studies.result import Figure, Heard, StudyResult, Table, beside
from core.studies.scenario_files import Scenario, scenarios
from core.studies.store import in_workspace

NAME = "completion"
TITLE = "Three scenarios of code completion"
QUESTION = "Among ways to go on from a prompt, does code tell which will sound alike?"
OPTIONS = option.OF["completion"]
EARS = ("aisfx", "log-mel")
SIZES = (6, 8, 10, 12, 16, 20)  # of candidates; and all of them
SPLIT = "written for the study"
LABELS = {
    "jaccard@3": "Jaccard@3",
    "overlap@3": "overlap@3",
    "spearman": "Spearman",
    "pearson": "Pearson",
}
PROTOCOL = (
    "The paper doesn't say how a scenario is scored. Here every candidate in turn asks for its 3"
    " nearest among the others, by code and by sound, and Spearman and Pearson are over all pairs'"
    " distances: that has an interval, and it is what the comparison above is made of. Its own raw"
    " numbers (1/3 with 1/5, 0 with 0) are what a single query gives, and its others are what five"
    " such give on average, so a second table asks from the prompt alone. Both were settled before"
    " any number was seen. Code is aligned, sound is raw, unless a row says otherwise."
)


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Render, embed and compare the candidates of all scenarios."""
    about = subject(corpus, options, needs_alignment=True)
    ears = {"trained ear": about.encoders["audio"], "unseen ear": _other_ear(about, options)}
    asked = scenarios()
    for scenario in asked:
        _check_unseen(corpus, scenario)
    paths = _rendered(corpus, asked, progress)
    everything = [source for scenario in asked for source in _sources(scenario)]
    codes = code_vectors(about.encoders["code"], everything, progress)
    heard = {ear: sound_vectors(ear, paths, progress) for ear in dict.fromkeys(ears.values())}
    parts: dict[str, list[pd.DataFrame]] = {}
    clips: list[Heard] = []
    end = 0
    for scenario in asked:
        own = slice(end, end := end + 1 + len(scenario.candidates))
        code = {"raw": codes[own], "aligned": about.aligned.code(codes[own])}
        sound = {name: heard[ear][own] for name, ear in ears.items()}
        shared = about.aligned.audio(sound["trained ear"])
        found = _compared(code, sound, shared, options["seed"])
        found["cases"] = _cases(scenario, code, sound["trained ear"], paths[own])
        spaces = {name: x[1:] for name, x in {**sound, **code}.items()}
        found["heeded"] = heeded(found["cases"][list(TRAITS)], spaces)
        for name, rows in found.items():
            parts.setdefault(name, []).append(rows.assign(scenario=scenario.name))
        clips += _heard(scenario, paths[own])
    tables = {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}
    compared = beside(list(_rows(tables["scores"], options["seed"])))
    return StudyResult(
        compared=compared,
        tables=_tables(tables),
        figures=[
            Figure(
                "scores",
                "Raw, aligned and the paper's",
                figures.completion(compared),
                "Bars hold 95 % of resamples; diamonds are the paper's.",
            )
        ],
        clips=clips,
        notes=[
            *standings(compared),
            *rises(tables["gained"], ears),
            *ceilings(tables["scores"], ears),
            among(tables["fewer"]),
            *heard_by(tables["heeded"], ears),
            *explained(tables["cases"]),
            PROTOCOL,
        ],
        settings={
            **about.settings(options),
            "ears": ears,
            "candidates": {s.name: len(s.candidates) for s in asked},
        },
    )


def _compared(
    code: Mapping[str, np.ndarray], sound: Mapping[str, np.ndarray], shared: np.ndarray, seed: int
) -> dict[str, pd.DataFrame]:
    """All numbers of one scenario; row 0 of every array is the prompt.

    Parameters
    ----------
    code : "raw" and "aligned": float [1 + n, d]
    sound : by "trained ear" and "unseen ear", raw: float [1 + n, d]
    shared : float [1 + n, dim]
        The sound by the trained ear, projected to the shared space.
    """
    readings = [(space, ear, code[space], y) for ear, y in sound.items() for space in code]
    readings.append(("aligned", ALIGNED_SOUND, code["aligned"], shared))
    # Without code: how high any code could get.
    most = [(ALIGNED_SOUND, ear, shared, y) for ear, y in sound.items()]
    most.append(("", BOTH_EARS, *sound.values()))
    n = len(shared) - 1
    return {
        "scores": pd.concat(
            [
                each_in_turn(x[1:], y[1:], seed).assign(code=space, sound=ear)
                for space, ear, x, y in (*readings, *most)
            ]
        ),
        "gained": pd.concat(
            [
                gained(code["raw"][1:], code["aligned"][1:], y[1:], seed).assign(sound=ear)
                for ear, y in sound.items()
            ]
        ),
        "prompts": pd.concat(
            [
                from_prompt(x, y, seed=seed).assign(code=space, sound=ear)
                for space, ear, x, y in readings
            ]
        ),
        "fewer": among_fewer(
            code["aligned"][1:],
            sound["trained ear"][1:],
            [*(m for m in SIZES if m < n), n],
            seed=seed,
        ),
    }


def _tables(found: Mapping[str, pd.DataFrame]) -> list[Table]:
    return [
        Table(
            "scores",
            "Every candidate in turn",
            found["scores"],
            f"{PROTOCOL} Rows without code: the sound by one ear against the other, and the sound"
            " as the shared space has it against the raw sound.",
        ),
        Table(
            "gained",
            "Aligned code less raw code",
            _scenario_first(found["gained"]),
            "What alignment adds to each number of the table above, with the interval of the"
            " difference: it rose, or fell, where that doesn't hold 0.",
        ),
        Table(
            "from_prompt",
            "Asked from the prompt alone",
            _with_paper(found["prompts"]),
            "One query a scenario: overlap can only be 0, 1/3, 2/3 or 1.",
        ),
        Table(
            "cases",
            "Each candidate and its nearest",
            _scenario_first(found["cases"]),
            "shared: how many of its 3 nearest by code are among its 3 nearest by sound. clips:"
            " the candidate, then its nearest by raw and by aligned code and by sound. Measured"
            f" of each clip: {'; '.join(f'{name}, {unit}' for name, unit in TRAITS.items())}.",
        ),
        Table(
            "fewer",
            "Among fewer candidates",
            _scenario_first(found["fewer"]),
            "Aligned code against raw sound by the trained ear, among so many of the candidates,"
            " drawn at random. chance: overlap@3 of any neighbours. The paper doesn't say how"
            " many it had.",
        ),
        Table(
            "heeded",
            "What ear and code go by",
            _scenario_first(found["heeded"]),
            "Spearman's rank correlation, over all pairs of a scenario, of how much two clips"
            " differ in a trait and how far apart they lie by each ear and by raw and aligned"
            " code. 1: it goes by that trait alone; 0: it is deaf to it.",
        ),
    ]


def _scenario_first(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[["scenario", *(name for name in rows if name != "scenario")]]


def _other_ear(about: Subject, options: Mapping[str, Any]) -> str:
    if options["other_ear"]:
        return encoders.entry(options["other_ear"]).id
    trained = about.encoders["audio"].split("+")
    return next(ear for ear in EARS if ear not in trained)


def _sources(scenario: Scenario) -> list[str]:
    """The prompt's program and each candidate's."""
    return [scenario.prompt, *(each.source for each in scenario.candidates)]


def _rendered(corpus: Corpus, asked: list[Scenario], progress: Progress) -> list[Path]:
    """Files of all clips, in the order of `_sources` of each scenario."""
    names = [
        f"{what} of {scenario.name}"
        for scenario in asked
        for what in ("The prompt", *(f"Candidate {each.name}" for each in scenario.candidates))
    ]
    sources = [source for scenario in asked for source in _sources(scenario)]
    paths, failed = clips_of(corpus, sources, corpus.settings["seconds"], progress)
    if failed:
        place, why = next(iter(failed.items()))
        raise EarshotError(f"{names[place]} can't be rendered: {why}")
    return paths


def _check_unseen(corpus: Corpus, scenario: Scenario) -> None:
    known = set(corpus.programs()["program"])
    alone = (each.continuation for each in scenario.candidates)
    for text in [*_sources(scenario), *alone]:
        if Program(text, "candidate", "", "other", {}, 0).id in known:
            raise EarshotError(
                f"Corpus '{corpus.name}' holds a candidate of scenario {scenario.name}, so it can't"
                " be judged on it."
            )


def _rows(table: pd.DataFrame, seed: int):
    """What the paper has numbers of. What has no code in it says how high code could get, and is
    told in words."""
    heard = {"trained ear": "raw sound", "unseen ear": "raw sound, unseen ear"}
    for each in table[table["code"].isin(("raw", "aligned"))].itertuples():
        ours = "ours" if each.code == "aligned" else "raw"
        yield {
            "measure": f"{each.scenario}: {LABELS[each.metric]}, {each.code} code ~"
            f" {heard.get(each.sound, each.sound)}",
            "measured": each.value,
            "low": each.low,
            "high": each.high,
            "published": f"completion.{each.scenario}.{ours}.{each.metric}",
            "split": SPLIT,
            "seed": seed,
        }


def _with_paper(table: pd.DataFrame) -> pd.DataFrame:
    named = zip(table["scenario"], table["code"], table["metric"])
    paper = [
        paper_results.value(f"completion.{s}.{'ours' if code == 'aligned' else 'raw'}.{metric}")
        for s, code, metric in named
    ]
    return table.assign(paper=pd.Series(paper, dtype=float))


def _cases(scenario: Scenario, code, heard: np.ndarray, paths) -> pd.DataFrame:
    near = {name: nearest_others(x[1:], K)[0] for name, x in {**code, "sound": heard}.items()}
    files = [in_workspace(path) for path in paths[1:]]
    rows = []
    for i, each in enumerate(scenario.candidates):
        row = {"candidate": each.name, "title": each.title}
        for name, found in near.items():
            row[name] = " ".join(scenario.candidates[j].name for j in found[i])
        for name in code:
            row[f"shared, {name}"] = len(set(near[name][i]) & set(near["sound"][i]))
        clip = Clip.load(paths[1:][i])
        row.update(traits(clip.samples, clip.sample_rate))
        row["clips"] = "|".join([files[i], *(files[found[i][0]] for found in near.values())])
        rows.append(row)
    return pd.DataFrame(rows)


def _heard(scenario: Scenario, paths) -> list[Heard]:
    return [
        Heard(
            f"{scenario.name} {each.name}: {each.title}",
            (in_workspace(path),),
            (each.name,),
            (each.source,),
        )
        for each, path in zip(scenario.candidates, paths[1:])
    ]
