"""The figure of a sweep: settings and validation metrics of its configurations."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from core.corpus import Corpus
from core.pipeline.sweep_results import (
    load_sweep_results,
    load_sweep_settings,
    summarize_sweep_results,
)
from core.plots.sweep_parallel_coordinates import build_sweep_parallel_coordinates_figure

# The first one colours the lines.
PLOTTED_METRIC_LABELS = {
    "cka_debiased": "CKA, debiased",
    "mutual_knn@10": "Mutual 10-NN",
    "recall@1 code->audio": "Recall@1",
}


def build_sweep_configuration_figure(corpus: Corpus, sweep_id: str) -> go.Figure | None:
    """Draw each configuration of a sweep as a line across its settings and metrics.

    Parameters
    ----------
    corpus : Corpus
    sweep_id : str
        As `core.pipeline.sweep_results.list_sweep_ids` lists it.

    Returns
    -------
    Figure or None
        Means over the finished runs of each configuration on the validation programs. None while
        fewer than two configurations have a value.
    """
    summary = summarize_sweep_results(load_sweep_results(corpus, sweep_id))
    summary = summary[summary.index.get_level_values("number") >= 0]
    means = {
        label: summary[name, "mean"].to_numpy()
        for name, label in PLOTTED_METRIC_LABELS.items()
        if (name, "mean") in summary
    }
    metrics = pd.DataFrame(means)
    if len(summary) < 2 or metrics.isna().all(axis=None):
        return None
    settings = load_sweep_settings(corpus, sweep_id)
    configs = [
        {**settings["trials"][number][1], "code_encoder": settings["codes"][number]}
        for number in summary.index.get_level_values("number")
    ]
    return build_sweep_parallel_coordinates_figure(configs, metrics)


def title_sweep_figure(sweep_id: str) -> str:
    """Return the title of the printed figure of a sweep."""
    return f"Configurations of sweep {sweep_id}, validation programs"
