"""Suggestion study: picks by predicted sound against the true sound of rendered candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.bootstrap import compute_bootstrap_interval
from core.programs import compose_programs
from core.programs.source_decoding import decode_source
from core.progress_callback import Progress
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from core.search.default_alignment_choice import choose_default_alignment
from core.search.silent_snippet_check import SilentSnippetError
from core.studies.completion_scenarios import load_completion_scenarios
from core.studies.retrieval_queries import SONICPI_EXAMPLES_FOLDER, select_evenly_spaced_indices
from core.studies.study_clip_rendering import embed_clip_files, render_study_clips
from core.studies.study_inputs import open_study_inputs
from core.studies.study_result import (
    Measurement,
    StudyResult,
    StudyTable,
    compare_measurements_to_paper,
)
from core.studies.suggestion_metrics import (
    compute_gap_share,
    compute_pairwise_cosine_distances,
    compute_pick_coverage,
    compute_pick_diversity,
    compute_rank_correlation,
    compute_source_edit_distances,
    draw_random_picks,
    pick_farthest_rows,
)
from core.suggest.candidate_prediction import predict_candidates
from core.suggest.candidates import CandidateOptions, iterate_candidates
from core.suggest.suggest_and_pick_variants import build_outline_of_audible_program

PICK_COUNT = 6
TARGETS_PER_PROGRAM = 5
MIN_CANDIDATES = 8
MAX_PROGRAM_CHARS = 4000
GRAMMAR_STYLE_PREFIX = "composed-"
GRAMMAR_SEED_OFFSET = 77_001
"""Seed of the grammar programs of the study, which no corpus has by default."""
RANDOM, UPPER_BOUND, OURS = "random", "true audio (upper bound)", "predicted sound"


@dataclass(frozen=True, eq=False)
class JudgedProgram:
    """One program with its rendered candidates; row 0 of every array is the program itself.

    Attributes
    ----------
    name, kind : str
    distances_by_method : dict of str to float [n + 1, n + 1]
    audio_by_encoder : dict of str to float [n + 1, d]
        Raw embeddings of the true clips.
    predicted : float [n + 1, d]
        Predicted unit vectors in the shared space.
    """

    name: str
    kind: str
    distances_by_method: dict[str, np.ndarray]
    audio_by_encoder: dict[str, np.ndarray]
    predicted: np.ndarray


def compute_study_result(
    corpus: Corpus, options: Mapping[str, Any], progress: Progress
) -> StudyResult:
    """Render candidates of programs outside the corpus, and compare predictions with the truth."""
    choice = choose_default_alignment(corpus, "prediction")
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
    sources = [(path.stem, _read_example(path)) for path in paths]
    short = [(name, text) for name, text in sources if 0 < len(text) <= MAX_PROGRAM_CHARS]
    for index in select_evenly_spaced_indices(len(short), count) if short else ():
        programs.append((short[index][0], "Sonic Pi's examples", short[index][1]))
    return programs


def _read_example(path: Path) -> str:
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
    audio = {encoder: embed_clip_files(encoder, clip_paths, progress) for encoder in audio_encoders}
    code = np.concatenate([predicted.current_embedding, predicted.code_embeddings])[rows]
    vectors = np.concatenate([predicted.current_vector[None], predicted.vectors])[rows]
    distances = {
        "edit distance": compute_source_edit_distances([sources[row] for row in rows]),
        "raw code embedding": compute_pairwise_cosine_distances(code),
        OURS: compute_pairwise_cosine_distances(vectors),
        UPPER_BOUND: compute_pairwise_cosine_distances(audio[audio_encoders[0]]),
    }
    paper = choose_default_alignment(aligned_corpus.corpus, "map")
    if paper is not None and paper.alignment_id != aligned_corpus.record.id:
        other = open_aligned_corpus(aligned_corpus.corpus, paper.alignment_id)
        if other.code_encoder.id == aligned_corpus.code_encoder.id:
            projected = other.project_code_embeddings(code)
            distances["the paper's alignment"] = compute_pairwise_cosine_distances(projected)
    return JudgedProgram(name, kind, distances, audio, vectors)


def _build_suggestion_result(
    aligned_corpus: AlignedCorpus,
    judged: list[JudgedProgram],
    audio_encoders: Sequence[str],
    skipped: list[str],
    options: Mapping[str, Any],
) -> StudyResult:
    diversity = pd.concat(
        [measure_diversity(judged, encoder, options["seed"]) for encoder in audio_encoders],
        ignore_index=True,
    )
    toward = measure_target_hits(aligned_corpus, judged, options["seed"])
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
                "toward",
                "Toward a clip",
                toward,
                "Per program: share of targets to which the best predicted candidate is truly"
                " nearer than the program, and its mean rank among all candidates by true distance,"
                " from 0 (nearest) to 1.",
            ),
            StudyTable(
                "sensitivity",
                "Predicted and true movement",
                sensitivity,
                "Rank correlation over candidates of predicted and true distance from the program,"
                " by the audio encoder of the column.",
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


def measure_diversity(judged: Sequence[JudgedProgram], encoder: str, seed: int) -> pd.DataFrame:
    """Return diversity and coverage of the picks of each method by one audio encoder."""
    truths = [compute_pairwise_cosine_distances(item.audio_by_encoder[encoder]) for item in judged]
    random = [
        [
            (compute_pick_diversity(truth, picks), compute_pick_coverage(truth, picks))
            for picks in draw_random_picks(len(truth) - 1, PICK_COUNT, seed)
        ]
        for truth in truths
    ]
    values = {RANDOM: np.array([np.mean(draws, axis=0) for draws in random])}
    methods = [name for name in judged[0].distances_by_method if name != UPPER_BOUND]
    methods = [name for name in methods if all(name in item.distances_by_method for item in judged)]
    for method in methods:
        picks = [
            pick_farthest_rows(item.distances_by_method[method], PICK_COUNT) for item in judged
        ]
        values[method] = _measure_picks(truths, picks)
    # The bound is by the encoder that judges.
    values[UPPER_BOUND] = _measure_picks(
        truths, [pick_farthest_rows(truth, PICK_COUNT) for truth in truths]
    )
    low, high = values[RANDOM][:, 0], values[UPPER_BOUND][:, 0]
    rows = []
    for method, numbers in values.items():
        gain_low, gain_high = compute_bootstrap_interval(numbers[:, 0] - low)
        rows.append(
            {
                "judge": encoder,
                "method": method,
                "diversity": float(numbers[:, 0].mean()),
                "gain": float((numbers[:, 0] - low).mean()),
                "low": gain_low,
                "high": gain_high,
                "coverage": float(numbers[:, 1].mean()),
                "share": compute_gap_share(numbers[:, 0], low, high),
            }
        )
    return pd.DataFrame(rows)


def _measure_picks(truths: Sequence[np.ndarray], picks: Sequence[list[int]]) -> np.ndarray:
    """Return diversity and coverage per program, float [n, 2]."""
    return np.array(
        [
            (compute_pick_diversity(truth, rows), compute_pick_coverage(truth, rows))
            for truth, rows in zip(truths, picks)
        ]
    )


def measure_target_hits(
    aligned_corpus: AlignedCorpus, judged: Sequence[JudgedProgram], seed: int
) -> pd.DataFrame:
    """Return how often the best predicted candidate is truly nearer to clips of the corpus."""
    rng = np.random.default_rng(seed)
    audio = aligned_corpus.pairs.audio_embeddings
    rows = []
    for item in judged:
        targets = rng.choice(len(audio), min(TARGETS_PER_PROGRAM, len(audio)), replace=False)
        aimed = item.predicted[1:] @ aligned_corpus.project_audio_embeddings(audio[targets]).T
        truth = item.audio_by_encoder[aligned_corpus.audio_encoder.id]
        unit = truth / np.linalg.norm(truth, axis=1, keepdims=True)
        target_unit = audio[targets] / np.linalg.norm(audio[targets], axis=1, keepdims=True)
        similarity = unit @ target_unit.T
        nearer, ranks = [], []
        for column, best in enumerate(aimed.argmax(axis=0)):
            reached = similarity[1 + best, column]
            nearer.append(reached > similarity[0, column])
            ranks.append((similarity[1:, column] > reached).mean())
        rows.append((item.name, item.kind, float(np.mean(nearer)), float(np.mean(ranks))))
    return pd.DataFrame(rows, columns=["program", "kind", "nearer", "rank share"])


def measure_movement_correlation(
    judged: Sequence[JudgedProgram], audio_encoders: Sequence[str]
) -> pd.DataFrame:
    """Return the rank correlation of predicted and true movement of each program."""
    rows = []
    for item in judged:
        predicted = item.distances_by_method[OURS][0, 1:]
        correlations = [
            compute_rank_correlation(
                predicted, compute_pairwise_cosine_distances(item.audio_by_encoder[encoder])[0, 1:]
            )
            for encoder in audio_encoders
        ]
        rows.append((item.name, item.kind, len(predicted), *correlations))
    return pd.DataFrame(rows, columns=["program", "kind", "candidates", *audio_encoders])
