"""Suggestion study: picks by predicted sound against the true sound of rendered candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.alignment.sound_property_regression_with_intervals import select_evenly_spaced_rows
from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.bootstrap import compute_bootstrap_interval
from core.programs import compose_programs
from core.programs.source_decoding import decode_source
from core.progress_callback import Progress
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from core.search.aspect_similarity import get_aspect_index
from core.search.default_alignment_choice import choose_default_alignment
from core.search.silent_snippet_check import SilentSnippetError
from core.studies.completion_scenarios import load_completion_scenarios
from core.studies.pick_diversity_metrics import (
    compute_pairwise_cosine_distances,
    compute_source_edit_distances,
)
from core.studies.retrieval_queries import SONICPI_EXAMPLES_FOLDER
from core.studies.study_clip_rendering import embed_study_clips, render_study_clips
from core.studies.study_inputs import open_study_inputs
from core.studies.study_result import (
    Measurement,
    StudyResult,
    StudyTable,
    compare_measurements_to_paper,
)
from core.studies.suggestion_study_measurements import (
    OURS,
    PICK_COUNT,
    SHARED_SPACE,
    UPPER_BOUND,
    WITHOUT_SIMULATION_REGRESSION,
    JudgedProgram,
    build_method_diversity_table,
    list_programs_with_worst_picks,
    measure_diversity_gain_over_text_methods,
    measure_kernel_audio_distances,
    measure_movement_correlation,
    measure_movement_correlation_by_method,
)
from core.studies.suggestion_study_target_hits import (
    measure_target_hits,
    summarize_target_hits_by_kind,
    summarize_target_hits_by_method,
    summarize_target_hits_by_program,
)
from core.suggest.candidate_prediction import predict_candidates, select_predicted_candidates
from core.suggest.candidates import CandidateOptions, iterate_candidates
from core.suggest.predicted_sound_distances import (
    can_predict_sounds,
    mix_distances_of_views,
    predict_sounds,
)
from core.suggest.suggest_and_pick_variants import build_outline_of_audible_program

MIN_CANDIDATES = 8
MAX_PROGRAM_CHARS = 4000
GRAMMAR_STYLE_PREFIX = "composed-"
GRAMMAR_SEED_OFFSET = 77_001
"""Seed of the grammar programs of the study, which no corpus has by default."""
ASPECT_ENCODER = "aspects"


def compute_study_result(
    corpus: Corpus, options: Mapping[str, Any], progress: Progress
) -> StudyResult:
    """Render candidates of programs outside the corpus, and compare predictions with the truth."""
    choice = choose_default_alignment(corpus, "suggestion")
    alignment_id = options.get("alignment") or (choice.alignment_id if choice else None)
    inputs = open_study_inputs(corpus, {**options, "alignment": alignment_id}, needs_alignment=True)
    aligned_corpus = inputs.required_aligned_corpus
    other_encoders = [name for name in str(options["eval_encoder"]).split(",") if name]
    audio_encoders = list(dict.fromkeys([aligned_corpus.audio_encoder.id, *other_encoders]))
    programs = list_study_programs(aligned_corpus, options)
    judged, skipped = [], []
    for done, (name, kind, source) in enumerate(programs):
        progress("Judging programs", done, len(programs), name)
        try:
            item = _predict_and_render_candidates_of_program(
                aligned_corpus, (name, kind, source), audio_encoders, options, progress
            )
        except SilentSnippetError as error:
            skipped.append(f"{name}: {error}")
            continue
        if item is None:
            skipped.append(f"{name}: fewer than {MIN_CANDIDATES} candidates sound")
        else:
            judged.append(item)
    progress("Judging programs", len(programs), len(programs))
    if not judged:
        raise EarshotError(
            "No program has enough candidates that sound.", remedy="Raise --candidates."
        )
    return _build_suggestion_result(aligned_corpus, judged, audio_encoders, skipped, options)


def list_study_programs(
    aligned_corpus: AlignedCorpus, options: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """Return name, kind and source of programs that nothing was trained on."""
    programs = [
        (f"scenario {scenario.name}", "completion scenarios", scenario.prompt)
        for scenario in load_completion_scenarios()
    ]
    count = options["programs"]
    styles = [
        template
        for template in aligned_corpus.unseen_templates
        if template.startswith(GRAMMAR_STYLE_PREFIX)
    ]
    for style in styles[:count]:
        per_style = max(1, count // len(styles))
        for program in compose_programs(per_style, GRAMMAR_SEED_OFFSET + options["seed"], style):
            programs.append((program.name, "held-out grammar styles", program.source))
    paths = sorted(SONICPI_EXAMPLES_FOLDER.rglob("*.rb"))
    sources = [(path.stem, _read_example_program(path)) for path in paths]
    short = [(name, text) for name, text in sources if 0 < len(text) <= MAX_PROGRAM_CHARS]
    for index in select_evenly_spaced_rows(len(short), count) if short else ():
        programs.append((short[index][0], "Sonic Pi's examples", short[index][1]))
    return programs


def _read_example_program(path: Path) -> str:
    try:
        return decode_source(path.read_bytes(), path.name)
    except EarshotError:
        return ""


def _predict_and_render_candidates_of_program(
    aligned_corpus: AlignedCorpus,
    program: tuple[str, str, str],
    audio_encoders: Sequence[str],
    options: Mapping[str, Any],
    progress: Progress,
) -> JudgedProgram | None:
    """Make, predict and render candidates; None when too few of them sound."""
    name, kind, source = program
    outline = build_outline_of_audible_program(source)
    candidates = iterate_candidates(outline, CandidateOptions(seed=options["seed"]))
    predicted = predict_candidates(
        aligned_corpus, outline, islice(candidates, options["candidates"]), options["candidates"]
    )
    sources = [source, *(candidate.source for candidate in predicted.candidates)]
    paths, _ = render_study_clips(
        aligned_corpus.corpus, sources, aligned_corpus.corpus.settings["seconds"], progress
    )
    rows = [row for row, path in enumerate(paths) if path is not None]
    if not rows or rows[0] != 0 or len(rows) - 1 < MIN_CANDIDATES:
        return None
    clip_paths = [path for path in paths if path is not None]
    audio = {
        encoder: embed_study_clips(encoder, clip_paths, progress) for encoder in audio_encoders
    }
    predicted = select_predicted_candidates(predicted, [row - 1 for row in rows[1:]])
    code = np.concatenate([predicted.current_embedding, predicted.code_embeddings])
    vectors = np.concatenate([predicted.current_vector[None], predicted.vectors])
    shared = compute_pairwise_cosine_distances(vectors)
    distances = {
        "edit distance": compute_source_edit_distances([sources[row] for row in rows]),
        "raw code embedding": compute_pairwise_cosine_distances(code),
        OURS: shared,
        UPPER_BOUND: compute_pairwise_cosine_distances(audio[audio_encoders[0]]),
    }
    sounds = None
    if can_predict_sounds(aligned_corpus):
        sounds = predict_sounds(aligned_corpus, predicted, range(len(predicted.candidates)))
        distances[OURS] = sounds.compute_pairwise_sound_distances()
        distances[SHARED_SPACE] = shared
        earlier_views = (sounds.code, sounds.stack_aspects(), sounds.properties)
        distances[WITHOUT_SIMULATION_REGRESSION] = mix_distances_of_views(earlier_views, (1, 1, 1))
        audio |= _split_measured_aspects(aligned_corpus, audio.get(ASPECT_ENCODER))
    paper = choose_default_alignment(aligned_corpus.corpus, "map")
    if paper is not None and paper.alignment_id != aligned_corpus.record.id:
        other = open_aligned_corpus(aligned_corpus.corpus, paper.alignment_id)
        if other.code_encoder.id == aligned_corpus.code_encoder.id:
            projected = other.project_code_embeddings(code)
            distances["the paper's alignment"] = compute_pairwise_cosine_distances(projected)
    style = name.rpartition("-")[0] if kind == "held-out grammar styles" else name
    return JudgedProgram(name, kind, distances, audio, predicted, style, sounds)


def _split_measured_aspects(
    aligned_corpus: AlignedCorpus, vectors: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Return the true aspects of clips as judges of their own, by name."""
    if vectors is None:
        return {}
    aspects = get_aspect_index(aligned_corpus).standardize_aspects(vectors)
    return {f"aspect {name}": values for name, values in aspects.items()}


def _build_target_tables(hits: pd.DataFrame) -> list[StudyTable]:
    """Return the tables of `measure_target_hits` by program, method and kind of program."""
    reached = (
        "Nearer: share of targets to which the best candidate is truly nearer than the program."
        " Reachable: share of targets to which any candidate is truly nearer; no prediction can"
        " have a higher share. Nearer of reachable: the first among these targets. Share of"
        " possible gain: how much nearer the best candidates are, by how much nearer the truly"
        " nearest ones are. Rank: of the best candidate among all by true distance, from 0"
        " (nearest) to 1."
    )
    return [
        StudyTable("toward", "Toward a clip", summarize_target_hits_by_program(hits), reached),
        StudyTable(
            "toward-methods",
            "Toward a clip, by method",
            summarize_target_hits_by_method(hits),
            f"{reached} With 95 % bootstrap intervals; programs of one grammar style are resampled"
            " together. Random: the mean over all candidates. Rendered: the truly nearest of 6.",
        ),
        StudyTable(
            "toward-kinds",
            "Toward a clip, by kind of program",
            summarize_target_hits_by_kind(hits),
            reached,
        ),
    ]


def _build_suggestion_result(
    aligned_corpus: AlignedCorpus,
    judged: list[JudgedProgram],
    audio_encoders: Sequence[str],
    skipped: list[str],
    options: Mapping[str, Any],
) -> StudyResult:
    judges = list(judged[0].audio_by_encoder)
    diversity, margins = (
        pd.concat([measure(judged, judge, options["seed"]) for judge in judges], ignore_index=True)
        for measure in (build_method_diversity_table, measure_diversity_gain_over_text_methods)
    )
    worst = list_programs_with_worst_picks(judged, audio_encoders[0], options["seed"])
    hits = measure_target_hits(aligned_corpus, judged, options["seed"])
    toward = summarize_target_hits_by_program(hits)
    sensitivity = measure_movement_correlation(judged, audio_encoders)
    split = f"{len(judged)} programs"
    nearer = toward["nearer"].to_numpy(float)
    movement = sensitivity[audio_encoders[0]].to_numpy(float)
    movement = movement[np.isfinite(movement)]
    ours = diversity[diversity["method"] == OURS]
    measurements = [
        Measurement(f"Share of the gap, {row['judge']}", row["share"], split, has_verdict=False)
        for _, row in ours.iterrows()
    ]
    for label, values in (
        ("Nearer to the target", nearer),
        ("Rank of the best among all", toward["rank share"].to_numpy(float)),
        ("Median rank of the best", toward["median rank share"].to_numpy(float)),
        ("Rank correlation of movements", movement),
    ):
        low, high = compute_bootstrap_interval(values)
        measurements.append(
            Measurement(
                label, float(values.mean()) if len(values) else np.nan, split, None, low, high
            )
        )
    return StudyResult(
        comparison=compare_measurements_to_paper(measurements),
        tables=[
            StudyTable(
                "diversity",
                "Diversity and coverage of 6 picks",
                diversity,
                "Mean cosine distance of all pairs of true clips of the picks, with its difference"
                " from random picks and a 95 % bootstrap interval of it over programs. Coverage:"
                " mean distance of all candidates from the nearest pick (lower is better). Share:"
                " of the gap between random picks and picks by true audio.",
            ),
            StudyTable(
                "margins",
                "Margin over text methods",
                margins,
                "Mean distance of the picks by predicted sound less that of the picks by the text"
                " method, with a 95 % bootstrap interval; programs of one grammar style are"
                " resampled together. Share: of the gap between random picks and true audio.",
            ),
            StudyTable(
                "worst",
                "Programs with the least diverse picks",
                worst,
                "Share of the gap that the picks close, by the training encoder.",
            ),
            *_build_target_tables(hits),
            StudyTable(
                "sensitivity",
                "Predicted and true movement",
                sensitivity,
                "Rank correlation over candidates of predicted and true distance from the program,"
                " by the audio encoder of the column.",
            ),
            StudyTable(
                "movement",
                "Predicted and true movement, by method",
                measure_movement_correlation_by_method(judged, audio_encoders),
                "Mean rank correlation over programs, and its gain over the mix of code, aspects"
                " and forecast, with 95 % bootstrap intervals.",
            ),
            StudyTable(
                "kad",
                "Kernel audio distance from the corpus",
                measure_kernel_audio_distances(aligned_corpus, judged, options["seed"]),
                "Of the true clips of all programs, of all candidates and of the picks, joined over"
                " programs, from the clips of the corpus by the training encoder. Lower: the set"
                " sounds more like the corpus as a whole.",
            ),
        ],
        notes=[f"{len(skipped)} programs are left out: {skipped[0]}."] if skipped else [],
        settings={
            "alignment": aligned_corpus.record.id,
            "audio_encoders": list(audio_encoders),
            "candidates": options["candidates"],
            "picks": PICK_COUNT,
            "seed": options["seed"],
            "skipped": skipped,
        },
    )
