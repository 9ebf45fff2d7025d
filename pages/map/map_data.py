"""What the page Map asks of core on every run, remembered for as long as it stays true.

What comes from here is shared by all who look, and not to be changed.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.plots import map
from core import workspace
from core.corpus import AlignmentRecord, Corpus
from core.pipeline import map_colours
from pages.components import cache

UNSEEN_TEMPLATES_SPLIT = "unseen templates"


def load_map_points(corpus: Corpus, alignment: AlignmentRecord) -> pd.DataFrame | None:
    """Points of an alignment's map, with name, template, role and split of their programs."""
    return _load_map_points(*_build_cache_key(corpus, alignment))


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Reading the map …")
def _load_map_points(
    workspace_root: str, corpus_name: str, change_stamp: str, alignment_id: str, map_mtime: float
) -> pd.DataFrame | None:
    corpus = Corpus.open(corpus_name)
    record = corpus.load_alignment(alignment_id)
    found = record.load_map()
    if found is None:
        return None
    facts = cache.load_programs(corpus)
    facts = facts[["program", "name", "template", "role", "split"]].copy()
    held_out = record.config.get("split", {}).get("unseen_templates") or []
    facts["split"] = facts["split"].mask(facts["template"].isin(held_out), UNSEEN_TEMPLATES_SPLIT)
    return map.rotate_after_to_before(found.merge(facts, on="program", how="inner"))


def list_colour_options(corpus: Corpus, alignment: AlignmentRecord) -> dict[str, str]:
    """What the map can be coloured by."""
    return _list_colour_options(*_build_cache_key(corpus, alignment))


@st.cache_resource(max_entries=8, ttl=3600, show_spinner=False)
def _list_colour_options(*cache_key: Any) -> dict[str, str]:
    return map_colours.list_colourings(_load_map_points(*cache_key), cache.load_programs(Corpus.open(cache_key[1])))


def load_colour_values(corpus: Corpus, alignment: AlignmentRecord, colour_by: str) -> pd.Series:
    """What each point is coloured by."""
    return _load_colour_values(*_build_cache_key(corpus, alignment), colour_by)


@st.cache_resource(max_entries=32, ttl=3600, show_spinner=False)
def _load_colour_values(*cache_key: Any) -> pd.Series:
    *of, colour_by = cache_key
    return map_colours.compute_colour_values(_load_map_points(*of), cache.load_programs(Corpus.open(cache_key[1])), colour_by)


def plot_map(corpus: Corpus, alignment: AlignmentRecord, colour_by: str, scale: str) -> go.Figure:
    """The map, the same object for the same colour: a chart that changes is drawn anew."""
    return _plot_map(*_build_cache_key(corpus, alignment), colour_by, scale)


@st.cache_resource(max_entries=12, ttl=3600, show_spinner="Drawing the map …")
def _plot_map(*cache_key: Any) -> go.Figure:
    *of, colour_by, scale = cache_key
    return map.draw_map(
        _load_map_points(*of),
        _load_colour_values(*of, colour_by),
        colour_label=_list_colour_options(*of)[colour_by].removeprefix("Error: ").capitalize(),
        group_titles=cache.load_template_titles() if colour_by == "template" else None,
        scale=scale,
    )


def load_cluster_labels(corpus: Corpus, alignment: AlignmentRecord) -> list[dict[str, Any]]:
    """Names of crowds and where they stand."""
    return _load_cluster_labels(*_build_cache_key(corpus, alignment))


@st.cache_resource(max_entries=8, ttl=3600, show_spinner=False)
def _load_cluster_labels(*cache_key: Any) -> list[dict[str, Any]]:
    return map.place_template_labels(_load_map_points(*cache_key), cache.load_template_titles())


def _build_cache_key(corpus: Corpus, alignment: AlignmentRecord) -> tuple[str, str, str, str, float]:
    """What changes whenever a map does: the workspace, the corpus, its state, when it was made."""
    path = alignment.path / "map.parquet"
    made = path.stat().st_mtime if path.exists() else 0.0
    return str(workspace.get_workspace_root()), corpus.name, corpus.change_stamp, alignment.id, made
