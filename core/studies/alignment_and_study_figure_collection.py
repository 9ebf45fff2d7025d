"""All figures of a corpus: its map, the training of alignments, its sweeps and its studies."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from core.corpus import AlignmentRecord, Corpus
from core.pipeline.sweep_results import list_sweep_ids
from core.plots.map_before_and_after_alignment import (
    build_map_figure,
    rotate_after_map_to_before_map,
)
from core.plots.metrics_before_after import build_metrics_before_after_figure
from core.plots.training_curves import (
    build_training_curves_figure,
    build_training_run_comparison_figure,
)
from core.programs import get_title_by_template_id
from core.studies.study_registry import STUDIES
from core.studies.study_run_storage import list_study_runs, load_study_run
from core.studies.sweep_configuration_figure import (
    build_sweep_configuration_figure,
    title_sweep_figure,
)

MAX_COMPARED_ALIGNMENTS = 4  # Curves of more are not told apart.


def collect_alignment_and_study_figures(
    corpus: Corpus, alignment: AlignmentRecord | None = None, run_ids: Sequence[str] = ()
) -> dict[str, go.Figure]:
    """Return the figures of an alignment, of all sweeps and of the newest run of each study.

    Parameters
    ----------
    corpus : Corpus
    alignment : AlignmentRecord, optional
        Its map, training curves and metrics are included where they exist.
    run_ids : sequence of str
        Runs of studies whose figures are included too.

    Returns
    -------
    dict of str to Figure
        By name: "map", "training", "metrics", "alignments" (training curves of the newest ones),
        "sweep-ID", and "STUDY-FIGURE" or "RUN-FIGURE" for the figures of studies.

    Raises
    ------
    EarshotError
        If the corpus has no run of such an id.
    """
    figures = {} if alignment is None else collect_alignment_plots(corpus, alignment)
    figures.update(_collect_alignment_comparison(corpus))
    for sweep_id in list_sweep_ids(corpus):
        sweep_figure = build_sweep_configuration_figure(corpus, sweep_id)
        if sweep_figure is not None:
            sweep_figure.update_layout(title_text=title_sweep_figure(sweep_id))
            figures[f"sweep-{sweep_id}"] = sweep_figure
    runs = {name: run for name in STUDIES for run in list_study_runs(corpus, name)[:1]}
    runs.update({run_id: load_study_run(corpus, run_id) for run_id in run_ids})
    for prefix, run in runs.items():
        for figure in run.load_result().figures:
            titled_figure = go.Figure(figure.figure).update_layout(title_text=figure.title)
            figures[f"{prefix}-{figure.name}"] = titled_figure
    return figures


def collect_alignment_plots(corpus: Corpus, alignment: AlignmentRecord) -> dict[str, go.Figure]:
    """Return an alignment's map, training curves and metrics, as far as it has them."""
    figures: dict[str, go.Figure] = {}
    points = alignment.load_alignment_map_points()
    if points is not None:
        programs = corpus.load_programs()[["program", "name", "template"]]
        points = rotate_after_map_to_before_map(points.merge(programs, on="program", how="inner"))
        figures["map"] = build_map_figure(
            points,
            points["template"],
            colour_label="Template",
            group_titles=get_title_by_template_id(),
        )
    history = alignment.load_training_history()
    if len(history) > 1:  # Kernel ridge is solved at once.
        figures["training"] = build_training_curves_figure(
            history, alignment.metrics.get("best_epoch")
        )
    if readings := alignment.metrics.get("readings"):
        figures["metrics"] = build_metrics_before_after_figure(pd.DataFrame(readings), "test")
    return figures


def _collect_alignment_comparison(corpus: Corpus) -> dict[str, go.Figure]:
    histories: dict[str, pd.DataFrame] = {}
    for alignment in corpus.load_alignments():
        history = alignment.load_training_history()
        if len(history) > 1:  # Kernel ridge is solved at once.
            histories[alignment.id] = history
    newest = dict(list(histories.items())[-MAX_COMPARED_ALIGNMENTS:])
    if len(newest) < 2:
        return {}
    figure = build_training_run_comparison_figure(newest)
    return {"alignments": figure.update_layout(title_text=f"Training of alignments, {corpus.name}")}
