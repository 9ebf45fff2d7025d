"""Completion study: similarity of code and sound among continuations of a prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.nearest_neighbours import find_nearest_other_rows
from core.programs import Program
from core.progress_callback import Progress
from core.sonicpi import Clip
from core.studies import completion_findings, published_numbers, study_figures
from core.studies.audio_descriptors import (
    DESCRIPTOR_UNITS,
    correlate_descriptors_with_embeddings,
    measure_audio_descriptors,
)
from core.studies.completion_agreement_metrics import (
    NEIGHBOUR_COUNT,
    evaluate_candidate_subsets,
    evaluate_candidates_as_queries,
    evaluate_prompt_as_query,
    measure_alignment_gain,
)
from core.studies.completion_findings import (
    ALIGNED_AUDIO,
    BETWEEN_ENCODERS,
    HELD_OUT_ENCODER,
    TRAINING_ENCODER,
)
from core.studies.completion_scenarios import CompletionScenario, load_completion_scenarios
from core.studies.study_clip_rendering import (
    embed_clip_files,
    embed_program_sources,
    make_path_relative_to_workspace,
    render_study_clips,
)
from core.studies.study_inputs import (
    StudyInputs,
    choose_held_out_audio_encoder,
    open_study_inputs,
)
from core.studies.study_result import (
    ClipSequence,
    Measurement,
    StudyFigure,
    StudyResult,
    StudyTable,
    compare_measurements_to_paper,
)

CANDIDATE_COUNTS = (6, 8, 10, 12, 16, 20)  # subset sizes, besides all candidates
SCENARIO_SPLIT = "written for the study"
METRIC_LABELS = {
    "jaccard@3": "Jaccard@3",
    "overlap@3": "overlap@3",
    "spearman": "Spearman",
    "pearson": "Pearson",
}
AUDIO_LABELS = {TRAINING_ENCODER: "raw audio", HELD_OUT_ENCODER: "raw audio, held-out encoder"}
PROTOCOL_NOTE = (
    "The paper does not specify how a scenario is scored. Here every candidate is in turn the"
    " query for its 3 nearest among the others, by code and by audio; Spearman and Pearson are"
    " over the distances of all pairs. This protocol has intervals, and the comparison above uses"
    " it. The paper's raw numbers (1/3 with 1/5, 0 with 0) are values of a single query, and its"
    " other numbers are averages of five, so a second table uses the prompt as the only query."
    " Both protocols were fixed before any number was computed. Code is aligned and audio is raw"
    " unless a row states otherwise."
)


def compute_study_result(
    corpus: Corpus, options: Mapping[str, Any], progress: Progress
) -> StudyResult:
    """Render, embed and compare the candidates of all scenarios."""
    inputs = open_study_inputs(corpus, options, needs_alignment=True)
    audio_encoders = {
        TRAINING_ENCODER: inputs.encoder_ids["audio"],
        HELD_OUT_ENCODER: choose_held_out_audio_encoder(
            inputs.encoder_ids["audio"], options["holdout_audio_encoder"]
        ),
    }
    scenarios = load_completion_scenarios()
    for scenario in scenarios:
        _check_scenario_not_in_corpus(corpus, scenario)
    paths = _render_scenarios(corpus, scenarios, progress)
    sources = [
        source for scenario in scenarios for source in scenario.list_scenario_program_sources()
    ]
    code = embed_program_sources(inputs.encoder_ids["code"], sources, progress)
    audio = {
        encoder: embed_clip_files(encoder, paths, progress)
        for encoder in dict.fromkeys(audio_encoders.values())
    }
    parts: dict[str, list[pd.DataFrame]] = {}
    clips: list[ClipSequence] = []
    for scenario, rows in _iterate_scenarios_with_rows(scenarios):
        audio_by_role = {role: audio[encoder][rows] for role, encoder in audio_encoders.items()}
        frames = _build_scenario_tables(
            inputs, scenario, code[rows], audio_by_role, paths[rows], options["seed"]
        )
        for name, frame in frames.items():
            parts.setdefault(name, []).append(frame.assign(scenario=scenario.name))
        clips += _collect_candidate_clips(scenario, paths[rows])
    tables = {name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()}
    comparison = compare_measurements_to_paper(
        list(_iterate_measurements(tables["scores"], options["seed"]))
    )
    return StudyResult(
        comparison=comparison,
        tables=_build_completion_tables(tables),
        figures=[
            StudyFigure(
                "scores",
                "Raw, aligned and the paper's",
                study_figures.plot_completion_metrics(comparison),
                "Error bars cover 95 % of resamples; diamonds are the paper's numbers.",
            )
        ],
        clips=clips,
        notes=[
            *completion_findings.describe_paper_comparison(comparison),
            *completion_findings.describe_alignment_gains(tables["alignment_gain"], audio_encoders),
            *completion_findings.describe_upper_bounds(tables["scores"], audio_encoders),
            completion_findings.describe_candidate_count_effect(tables["candidate_subsets"]),
            *completion_findings.describe_descriptor_correlations(
                tables["descriptor_correlations"], audio_encoders
            ),
            *completion_findings.describe_neighbour_errors(tables["neighbours"]),
            PROTOCOL_NOTE,
        ],
        settings={
            **inputs.build_study_input_settings(options),
            "audio_encoders": audio_encoders,
            "candidates": {scenario.name: len(scenario.candidates) for scenario in scenarios},
        },
    )


def _iterate_scenarios_with_rows(
    scenarios: Sequence[CompletionScenario],
) -> Iterator[tuple[CompletionScenario, slice]]:
    """Yield each scenario with its rows of embeddings: the prompt, then the candidates."""
    start = 0
    for scenario in scenarios:
        end = start + 1 + len(scenario.candidates)
        yield scenario, slice(start, end)
        start = end


def _check_scenario_not_in_corpus(corpus: Corpus, scenario: CompletionScenario) -> None:
    corpus_ids = set(corpus.load_programs()["program"])
    continuations = (candidate.continuation for candidate in scenario.candidates)
    for source in [*scenario.list_scenario_program_sources(), *continuations]:
        if Program(source, "candidate", "", "other", {}, 0).id in corpus_ids:
            raise EarshotError(
                f"Corpus '{corpus.name}' holds a candidate of scenario {scenario.name}, so the"
                " scenario cannot measure it.",
                remedy="Run the study on a corpus without the candidates.",
            )


def _render_scenarios(
    corpus: Corpus, scenarios: Sequence[CompletionScenario], progress: Progress
) -> list[Path]:
    """Return the clips of all scenarios, each with its prompt first."""
    labels = [
        f"{label} of {scenario.name}"
        for scenario in scenarios
        for label in (
            "The prompt",
            *(f"Candidate {candidate.name}" for candidate in scenario.candidates),
        )
    ]
    sources = [
        source for scenario in scenarios for source in scenario.list_scenario_program_sources()
    ]
    paths, failures = render_study_clips(corpus, sources, corpus.settings["seconds"], progress)
    if failures:
        index, reason = next(iter(failures.items()))
        raise EarshotError(f"{labels[index]} cannot be rendered: {reason}")
    return [path for path in paths if path is not None]


def _build_scenario_tables(
    inputs: StudyInputs,
    scenario: CompletionScenario,
    raw_code: np.ndarray,
    audio_by_role: Mapping[str, np.ndarray],
    clip_paths: Sequence[Path],
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Return all tables of one scenario; row 0 of every array is the prompt."""
    code_spaces = {
        "raw": raw_code,
        "aligned": inputs.required_aligned_corpus.project_code_embeddings(raw_code),
    }
    training_audio = audio_by_role[TRAINING_ENCODER]
    shared_audio = inputs.required_aligned_corpus.project_audio_embeddings(training_audio)
    frames = _build_scenario_score_tables(code_spaces, audio_by_role, shared_audio, seed)
    neighbours = _list_candidate_neighbours(scenario, code_spaces, training_audio, clip_paths)
    spaces = {name: rows[1:] for name, rows in {**audio_by_role, **code_spaces}.items()}
    frames["neighbours"] = neighbours
    frames["descriptor_correlations"] = correlate_descriptors_with_embeddings(
        neighbours[list(DESCRIPTOR_UNITS)], spaces
    )
    return frames


def _build_scenario_score_tables(
    code_spaces: Mapping[str, np.ndarray],
    audio_by_role: Mapping[str, np.ndarray],
    shared_audio: np.ndarray,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Return all scores of one scenario; row 0 of every array is the prompt.

    Parameters
    ----------
    code_spaces : "raw" and "aligned": float [1 + n, d]
    audio_by_role : `TRAINING_ENCODER` and `HELD_OUT_ENCODER`, raw: float [1 + n, d]
    shared_audio : float [1 + n, dim]
        Audio by the training encoder, projected into the shared space.
    seed : int
    """
    aligned_code, training_audio = code_spaces["aligned"], audio_by_role[TRAINING_ENCODER]
    comparisons = [
        (space, role, code, audio)
        for role, audio in audio_by_role.items()
        for space, code in code_spaces.items()
    ]
    comparisons.append(("aligned", ALIGNED_AUDIO, aligned_code, shared_audio))
    # Comparisons without code show the best that any code embedding could reach.
    upper_bounds = [
        (ALIGNED_AUDIO, role, shared_audio, audio) for role, audio in audio_by_role.items()
    ]
    upper_bounds.append(("", BETWEEN_ENCODERS, training_audio, audio_by_role[HELD_OUT_ENCODER]))
    candidate_count = len(shared_audio) - 1
    return {
        "scores": pd.concat(
            [
                evaluate_candidates_as_queries(x[1:], y[1:], seed).assign(code=space, audio=role)
                for space, role, x, y in (*comparisons, *upper_bounds)
            ]
        ),
        "alignment_gain": pd.concat(
            [
                measure_alignment_gain(
                    code_spaces["raw"][1:], aligned_code[1:], audio[1:], seed
                ).assign(audio=role)
                for role, audio in audio_by_role.items()
            ]
        ),
        "prompt_query": pd.concat(
            [
                evaluate_prompt_as_query(x, y, seed=seed).assign(code=space, audio=role)
                for space, role, x, y in comparisons
            ]
        ),
        "candidate_subsets": evaluate_candidate_subsets(
            aligned_code[1:],
            training_audio[1:],
            [*(count for count in CANDIDATE_COUNTS if count < candidate_count), candidate_count],
            seed=seed,
        ),
    }


def _list_candidate_neighbours(
    scenario: CompletionScenario,
    code_spaces: Mapping[str, np.ndarray],
    audio_embeddings: np.ndarray,
    clip_paths: Sequence[Path],
) -> pd.DataFrame:
    """Return one row per candidate: its neighbours in each space and its audio descriptors."""
    neighbours = {
        space: find_nearest_other_rows(rows[1:], NEIGHBOUR_COUNT)[0]
        for space, rows in {**code_spaces, "audio": audio_embeddings}.items()
    }
    candidate_paths = clip_paths[1:]
    files = [make_path_relative_to_workspace(path) for path in candidate_paths]
    table = []
    for i, candidate in enumerate(scenario.candidates):
        row: dict[str, Any] = {"candidate": candidate.name, "title": candidate.title}
        for space, rows in neighbours.items():
            row[space] = " ".join(scenario.candidates[j].name for j in rows[i])
        for space in code_spaces:
            row[f"shared, {space}"] = len(set(neighbours[space][i]) & set(neighbours["audio"][i]))
        clip = Clip.load(candidate_paths[i])
        row.update(measure_audio_descriptors(clip.samples, clip.sample_rate))
        row["clips"] = "|".join([files[i], *(files[rows[i][0]] for rows in neighbours.values())])
        table.append(row)
    return pd.DataFrame(table)


def _collect_candidate_clips(
    scenario: CompletionScenario, clip_paths: Sequence[Path]
) -> list[ClipSequence]:
    return [
        ClipSequence(
            f"{scenario.name} {candidate.name}: {candidate.title}",
            (make_path_relative_to_workspace(path),),
            (candidate.name,),
            (candidate.source,),
        )
        for candidate, path in zip(scenario.candidates, clip_paths[1:])
    ]


def _iterate_measurements(scores: pd.DataFrame, seed: int) -> Iterator[Measurement]:
    """Yield the numbers that compare code with audio, which the paper has too."""
    for row in scores[scores["code"].isin(("raw", "aligned"))].to_dict("records"):
        yield Measurement(
            f"{row['scenario']}: {METRIC_LABELS[row['metric']]}, {row['code']} code ~"
            f" {AUDIO_LABELS.get(row['audio'], row['audio'])}",
            row["value"],
            SCENARIO_SPLIT,
            seed,
            row["low"],
            row["high"],
            published_id=_make_published_number_id(row),
            # The paper has each number once: by the encoder that trained the alignment.
            has_verdict=row["audio"] == TRAINING_ENCODER,
        )


def _make_published_number_id(row: Mapping[Any, Any]) -> str:
    space = "ours" if row["code"] == "aligned" else "raw"
    return f"completion.{row['scenario']}.{space}.{row['metric']}"


def _build_completion_tables(frames: Mapping[str, pd.DataFrame]) -> list[StudyTable]:
    paper_values = [
        published_numbers.get_published_value(_make_published_number_id(row))
        for row in frames["prompt_query"].to_dict("records")
    ]
    descriptors = "; ".join(f"{name}, {unit}" for name, unit in DESCRIPTOR_UNITS.items())
    return [
        StudyTable(
            "scores",
            "Each candidate as the query",
            frames["scores"],
            f"{PROTOCOL_NOTE} Rows without code compare audio with audio: one encoder with the"
            " other, and the shared space with raw audio.",
        ),
        StudyTable(
            "alignment_gain",
            "Aligned code minus raw code",
            _move_scenario_column_first(frames["alignment_gain"]),
            "What alignment adds to each number of the table above, with the interval of the"
            " difference. A change is significant where the interval does not contain 0.",
        ),
        StudyTable(
            "prompt_query",
            "Prompt as the only query",
            frames["prompt_query"].assign(paper=pd.Series(paper_values, dtype=float)),
            "One query per scenario: overlap can only be 0, 1/3, 2/3 or 1.",
        ),
        StudyTable(
            "neighbours",
            "Each candidate and its nearest",
            _move_scenario_column_first(frames["neighbours"]),
            "shared: how many of the 3 nearest by code are among the 3 nearest by audio. clips:"
            " the candidate, then its nearest by raw code, by aligned code and by audio. Audio"
            f" descriptors of each clip: {descriptors}.",
        ),
        StudyTable(
            "candidate_subsets",
            "Fewer candidates",
            _move_scenario_column_first(frames["candidate_subsets"]),
            "Aligned code against raw audio by the training encoder, among random subsets of the"
            " candidates. chance: overlap@3 of random neighbours. The paper does not state its"
            " number of candidates.",
        ),
        StudyTable(
            "descriptor_correlations",
            "Descriptor correlations",
            _move_scenario_column_first(frames["descriptor_correlations"]),
            "Spearman's rank correlation, over all pairs of a scenario, of the difference of two"
            " clips in a descriptor and their distance by each audio encoder and by raw and"
            " aligned code. 1: the distance follows this descriptor alone; 0: it ignores it.",
        ),
    ]


def _move_scenario_column_first(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[["scenario", *(name for name in rows if name != "scenario")]]
