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
from core.evaluation.studies import figures
from core.evaluation.studies.completion import K, among_fewer, each_in_turn, from_prompt
from core.evaluation.studies.traits import TRAITS, heeded, traits
from core.programs import Program
from core.progress import Progress
from core.sonicpi import Clip
from core.stages.studies import options as option
from core.stages.studies import published
from core.stages.studies.chosen import Subject, subject
from core.stages.studies.completion_told import (
    ALIGNED_SOUND, BOTH_EARS, among, ceilings, explained, heard_by, standings,
)  # fmt: skip
from core.stages.studies.rendered import clips_of, code_vectors, sound_vectors
from core.stages.studies.result import Figure, Heard, StudyResult, Table, beside
from core.stages.studies.scenarios import Scenario, scenarios
from core.stages.studies.store import in_workspace

NAME = "completion"
TITLE = "Three scenarios of code completion"
QUESTION = "Among ways to go on from a prompt, does code tell which will sound alike?"
OPTIONS = option.OF["completion"]
EARS = ("aisfx", "log-mel")
SIZES = (6, 8, 10, 12, 16, 20)  # of candidates; and all of them
SPLIT = "written for the study"
LABELS = {"jaccard@3": "Jaccard@3", "overlap@3": "overlap@3", "spearman": "Spearman",
          "pearson": "Pearson"}  # fmt: skip
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
    scored, prompts, cases, clips, gone_by, fewer = [], [], [], [], [], []
    asked = scenarios()
    for scenario in asked:
        _check_unseen(corpus, scenario)
    paths = _rendered(corpus, asked, progress)
    everything = [source for scenario in asked for source in _sources(scenario)]
    all_code = code_vectors(about.encoders["code"], everything, progress)
    heard = {ear: sound_vectors(ear, paths, progress) for ear in dict.fromkeys(ears.values())}
    all_sound = {name: heard[ear] for name, ear in ears.items()}
    end = 0
    for scenario in asked:
        own = slice(end, end := end + 1 + len(scenario.candidates))
        raw = all_code[own]
        code = {"raw": raw, "aligned": about.aligned.code(raw)}
        sound = {name: rows[own] for name, rows in all_sound.items()}
        readings = [(space, ear, code[space], rows) for ear, rows in sound.items()
                    for space in code]  # fmt: skip
        shared = about.aligned.audio(sound["trained ear"])
        readings.append(("aligned", ALIGNED_SOUND, code["aligned"], shared))
        for space, ear, x, y in readings:
            tag = {"scenario": scenario.name, "code": space, "sound": ear}
            scored.append(each_in_turn(x[1:], y[1:], options["seed"]).assign(**tag))
            prompts.append(from_prompt(x, y, seed=options["seed"]).assign(**tag))
        ears_alone = each_in_turn(*(rows[1:] for rows in sound.values()), options["seed"])
        scored.append(ears_alone.assign(scenario=scenario.name, code="", sound=BOTH_EARS))
        for ear, rows in sound.items():
            most = each_in_turn(shared[1:], rows[1:], options["seed"])
            scored.append(most.assign(scenario=scenario.name, code=ALIGNED_SOUND, sound=ear))
        sizes = [*(n for n in SIZES if n < len(raw) - 1), len(raw) - 1]
        some = among_fewer(code["aligned"][1:], sound["trained ear"][1:], sizes,
                           seed=options["seed"])  # fmt: skip
        fewer.append(some.assign(scenario=scenario.name))
        cases.append(_cases(scenario, code, sound["trained ear"], paths[own]))
        spaces = {name: x[1:] for name, x in {**sound, **code}.items()}
        gone_by.append(heeded(cases[-1][list(TRAITS)], spaces).assign(scenario=scenario.name))
        clips += _heard(scenario, paths[own])
    table = pd.concat(scored, ignore_index=True)
    compared = beside(list(_rows(table, options["seed"])))
    every = pd.concat(cases, ignore_index=True)
    by_trait, by_size = (pd.concat(x, ignore_index=True) for x in (gone_by, fewer))
    return StudyResult(
        compared=compared,
        tables=[
            Table("scores", "Every candidate in turn", table,
                  f"{PROTOCOL} Rows without code: the sound by one ear against the other, and the"
                  " sound as the shared space has it against the raw sound."),
            Table("from_prompt", "Asked from the prompt alone",
                  _with_paper(pd.concat(prompts, ignore_index=True)),
                  "One query a scenario: overlap can only be 0, 1/3, 2/3 or 1."),
            Table("cases", "Each candidate and its nearest", every,
                  "shared: how many of its 3 nearest by code are among its 3 nearest by sound."
                  " clips: the candidate, then its nearest by raw and by aligned code and by"
                  f" sound. Measured of each clip: {_units()}."),
            Table("fewer", "Among fewer candidates",
                  by_size[["scenario", "candidates", "overlap@3", "jaccard@3", "chance"]],
                  "Aligned code against raw sound by the trained ear, among so many of the"
                  " candidates, drawn at random. chance: overlap@3 of any neighbours. The paper"
                  " doesn't say how many it had."),
            Table("heeded", "What ear and code go by",
                  by_trait[["scenario", "trait", *ears, "raw", "aligned"]],
                  "Spearman's rank correlation, over all pairs of a scenario, of how much two clips"
                  " differ in a trait and how far apart they lie by each ear and by raw and aligned"
                  " code. 1: it goes by that trait alone; 0: it is deaf to it."),
        ],
        figures=[Figure("scores", "Raw, aligned and the paper's", figures.completion(compared),
                        "Bars hold 95 % of resamples; diamonds are the paper's.")],
        clips=clips,
        notes=[*standings(compared), *ceilings(table, ears), among(by_size),
               *heard_by(by_trait, ears),
               *explained(every), PROTOCOL],
        settings={**about.settings(options), "ears": ears,
                  "candidates": {s.name: len(s.candidates) for s in asked}},
    )  # fmt: skip


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
            "measured": each.value, "low": each.low, "high": each.high,
            "published": f"completion.{each.scenario}.{ours}.{each.metric}",
            "split": SPLIT, "seed": seed,
        }  # fmt: skip


def _with_paper(table: pd.DataFrame) -> pd.DataFrame:
    named = zip(table["scenario"], table["code"], table["metric"])
    paper = [
        published.value(f"completion.{s}.{'ours' if code == 'aligned' else 'raw'}.{metric}")
        for s, code, metric in named
    ]
    return table.assign(paper=pd.Series(paper, dtype=float))


def _cases(scenario: Scenario, code, heard: np.ndarray, paths) -> pd.DataFrame:
    near = {name: nearest_others(x[1:], K)[0] for name, x in {**code, "sound": heard}.items()}
    files = [in_workspace(path) for path in paths[1:]]
    rows = []
    for i, each in enumerate(scenario.candidates):
        row = {"scenario": scenario.name, "candidate": each.name, "title": each.title}
        for name, found in near.items():
            row[name] = " ".join(scenario.candidates[j].name for j in found[i])
        for name in code:
            row[f"shared, {name}"] = len(set(near[name][i]) & set(near["sound"][i]))
        clip = Clip.load(paths[1:][i])
        row.update(traits(clip.samples, clip.sample_rate))
        row["clips"] = "|".join([files[i], *(files[found[i][0]] for found in near.values())])
        rows.append(row)
    return pd.DataFrame(rows)


def _units() -> str:
    return "; ".join(f"{name}, {unit}" for name, unit in TRAITS.items())


def _heard(scenario: Scenario, paths) -> list[Heard]:
    return [
        Heard(f"{scenario.name} {each.name}: {each.title}", (in_workspace(path),), (each.name,),
              (each.source,))
        for each, path in zip(scenario.candidates, paths[1:])
    ]  # fmt: skip
