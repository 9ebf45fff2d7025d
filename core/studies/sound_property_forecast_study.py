"""Forecast study: properties of clips predicted from code, on programs outside the base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.alignment.sound_property_regression_with_intervals import COVERAGE, ForecastModel
from core.corpus import Corpus
from core.encoders.clip_descriptor_definitions import CLIP_DESCRIPTORS, ClipDescriptor
from core.errors import EarshotError
from core.pipeline.embed_missing_programs_and_clips import embed_corpus
from core.progress_callback import Progress
from core.search.clip_property_forecast import (
    FEATURE_ENCODER,
    FORECAST_ENCODER,
    compute_forecast_features,
    fit_forecast,
    make_forecast_targets,
)
from core.search.forecast_fitting_and_storage import load_or_simulate_forecast_features
from core.studies.retrieval_queries import QuerySet, load_query_set
from core.studies.study_clip_rendering import embed_clip_files
from core.studies.study_result import (
    Measurement,
    StudyResult,
    StudyTable,
    compare_measurements_to_paper,
)

HEADLINE_PROPERTIES = ("loudness", "onset_rate", "brightness", "register")
MIN_QUERIES_PER_ROW = 8
"""Fewer say nothing about a variance."""
CAPTION = (
    "R²: 1 minus squared error by variance, on the scale of the property (octaves for rates and"
    " frequencies); simulation: without the regression. MAE and"
    " median error: of the absolute errors in the unit."
    f" Coverage: share of true values in the {COVERAGE:.0%} interval, in percent."
)


@dataclass(frozen=True, eq=False)
class ForecastOutcome:
    """Predictions for the queries.

    Attributes
    ----------
    truth, predicted, half_widths, simulated : float [n, t]
        Standardized; nan in `truth` where a clip leaves a value undefined.
    kinds, templates : array of str [n]
    """

    truth: np.ndarray
    predicted: np.ndarray
    half_widths: np.ndarray
    simulated: np.ndarray
    kinds: np.ndarray
    templates: np.ndarray


def compute_study_result(
    corpus: Corpus, options: Mapping[str, Any], progress: Progress
) -> StudyResult:
    """Forecast the clips of held-out programs, of Sonic Pi's examples or of a folder."""
    query_source = options["queries"]
    embed_corpus(corpus, FEATURE_ENCODER, FORECAST_ENCODER, progress)
    query_set = load_query_set(corpus, query_source, [FORECAST_ENCODER], progress)
    model = _fit_forecast_on_base_programs(corpus, query_set)
    outcome = _forecast_query_programs(corpus, query_set, model, progress)
    properties = build_property_table(outcome, np.array(["all"] * len(outcome.truth)))
    return StudyResult(
        comparison=compare_measurements_to_paper(
            _list_forecast_measurements(properties, query_source)
        ),
        tables=[
            StudyTable("properties", "All queries", properties, CAPTION),
            StudyTable(
                "properties_by_kind",
                "By kind of program",
                build_property_table(outcome, outcome.kinds),
                CAPTION,
            ),
            StudyTable(
                "properties_by_template",
                "By held-out template or grammar style",
                build_property_table(outcome, outcome.templates),
                CAPTION,
            ),
            StudyTable(
                "skipped",
                "Programs that cannot be queries",
                pd.DataFrame(query_set.skipped, columns=["program", "reason"]),
            ),
        ],
        notes=_write_forecast_findings(properties, len(outcome.truth), model),
        settings={
            "queries": query_source,
            "encoders": {"code": FEATURE_ENCODER, "audio": FORECAST_ENCODER},
            "training_programs": model.program_count,
        },
    )


def _fit_forecast_on_base_programs(corpus: Corpus, query_set: QuerySet) -> ForecastModel:
    """Fit the forecast on the base; raise an EarshotError with too few programs or groups."""
    program_ids = list(query_set.base["program"])
    model = fit_forecast(
        load_or_simulate_forecast_features(corpus, program_ids),
        corpus.load_embeddings(FORECAST_ENCODER, program_ids)[1],
        [
            template or program_id
            for template, program_id in zip(query_set.base["template"], program_ids)
        ],
    )
    if model is None:
        raise EarshotError(
            f"Corpus '{corpus.name}' has too few programs, templates or styles for a forecast.",
            remedy=f"To add programs: ./run build {corpus.name} --per-template 8"
            " --grammar-programs 100",
        )
    return model


def _forecast_query_programs(
    corpus: Corpus, query_set: QuerySet, model: ForecastModel, progress: Progress
) -> ForecastOutcome:
    queries = query_set.queries
    if "program" in queries:
        program_ids = list(queries["program"])
        features = load_or_simulate_forecast_features(corpus, program_ids)
        descriptors = corpus.load_embeddings(FORECAST_ENCODER, program_ids)[1]
        templates = queries["template"].to_numpy(dtype=str)
    else:
        features = compute_forecast_features(list(queries["source"]))
        descriptors = embed_clip_files(FORECAST_ENCODER, list(queries["audio"]), progress)
        templates = queries["kind"].to_numpy(dtype=str)
    predicted, half_widths = model.predict_values_with_intervals(features)
    return ForecastOutcome(
        make_forecast_targets(descriptors),
        predicted,
        half_widths,
        features[:, : len(CLIP_DESCRIPTORS)],
        queries["kind"].to_numpy(dtype=str),
        templates,
    )


def build_property_table(outcome: ForecastOutcome, groups: np.ndarray) -> pd.DataFrame:
    """Return a row per group of queries and property.

    Parameters
    ----------
    outcome : ForecastOutcome
    groups : array of str [n]
        Groups of fewer than 8 queries are left out.
    """
    rows = []
    for group in dict.fromkeys(groups.tolist()):
        for column, descriptor in enumerate(CLIP_DESCRIPTORS):
            is_used = (groups == group) & np.isfinite(outcome.truth[:, column])
            if is_used.sum() >= MIN_QUERIES_PER_ROW:
                row = _measure_forecast_of_property(outcome, is_used, column, descriptor)
                rows.append({"queries of": group, **row})
    return pd.DataFrame(
        rows,
        columns=[
            "queries of",
            "property",
            "queries",
            "R²",
            "R², simulation",
            "MAE",
            "median error",
            "unit",
            "coverage",
        ],
    )


def _measure_forecast_of_property(
    outcome: ForecastOutcome, is_used: np.ndarray, column: int, descriptor: ClipDescriptor
) -> dict[str, Any]:
    truth, predicted = outcome.truth[is_used, column], outcome.predicted[is_used, column]
    variance = max(float(truth.var()), 1e-12)
    simulated = outcome.simulated[is_used, column]
    is_covered = np.abs(truth - predicted) <= outcome.half_widths[is_used, column]
    restored = descriptor.unstandardize_descriptor_values
    errors = np.abs(restored(truth) - restored(predicted))
    return {
        "property": descriptor.name,
        "queries": int(is_used.sum()),
        "R²": round(1 - float(((truth - predicted) ** 2).mean()) / variance, 3),
        "R², simulation": round(1 - float(((truth - simulated) ** 2).mean()) / variance, 3),
        "MAE": round(float(errors.mean()), 2),
        "median error": round(float(np.median(errors)), 2),
        "unit": descriptor.unit,
        "coverage": round(100 * float(is_covered.mean()), 1),
    }


def _list_forecast_measurements(properties: pd.DataFrame, query_source: str) -> list[Measurement]:
    """Return R² of the headline properties, and the mean coverage of all."""
    values = dict(zip(properties["property"], properties["R²"].astype(float)))
    measurements = [
        Measurement(f"R², {name}", values[name], query_source)
        for name in HEADLINE_PROPERTIES
        if name in values
    ]
    coverage = float(properties["coverage"].mean()) / 100
    return [*measurements, Measurement("Coverage of the intervals", coverage, query_source)]


def _write_forecast_findings(
    properties: pd.DataFrame, query_count: int, model: ForecastModel
) -> list[str]:
    ranked = properties.sort_values("R²", ascending=False)["property"].tolist()
    if not ranked:
        return [f"{query_count} queries are too few to measure R²."]
    return [
        f"The regression was fitted on {model.program_count} programs and measured on"
        f" {query_count} others.",
        f"It predicts {ranked[0]} best and {ranked[-1]} worst.",
        f"{properties['coverage'].mean():.0f} % of all true values lie in their {COVERAGE:.0%}"
        " interval.",
    ]
