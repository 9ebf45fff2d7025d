"""Agreement study: measures beside chance, by number of programs and on unseen templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch

from core.alignment import AlignmentConfig, TrainingPairs, ValidationPairs
from core.alignment import train as train_heads
from core.alignment.config import JOINT_OBJECTIVES
from core.corpus import Corpus, EmbeddingPairs
from core.errors import EarshotError
from core.evaluation import metrics
from core.evaluation.linear_alignment_baselines import fit_linear_alignments
from core.evaluation.metrics_with_intervals import ALIGNED_VS_ALIGNED, BEFORE_ALIGNMENT
from core.evaluation.null_calibration import (
    UNDEFINED_CALIBRATION,
    NullCalibration,
    calibrated,
)
from core.pipeline.evaluate_alignment_on_held_out_programs import (
    ComparedSpaces,
    build_aligned_embedding_spaces,
    build_raw_embedding_spaces,
    evaluate_held_out_splits,
)
from core.progress_callback import Progress
from core.search.simulation_columns import (
    count_simulation_columns,
    join_simulation_to_code_encoder,
)
from core.search.unseen_program_splits import UNSEEN_SPLITS, relabel_splits_of_unseen_templates
from core.studies import study_figures
from core.studies.study_inputs import StudyInputs, open_study_inputs
from core.studies.study_result import StudyFigure, StudyResult, StudyTable
from core.studies.unseen_template_prediction_spaces import build_spaces_of_all_programs

PROGRESS_STEP = "Measuring agreement"
SIZES = (100, 300, 1000, 3000, 10_000)
MIN_PROGRAMS = 20
HELD_OUT_SHARE = 0.25
MIN_UNSEEN_TEMPLATES = 4  # as many as an interval over templates needs
Measure = Callable[[np.ndarray, np.ndarray], float]
MEASURES: dict[str, Measure] = {
    "debiased CKA": partial(metrics.cka, debiased=True),
    "CKA": metrics.cka,
    "mutual 10-NN": partial(metrics.mutual_knn, k=10),
    "overlap@3": partial(metrics.overlap_at_k, k=3),
    "Spearman": metrics.distance_spearman,
    "CCA@10, in sample": partial(metrics.cca, max_directions=10),
}
LARGE_SET_MEASURES = {name: MEASURES[name] for name in ("debiased CKA", "mutual 10-NN")}
"""Those that take seconds, not minutes, per permutation of 13,500 programs."""
MIN_PERMUTATIONS = 20
MAX_PERMUTED_ROWS = 400_000
"""Rows of all permutations of one measure together: 200 permutations of 2,000 programs. Values of
more programs vary less between permutations, so that fewer show chance as well."""
UNSEEN_METRICS = (
    "cka_debiased",
    "mutual_knn@10",
    "normalized_similarity@5",
    "recall@1 code->audio",
    "recall@1 of 100 code->audio",
    "recall@1 within template code->audio",
    "mrr within template code->audio",
)


def compute_study_result(
    corpus: Corpus, options: Mapping[str, Any], progress: Progress
) -> StudyResult:
    """Calibrate the measures on growing numbers of programs, and on draws of unseen templates."""
    inputs = open_study_inputs(corpus, options, needs_alignment=True)
    held_out = np.isin(inputs.programs["split"].to_numpy(dtype=str), ("test", *UNSEEN_SPLITS))
    if held_out.sum() < MIN_PROGRAMS:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {held_out.sum()} embedded held-out programs; this study"
            f" takes {MIN_PROGRAMS}.",
            remedy=f"To add programs: ./run build {corpus.name}",
        )
    heads = inputs.required_aligned_corpus.heads
    spaces = build_raw_embedding_spaces(inputs.pairs)
    spaces |= build_aligned_embedding_spaces(heads, inputs.pairs)
    templates = inputs.programs["template"].to_numpy(dtype=str)
    curve = pd.DataFrame(
        iterate_agreement_rows(
            {
                reading: (space.code[held_out], space.audio[held_out])
                for reading, space in spaces.items()
            },
            templates[held_out],
            options["permutations"],
            options["seed"],
            progress,
        )
    )
    all_programs = pd.DataFrame(
        iterate_agreement_rows(
            build_spaces_of_all_programs(inputs.pairs, templates, options["seed"], progress),
            templates,
            options["permutations"],
            options["seed"],
            progress,
            LARGE_SET_MEASURES,
        )
    )
    draws = pd.DataFrame(_iterate_unseen_template_rows(inputs, templates, options, progress))
    tables = [
        StudyTable(
            "agreement",
            "Measures beside chance, by number of programs",
            curve,
            "Held-out programs. null mean, null p95: on permuted pairs. calibrated: 0 at chance, 1"
            " at the maximum. within templates: calibrated against pairs that are permuted within"
            " their template, so what templates share counts as chance.",
        ),
        StudyTable(
            "all_programs",
            "Agreement among all programs, each predicted without its template",
            all_programs,
            "Code against raw audio. Predictions are by kernel ridge regressions, each of which"
            " saw none of the program's template. Nothing is trained before alignment.",
        ),
    ]
    if len(draws):
        tables.append(
            StudyTable(
                "unseen",
                "Draws of unseen templates and grammar styles",
                draws,
                "Each draw holds out other templates whole; the alignment's settings are trained"
                " anew on the rest. Intervals are over templates or styles. Linear CCA and ridge"
                " have closed forms. Joint kernel ridge: the mean of two predictions, by code and"
                " by simulated sound; whitened: in a space scaled by its errors on templates held"
                " out of training. Both for corpora whose programs have a simulation (`./run embed"
                " NAME --code-encoder simulation`).",
            )
        )
    return StudyResult(
        tables=tables,
        figures=[
            StudyFigure(
                "sizes",
                "Calibrated agreement by number of programs",
                study_figures.plot_agreement_by_size(
                    pd.concat([curve, all_programs], ignore_index=True)
                ),
                "One panel per pair of spaces. 0: permuted pairs, 1: the maximum of the measure.",
            )
        ],
        notes=describe_code_audio_agreement(curve),
        settings={**inputs.build_study_input_settings(options), "programs": int(held_out.sum())},
    )


def iterate_agreement_rows(
    spaces: Mapping[str, tuple[np.ndarray, np.ndarray]],
    templates: np.ndarray,
    permutations: int,
    seed: int,
    progress: Progress,
    measures: Mapping[str, Measure] = MEASURES,
) -> Iterator[dict[str, Any]]:
    """Yield each measure of each pair of spaces on growing random subsets of the programs.

    Parameters
    ----------
    spaces : mapping of reading to (array, float [n, d1]; array, float [n, d2])
    templates : array of str [n]
    permutations : int
        Permutations of pairs; of large sets fewer, see `MAX_PERMUTED_ROWS`.
    seed : int
        Of the subsets, each of which contains the smaller ones, and of the permutations.
    progress : Progress
    measures : mapping of name to measure
    """
    count = len(templates)
    sizes = [size for size in SIZES if size < count] + [count]
    order = np.random.default_rng(seed).permutation(count)
    tasks = [(reading, size) for reading in spaces for size in sizes]
    for done, (reading, size) in enumerate(tasks):
        progress(PROGRESS_STEP, done, len(tasks), f"{reading}: {size} programs")
        rows = np.sort(order[:size])
        code, audio = (side[rows] for side in spaces[reading])
        row_permutations = min(permutations, max(MIN_PERMUTATIONS, MAX_PERMUTED_ROWS // size))
        for name, measure in measures.items():
            result = calibrated(measure, code, audio, row_permutations, seed)
            within = UNDEFINED_CALIBRATION
            if len(np.unique(templates[rows])) < size:  # Otherwise no pair can be permuted.
                within = calibrated(
                    measure, code, audio, row_permutations, seed, groups=templates[rows]
                )
            row = _make_agreement_row(reading, name, size, result, within)
            yield {**row, "permutations": row_permutations}
    progress(PROGRESS_STEP, len(tasks), len(tasks))


def describe_code_audio_agreement(curve: pd.DataFrame) -> list[str]:
    """Return sentences on what calibration and the number of programs do to each measure."""
    notes = []
    largest = curve[curve["programs"] == curve["programs"].max()]
    for reading in (BEFORE_ALIGNMENT, ALIGNED_VS_ALIGNED):
        rows = largest[largest["reading"] == reading].set_index("measure")
        for name in ("debiased CKA", "mutual 10-NN"):
            row = rows.loc[name]
            notes.append(
                f"{reading}, {name} on {row['programs']} programs: {row['value']:.3f}, calibrated"
                f" {row['calibrated']:.3f} (p {row['p']:.3f}), within templates"
                f" {row['within templates']:.3f}."
            )
    return notes


def _make_agreement_row(
    reading: str, name: str, size: int, result: NullCalibration, within: NullCalibration
) -> dict[str, Any]:
    return {
        "reading": reading,
        "measure": name,
        "programs": size,
        "value": result.value,
        "null mean": result.null_mean,
        "null p95": result.null_p95,
        "calibrated": result.calibrated,
        "p": result.p,
        "within templates": within.calibrated,
        "p within templates": within.p,
    }


def _iterate_unseen_template_rows(
    inputs: StudyInputs, templates: np.ndarray, options: Mapping[str, Any], progress: Progress
) -> Iterator[dict[str, Any]]:
    """Yield the metrics of raw, linear and trained spaces on draws of unseen templates."""
    pairs = inputs.pairs
    names = sorted(set(templates) - {""})
    count = max(MIN_UNSEEN_TEMPLATES, round(HELD_OUT_SHARE * len(names)))
    if count > len(names) / 2:
        return
    config = AlignmentConfig.from_dict(inputs.required_aligned_corpus.record.config["alignment"])
    for draw in range(options["template_draws"]):
        progress(
            PROGRESS_STEP, draw, options["template_draws"], f"unseen templates, draw {draw + 1}"
        )
        rng = np.random.default_rng([options["seed"], draw])
        unseen = sorted(rng.permutation(names)[:count].tolist())
        splits = relabel_splits_of_unseen_templates(pairs.splits, templates, unseen)
        for method, spaces in _iterate_method_spaces(inputs, templates, splits, config):
            # Intervals are computed on the unseen templates only.
            table = evaluate_held_out_splits(
                spaces,
                splits,
                templates=templates,
                interval_splits=UNSEEN_SPLITS,
                permutations=options["permutations"],
            )
            is_reported = table["split"].isin(UNSEEN_SPLITS) & table["metric"].isin(UNSEEN_METRICS)
            for row in table[is_reported].to_dict("records"):
                columns = ("split", "reading", "metric", "value", "low", "high", "calibrated")
                yield {
                    "draw": draw + 1,
                    "method": method,
                    **{name: row[name] for name in columns},
                    "programs": row["programs"],
                    "held out": ", ".join(unseen),
                }


def _iterate_method_spaces(
    inputs: StudyInputs, templates: np.ndarray, splits: np.ndarray, config: AlignmentConfig
) -> Iterator[tuple[str, dict[str, ComparedSpaces]]]:
    pairs = inputs.pairs
    yield "raw embeddings", build_raw_embedding_spaces(pairs)
    for linear in fit_linear_alignments(pairs.code_embeddings, pairs.audio_embeddings, splits):
        spaces = {ALIGNED_VS_ALIGNED: ComparedSpaces(linear.code, linear.audio, linear.audio)}
        yield f"{linear.name}, {linear.dimension} dimensions", spaces
    yield (
        config.objective,
        _train_and_build_spaces(pairs, inputs.encoder_ids["code"], templates, splits, config),
    )
    if config.objective in JOINT_OBJECTIVES:
        return
    try:
        code_encoder = join_simulation_to_code_encoder(inputs.corpus, inputs.encoder_ids["code"])
    except EarshotError:  # The caption says how to simulate the programs.
        return
    joint_pairs = inputs.corpus.load_embedding_pairs(code_encoder, inputs.encoder_ids["audio"])
    if joint_pairs.program_ids == pairs.program_ids:
        for objective in JOINT_OBJECTIVES:
            joint_config = AlignmentConfig.from_preset(objective)
            yield (
                objective,
                _train_and_build_spaces(joint_pairs, code_encoder, templates, splits, joint_config),
            )


def _train_and_build_spaces(
    pairs: EmbeddingPairs,
    code_encoder: str,
    templates: np.ndarray,
    splits: np.ndarray,
    config: AlignmentConfig,
) -> dict[str, ComparedSpaces]:
    is_training, is_validation = splits == "train", splits == "validation"
    code, audio = torch.from_numpy(pairs.code_embeddings), torch.from_numpy(pairs.audio_embeddings)
    result = train_heads(
        TrainingPairs(
            code[is_training],
            audio[is_training],
            groups=templates[is_training],
            simulation_dim=count_simulation_columns(code_encoder),
        ),
        ValidationPairs(code[is_validation], audio[is_validation]),
        config,
    )
    return build_aligned_embedding_spaces(result.heads, pairs)
