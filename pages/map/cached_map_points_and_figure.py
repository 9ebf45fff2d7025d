"""Data of the page Map, cached: points, colours, the figure and cluster labels."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from core.corpus import AlignmentRecord, Corpus
from core.pipeline import code_named_and_measured_sound_properties, map_colour_values
from core.plots import map_before_and_after_alignment as map_plot
from core.plots.map_cluster_labels import build_map_cluster_labels
from pages.components import page_cache
from pages.components.page_cache import cache_until_inputs_change

# With more points, markers hide each other, so contours show where most of them are.
MIN_DENSITY_POINTS = 4000
UNSEEN_TEMPLATES_SPLIT = "unseen templates"
# Shown beside the titles of the pictures: metric and label.
PANEL_METRICS = (
    ("cka_debiased", "CKA"),
    ("mutual_knn@10", "mutual 10-NN"),
    ("overlap@3", "overlap@3"),
)
READING_BY_PANEL = {"before": "before", "after": "aligned code ~ aligned audio"}


@cache_until_inputs_change(4, spinner="Reading the map …")
def load_alignment_map_points(corpus: Corpus, alignment: AlignmentRecord) -> pd.DataFrame | None:
    """Load a map's points with the name, template, role and split of their programs.

    Returns
    -------
    DataFrame or None
        None before the map is computed.
    """
    points = alignment.load_alignment_map_points()
    if points is None:
        return None
    programs = page_cache.load_programs(corpus)[
        ["program", "name", "template", "role", "split"]
    ].copy()
    held_out = alignment.config.get("split", {}).get("unseen_templates") or []
    programs["split"] = programs["split"].mask(
        programs["template"].isin(held_out), UNSEEN_TEMPLATES_SPLIT
    )
    return map_plot.rotate_after_map_to_before_map(
        points.merge(programs, on="program", how="inner")
    )


def load_points_of_existing_map(corpus: Corpus, alignment: AlignmentRecord) -> pd.DataFrame:
    """Load the points of a map that is known to exist."""
    points = load_alignment_map_points(corpus, alignment)
    if points is None:
        raise ValueError("the alignment has no map")
    return points


@cache_until_inputs_change(3)
def load_programs_with_sound_properties(corpus: Corpus) -> pd.DataFrame:
    """Load the programs with what their code names and what was measured of their clips."""
    programs = page_cache.load_programs(corpus)
    properties = code_named_and_measured_sound_properties.build_sound_property_table(
        corpus, programs
    )
    return programs.merge(properties, on="program", how="left")


def format_panel_metrics(alignment: AlignmentRecord, split: str = "test") -> dict[str, str]:
    """Return the metrics of each picture in one line, by "before" and "after".

    Parameters
    ----------
    alignment : AlignmentRecord
    split : str
        Split of the programs.

    Returns
    -------
    dict of str to str
        For example {"before": "CKA 0.21 · mutual 10-NN 0.08"}; empty if the alignment was not
        evaluated on that split.
    """
    values = {
        (row["metric"], row["reading"]): row["value"]
        for row in alignment.metrics.get("readings") or []
        if row["split"] == split and row["value"] is not None
    }
    notes = {}
    for panel, reading in READING_BY_PANEL.items():
        parts = [
            f"{label} {values[metric, reading]:.2f}"
            for metric, label in PANEL_METRICS
            if (metric, reading) in values
        ]
        if parts:
            notes[panel] = " · ".join(parts)
    return notes


@cache_until_inputs_change(8)
def list_colour_options(corpus: Corpus, alignment: AlignmentRecord) -> dict[str, str]:
    """Return what the map can be coloured by: labels by name."""
    points = load_points_of_existing_map(corpus, alignment)
    programs = page_cache.load_programs(corpus)
    # Empty columns: the labels need no values, which take long for a large corpus.
    property_names = code_named_and_measured_sound_properties.list_sound_property_columns(corpus)
    programs = programs.reindex(columns=[*programs.columns, *property_names])
    has_confidence = bool(alignment.metrics.get("confidence"))
    return map_colour_values.list_colour_by_options(points, programs, has_confidence)


@cache_until_inputs_change(32)
def load_colour_values(corpus: Corpus, alignment: AlignmentRecord, colour_by: str) -> pd.Series:
    """Return the value of each point that its colour shows."""
    points = load_points_of_existing_map(corpus, alignment)
    if colour_by in map_colour_values.SOUND_PROPERTIES:
        programs = load_programs_with_sound_properties(corpus)
    else:
        programs = page_cache.load_programs(corpus)
    if colour_by == "confidence":
        programs = programs.assign(
            confidence=programs["program"].map(_load_program_confidence(corpus, alignment))
        )
    return map_colour_values.compute_colour_values(points, programs, colour_by)


@cache_until_inputs_change(4, spinner="Estimating the confidence of each program …")
def _load_program_confidence(corpus: Corpus, alignment: AlignmentRecord) -> pd.Series:
    # Imports torch: the map is drawn before.
    from core.search.aligned_corpus import open_aligned_corpus
    from core.search.corpus_program_confidence import estimate_confidence_of_programs

    confidence = estimate_confidence_of_programs(open_aligned_corpus(corpus, alignment.id))
    return pd.Series(dtype=float) if confidence is None else confidence


@cache_until_inputs_change(12, spinner="Drawing the map …")
def plot_map(
    corpus: Corpus,
    alignment: AlignmentRecord,
    colour_by: str,
    scale: str,
    is_stacked: bool = False,
    shows_density: bool = False,
) -> go.Figure:
    """Plot the map.

    The same arguments give the same object, which Streamlit does not send again.
    """
    colour_label = list_colour_options(corpus, alignment)[colour_by]
    points = load_points_of_existing_map(corpus, alignment)
    figure = map_plot.build_map_figure(
        points,
        load_colour_values(corpus, alignment, colour_by),
        colour_label=_capitalize_first(colour_label.removeprefix("Error: ")),
        group_titles=page_cache.load_template_titles() if colour_by == "template" else None,
        scale=scale,
        panel_notes=format_panel_metrics(alignment),
        is_stacked=is_stacked,
    )
    if shows_density:
        map_plot.add_density_contours(figure, points, is_stacked)
    return figure


def _capitalize_first(text: str) -> str:
    """Return a text with a capital first letter; units such as LUFS stay as they are."""
    return text[:1].upper() + text[1:]


@cache_until_inputs_change(8)
def load_map_cluster_labels(corpus: Corpus, alignment: AlignmentRecord) -> list[dict[str, Any]]:
    """Return the labels of clusters and their positions."""
    points = load_points_of_existing_map(corpus, alignment)
    return build_map_cluster_labels(points, page_cache.load_template_titles())


def preload_first_map(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Fill the caches that the page reads when it is opened without any choice."""
    points = load_alignment_map_points(corpus, alignment)
    if points is None:
        return
    colour_by = next(iter(list_colour_options(corpus, alignment)))
    # All arguments, as the page passes them: the cache compares the ones that are passed.
    plot_map(corpus, alignment, colour_by, "linear", False, len(points) >= MIN_DENSITY_POINTS)
    load_map_cluster_labels(corpus, alignment)
