"""All figures of a corpus: its map, the training of an alignment, and its newest studies."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from core.corpus import AlignmentRecord, Corpus
from core.plots.map_before_and_after_alignment import (
    build_map_figure,
    rotate_after_map_to_before_map,
)
from core.plots.metrics_before_after import build_metrics_before_after_figure
from core.plots.training_curves import build_training_curves_figure
from core.programs import get_title_by_template_id
from core.studies.study_registry import STUDIES
from core.studies.study_run_storage import list_study_runs


def collect_alignment_and_study_figures(
    corpus: Corpus, alignment: AlignmentRecord | None = None
) -> dict[str, go.Figure]:
    """Return the figures of an alignment and of the newest run of each study.

    Parameters
    ----------
    corpus : Corpus
    alignment : AlignmentRecord, optional
        Its map, training curves and metrics are included where they exist.

    Returns
    -------
    dict of str to Figure
        By name: "map", "training", "metrics", and "STUDY-FIGURE" for the figures of studies.
    """
    figures = {} if alignment is None else collect_alignment_plots(corpus, alignment)
    for study_name in STUDIES:
        for run in list_study_runs(corpus, study_name)[:1]:
            for figure in run.load_result().figures:
                name = f"{study_name}-{figure.name}"
                figures[name] = go.Figure(figure.figure).update_layout(title_text=figure.title)
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
