"""Of many ways to go on from a prompt: do those that are near by code sound near?"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

import numpy as np
import pandas as pd

from core import encoders
from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.neighbours import find_nearest_others
from core.studies import figures
from core.studies.completion_metrics import NEIGHBOUR_COUNT, evaluate_candidate_subsets, evaluate_each_candidate, evaluate_prompt_query, measure_alignment_gain
from core.studies.audio_descriptors import DESCRIPTOR_UNITS, correlate_descriptors, measure_descriptors
from core.programs import Program
from core.progress import Progress
from core.sonicpi import Clip
from core.studies import options as option
from core.studies import paper_results
from core.studies.subject_selection import StudyInputs, open_study_inputs
from core.studies.completion_notes import (
    ALIGNED_AUDIO,
    ENCODER_AGREEMENT,
    describe_candidate_count_effect,
    describe_upper_bounds,
    describe_neighbour_errors,
    describe_descriptor_influence,
    describe_alignment_gains,
    describe_paper_comparison,
)
from core.studies.study_clips import render_study_clips, embed_code, embed_clip_files
from core.studies.result import StudyFigure, ClipSequence, StudyResult, StudyTable, compare_to_paper
from core.studies.scenario_files import CompletionScenario, load_scenarios
from core.studies.store import make_workspace_relative

NAME = "completion"
TITLE = "Three scenarios of code completion"
QUESTION = "Among ways to go on from a prompt, does code tell which will sound alike?"
OPTIONS = option.STUDY_OPTIONS["completion"]
DEFAULT_AUDIO_ENCODERS = ("aisfx", "log-mel")
CANDIDATE_COUNTS = (6, 8, 10, 12, 16, 20)  # of candidates; and all of them
SCENARIO_SPLIT = "written for the study"
METRIC_LABELS = {
    "jaccard@3": "Jaccard@3",
    "overlap@3": "overlap@3",
    "spearman": "Spearman",
    "pearson": "Pearson",
}
PROTOCOL_NOTE = (
    "The paper doesn't say how a scenario is scored. Here every candidate in turn asks for its 3"
    " nearest among the others, by code and by sound, and Spearman and Pearson are over all pairs'"
    " distances: that has an interval, and it is what the comparison above is made of. Its own raw"
    " numbers (1/3 with 1/5, 0 with 0) are what a single query gives, and its others are what five"
    " such give on average, so a second table asks from the prompt alone. Both were settled before"
    " any number was seen. Code is aligned, sound is raw, unless a row says otherwise."
)


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Render, embed and compare the candidates of all scenarios."""
    about = open_study_inputs(corpus, options, needs_alignment=True)
    ears = {"trained ear": about.encoder_ids["audio"], "unseen ear": _choose_holdout_encoder(about, options)}
    asked = load_scenarios()
    for scenario in asked:
        _check_scenario_unseen(corpus, scenario)
    paths = _render_scenarios(corpus, asked, progress)
    everything = [source for scenario in asked for source in _list_sources(scenario)]
    codes = embed_code(about.encoder_ids["code"], everything, progress)
    heard = {ear: embed_clip_files(ear, paths, progress) for ear in dict.fromkeys(ears.values())}
    parts: dict[str, list[pd.DataFrame]] = {}
    clips: list[ClipSequence] = []
    end = 0
    for scenario in asked:
        own = slice(end, end := end + 1 + len(scenario.candidates))
        code = {"raw": codes[own], "aligned": about.aligned_corpus.project_code(codes[own])}
        sound = {name: heard[ear][own] for name, ear in ears.items()}
        shared = about.aligned_corpus.project_audio(sound["trained ear"])
        found = _score_scenario(code, sound, shared, options["seed"])
        found["cases"] = _list_candidate_neighbours(scenario, code, sound["trained ear"], paths[own])
        spaces = {name: x[1:] for name, x in {**sound, **code}.items()}
        found["heeded"] = correlate_descriptors(found["cases"][list(DESCRIPTOR_UNITS)], spaces)
        for name, rows in found.items():
            parts.setdefault(name, []).append(rows.assign(scenario=scenario.name))
        clips += _collect_clips(scenario, paths[own])
    tables = {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}
    compared = compare_to_paper(list(_make_comparison_rows(tables["scores"], options["seed"])))
    return StudyResult(
        comparison=compared,
        tables=_build_tables(tables),
        figures=[
            StudyFigure(
                "scores",
                "Raw, aligned and the paper's",
                figures.plot_completion(compared),
                "Bars hold 95 % of resamples; diamonds are the paper's.",
            )
        ],
        clips=clips,
        notes=[
            *describe_paper_comparison(compared),
            *describe_alignment_gains(tables["gained"], ears),
            *describe_upper_bounds(tables["scores"], ears),
            describe_candidate_count_effect(tables["fewer"]),
            *describe_descriptor_influence(tables["heeded"], ears),
            *describe_neighbour_errors(tables["cases"]),
            PROTOCOL_NOTE,
        ],
        settings={
            **about.describe_settings(options),
            "ears": ears,
            "candidates": {s.name: len(s.candidates) for s in asked},
        },
    )


def _score_scenario(
    code_spaces: Mapping[str, np.ndarray], audio_by_encoder: Mapping[str, np.ndarray], shared_audio: np.ndarray, seed: int
) -> dict[str, pd.DataFrame]:
    """All numbers of one scenario; row 0 of every array is the prompt.

    Parameters
    ----------
    code_spaces : "raw" and "aligned": float [1 + n, d]
    audio_by_encoder : by "trained ear" and "unseen ear", raw: float [1 + n, d]
    shared_audio : float [1 + n, dim]
        The sound by the trained ear, projected to the shared space.
    """
    readings = [(space, ear, code_spaces[space], y) for ear, y in audio_by_encoder.items() for space in code_spaces]
    readings.append(("aligned", ALIGNED_AUDIO, code_spaces["aligned"], shared_audio))
    # Without code: how high any code could get.
    most = [(ALIGNED_AUDIO, ear, shared_audio, y) for ear, y in audio_by_encoder.items()]
    most.append(("", ENCODER_AGREEMENT, *audio_by_encoder.values()))
    n = len(shared_audio) - 1
    return {
        "scores": pd.concat(
            [
                evaluate_each_candidate(x[1:], y[1:], seed).assign(code=space, sound=ear)
                for space, ear, x, y in (*readings, *most)
            ]
        ),
        "gained": pd.concat(
            [
                measure_alignment_gain(code_spaces["raw"][1:], code_spaces["aligned"][1:], y[1:], seed).assign(sound=ear)
                for ear, y in audio_by_encoder.items()
            ]
        ),
        "prompts": pd.concat(
            [
                evaluate_prompt_query(x, y, seed=seed).assign(code=space, sound=ear)
                for space, ear, x, y in readings
            ]
        ),
        "fewer": evaluate_candidate_subsets(
            code_spaces["aligned"][1:],
            audio_by_encoder["trained ear"][1:],
            [*(m for m in CANDIDATE_COUNTS if m < n), n],
            seed=seed,
        ),
    }


def _build_tables(frames: Mapping[str, pd.DataFrame]) -> list[StudyTable]:
    return [
        StudyTable(
            "scores",
            "Every candidate in turn",
            frames["scores"],
            f"{PROTOCOL_NOTE} Rows without code: the sound by one ear against the other, and the sound"
            " as the shared space has it against the raw sound.",
        ),
        StudyTable(
            "gained",
            "Aligned code less raw code",
            _put_scenario_first(frames["gained"]),
            "What alignment adds to each number of the table above, with the interval of the"
            " difference: it rose, or fell, where that doesn't hold 0.",
        ),
        StudyTable(
            "from_prompt",
            "Asked from the prompt alone",
            _add_paper_column(frames["prompts"]),
            "One query a scenario: overlap can only be 0, 1/3, 2/3 or 1.",
        ),
        StudyTable(
            "cases",
            "Each candidate and its nearest",
            _put_scenario_first(frames["cases"]),
            "shared: how many of its 3 nearest by code are among its 3 nearest by sound. clips:"
            " the candidate, then its nearest by raw and by aligned code and by sound. Measured"
            f" of each clip: {'; '.join(f'{name}, {unit}' for name, unit in DESCRIPTOR_UNITS.items())}.",
        ),
        StudyTable(
            "fewer",
            "Among fewer candidates",
            _put_scenario_first(frames["fewer"]),
            "Aligned code against raw sound by the trained ear, among so many of the candidates,"
            " drawn at random. chance: overlap@3 of any neighbours. The paper doesn't say how"
            " many it had.",
        ),
        StudyTable(
            "heeded",
            "What ear and code go by",
            _put_scenario_first(frames["heeded"]),
            "Spearman's rank correlation, over all pairs of a scenario, of how much two clips"
            " differ in a trait and how far apart they lie by each ear and by raw and aligned"
            " code. 1: it goes by that trait alone; 0: it is deaf to it.",
        ),
    ]


def _put_scenario_first(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[["scenario", *(name for name in rows if name != "scenario")]]


def _choose_holdout_encoder(inputs: StudyInputs, options: Mapping[str, Any]) -> str:
    if options["other_ear"]:
        return encoders.find_encoder_spec(options["other_ear"]).id
    trained = inputs.encoder_ids["audio"].split("+")
    return next(ear for ear in DEFAULT_AUDIO_ENCODERS if ear not in trained)


def _list_sources(scenario: CompletionScenario) -> list[str]:
    """The prompt's program and each candidate's."""
    return [scenario.prompt, *(each.source for each in scenario.candidates)]


def _render_scenarios(corpus: Corpus, scenarios: list[CompletionScenario], progress: Progress) -> list[Path]:
    """Files of all clips, in the order of `_sources` of each scenario."""
    names = [
        f"{what} of {scenario.name}"
        for scenario in scenarios
        for what in ("The prompt", *(f"Candidate {each.name}" for each in scenario.candidates))
    ]
    sources = [source for scenario in scenarios for source in _list_sources(scenario)]
    paths, failed = render_study_clips(corpus, sources, corpus.settings["seconds"], progress)
    if failed:
        place, why = next(iter(failed.items()))
        raise EarshotError(f"{names[place]} can't be rendered: {why}")
    return paths


def _check_scenario_unseen(corpus: Corpus, scenario: CompletionScenario) -> None:
    known = set(corpus.load_programs()["program"])
    alone = (each.continuation for each in scenario.candidates)
    for text in [*_list_sources(scenario), *alone]:
        if Program(text, "candidate", "", "other", {}, 0).id in known:
            raise EarshotError(
                f"Corpus '{corpus.name}' holds a candidate of scenario {scenario.name}, so it can't"
                " be judged on it."
            )


def _make_comparison_rows(scores: pd.DataFrame, seed: int):
    """What the paper has numbers of. What has no code in it says how high code could get, and is
    told in words."""
    heard = {"trained ear": "raw sound", "unseen ear": "raw sound, unseen ear"}
    for each in scores[scores["code"].isin(("raw", "aligned"))].itertuples():
        ours = "ours" if each.code == "aligned" else "raw"
        yield {
            "measure": f"{each.scenario}: {METRIC_LABELS[each.metric]}, {each.code} code ~"
            f" {heard.get(each.sound, each.sound)}",
            "measured": each.value,
            "low": each.low,
            "high": each.high,
            "published": f"completion.{each.scenario}.{ours}.{each.metric}",
            "split": SCENARIO_SPLIT,
            "seed": seed,
        }


def _add_paper_column(scores: pd.DataFrame) -> pd.DataFrame:
    named = zip(scores["scenario"], scores["code"], scores["metric"])
    paper = [
        paper_results.get_published_value(f"completion.{s}.{'ours' if code == 'aligned' else 'raw'}.{metric}")
        for s, code, metric in named
    ]
    return scores.assign(paper=pd.Series(paper, dtype=float))


def _list_candidate_neighbours(scenario: CompletionScenario, code_spaces, audio_embeddings: np.ndarray, clip_paths) -> pd.DataFrame:
    near = {name: find_nearest_others(x[1:], NEIGHBOUR_COUNT)[0] for name, x in {**code_spaces, "sound": audio_embeddings}.items()}
    files = [make_workspace_relative(path) for path in clip_paths[1:]]
    rows = []
    for i, each in enumerate(scenario.candidates):
        row = {"candidate": each.name, "title": each.title}
        for name, found in near.items():
            row[name] = " ".join(scenario.candidates[j].name for j in found[i])
        for name in code_spaces:
            row[f"shared, {name}"] = len(set(near[name][i]) & set(near["sound"][i]))
        clip = Clip.load(clip_paths[1:][i])
        row.update(measure_descriptors(clip.samples, clip.sample_rate))
        row["clips"] = "|".join([files[i], *(files[found[i][0]] for found in near.values())])
        rows.append(row)
    return pd.DataFrame(rows)


def _collect_clips(scenario: CompletionScenario, clip_paths) -> list[ClipSequence]:
    return [
        ClipSequence(
            f"{scenario.name} {each.name}: {each.title}",
            (make_workspace_relative(path),),
            (each.name,),
            (each.source,),
        )
        for each, path in zip(scenario.candidates, clip_paths[1:])
    ]
