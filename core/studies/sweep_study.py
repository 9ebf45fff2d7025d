"""Sweep study: 24 configurations of InfoNCE with 5 seeds each, beside the paper's best.

`core.pipeline.sweep_execution` runs the sweep and skips the runs that are done already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.metrics_with_intervals import (
    ALIGNED_VS_ALIGNED,
    ALIGNED_VS_RAW,
    BEFORE_ALIGNMENT,
)
from core.pipeline.sweep_baseline_evaluation import FIRST_LINEAR_NUMBER
from core.pipeline.sweep_execution import run_sweep
from core.pipeline.sweep_results import (
    find_common_cca_metric,
    load_sweep_results,
    load_sweep_settings,
)
from core.progress_callback import Progress
from core.studies import study_figures
from core.studies.study_result import (
    StudyFigure,
    StudyResult,
    StudyTable,
    compare_measurements_to_paper,
)
from core.studies.sweep_averages_and_best import (
    average_results_over_seeds,
    build_measurements_of_baseline_and_best_configurations,
    compare_with_linear_alignments,
)

GRID_NAME = "paper"
SWEEP_METRICS = ("cka_debiased", "cka", "recall@1 code->audio")
INTERVAL_SUFFIXES = (" below", " above", " chance")
READINGS = (BEFORE_ALIGNMENT, ALIGNED_VS_ALIGNED, ALIGNED_VS_RAW)


def compute_study_result(
    corpus: Corpus, options: Mapping[str, Any], progress: Progress
) -> StudyResult:
    """Run or resume the sweep, select on validation and report test programs."""
    sweep_id = options["sweep"] or run_sweep(
        corpus, GRID_NAME, progress, seed_count=options["seeds"]
    )
    results = load_sweep_results(corpus, sweep_id)
    trained = results[results["number"] >= 0]
    if trained.empty:
        raise EarshotError(
            f"No run of sweep {sweep_id} of '{corpus.name}' is done yet.",
            remedy=f"To resume it: ./run sweep {corpus.name}",
        )
    trials = load_sweep_settings(corpus, sweep_id)["trials"]
    settings = pd.DataFrame([values for _, values in trials])
    varied = [str(name) for name in settings if settings[name].astype(str).nunique() > 1]
    cca_metric = find_common_cca_metric(results)
    metrics = [*SWEEP_METRICS, *([cca_metric] if cca_metric else [])]
    averages = average_results_over_seeds(results, metrics)
    measurements = build_measurements_of_baseline_and_best_configurations(averages, cca_metric)
    table = averages.drop(
        columns=[name for name in averages if str(name).endswith(INTERVAL_SUFFIXES)]
    )
    table = table.join(settings[varied], on="number")
    table = table.sort_values("validation cka_debiased", ascending=False, ignore_index=True)
    aligned = table[table["number"] >= 0].reset_index(drop=True)
    drawn = ["test cka_debiased", *([f"test {cca_metric}"] if cca_metric else [])]
    configuration_count = trained["number"].nunique()
    run_count = len(trained[["number", "seed"]].drop_duplicates())
    return StudyResult(
        comparison=compare_measurements_to_paper(measurements),
        tables=[
            StudyTable(
                "configurations",
                "All configurations",
                table,
                "Means over seeds; sd: standard deviation over seeds. Aligned code against aligned"
                " audio; columns with raw audio compare with what no projection head can distort."
                f" Number -1 is the unaligned baseline, {FIRST_LINEAR_NUMBER} and below are linear"
                " alignments in closed form. Highest debiased CKA on validation first.",
            )
        ],
        figures=[
            StudyFigure(
                "parallel",
                "Settings and their CKA and CCA",
                study_figures.plot_parallel_coordinates(aligned, [*varied, *drawn]),
                "One line per configuration, coloured by debiased CKA on test programs.",
            )
        ],
        notes=[
            f"{configuration_count} configurations, {run_count} runs. Configurations are selected"
            " on validation programs and reported on test programs; the paper does not state on"
            " which programs its numbers were measured.",
            *_describe_cca_directions_and_gain(averages, cca_metric),
            *compare_with_linear_alignments(averages),
            "Intervals are over programs, widened by the deviation over seeds. Sweeps of older"
            " versions have no interval over programs, so their numbers have no verdict.",
        ],
        settings={
            "sweep": sweep_id,
            "configurations": configuration_count,
            "runs": run_count,
            "cca_metric": cca_metric,
            "seed": None,
        },
    )


def _describe_cca_directions_and_gain(averages: pd.DataFrame, cca_metric: str | None) -> list[str]:
    """Return the note on the number of directions and on what remains of the gain."""
    if cca_metric is None:
        return []
    direction_count = cca_metric.partition("@")[2]
    note = (
        f"CCA is the mean over the {direction_count} pairs of directions that correlate most on"
        " training programs, before and after alignment alike, so chance is near 0. The paper"
        " does not state its number of directions."
    )
    column = f"test {cca_metric}"
    baseline = averages[averages["number"] == -1]
    if len(baseline) and column in averages:
        best = averages[averages["number"] >= 0][column].max()
        before = baseline.iloc[0][column]
        note += (
            f" With as many directions before as after, the highest CCA of any configuration on"
            f" test programs is {best:.3f} and that of raw embeddings {before:.3f}."
        )
    return [note]
