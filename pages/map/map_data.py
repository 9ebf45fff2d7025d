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

UNSEEN = "unseen templates"


def points(corpus: Corpus, alignment: AlignmentRecord) -> pd.DataFrame | None:
    """Points of an alignment's map, with name, template, role and split of their programs."""
    return _points(*_of(corpus, alignment))


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Reading the map …")
def _points(
    root: str, corpus_name: str, stamp: str, alignment_id: str, made: float
) -> pd.DataFrame | None:
    corpus = Corpus.open(corpus_name)
    record = corpus.load_alignment(alignment_id)
    found = record.map()
    if found is None:
        return None
    facts = cache.programs_of(corpus)
    facts = facts[["program", "name", "template", "role", "split"]].copy()
    held_out = record.config.get("split", {}).get("unseen_templates") or []
    facts["split"] = facts["split"].mask(facts["template"].isin(held_out), UNSEEN)
    return map.turned(found.merge(facts, on="program", how="inner"))


def colourings(corpus: Corpus, alignment: AlignmentRecord) -> dict[str, str]:
    """What the map can be coloured by."""
    return _colourings(*_of(corpus, alignment))


@st.cache_resource(max_entries=8, ttl=3600, show_spinner=False)
def _colourings(*key: Any) -> dict[str, str]:
    return map_colours.colourings(_points(*key), cache.programs_of(Corpus.open(key[1])))


def colour_values(corpus: Corpus, alignment: AlignmentRecord, colour_by: str) -> pd.Series:
    """What each point is coloured by."""
    return _colour_values(*_of(corpus, alignment), colour_by)


@st.cache_resource(max_entries=32, ttl=3600, show_spinner=False)
def _colour_values(*key: Any) -> pd.Series:
    *of, colour_by = key
    return map_colours.values(_points(*of), cache.programs_of(Corpus.open(key[1])), colour_by)


def figure(corpus: Corpus, alignment: AlignmentRecord, colour_by: str, scale: str) -> go.Figure:
    """The map, the same object for the same colour: a chart that changes is drawn anew."""
    return _figure(*_of(corpus, alignment), colour_by, scale)


@st.cache_resource(max_entries=12, ttl=3600, show_spinner="Drawing the map …")
def _figure(*key: Any) -> go.Figure:
    *of, colour_by, scale = key
    return map.map_figure(
        _points(*of),
        _colour_values(*of, colour_by),
        label=_colourings(*of)[colour_by].removeprefix("Error: ").capitalize(),
        names=cache.titles() if colour_by == "template" else None,
        scale=scale,
    )


def labels(corpus: Corpus, alignment: AlignmentRecord) -> list[dict[str, Any]]:
    """Names of crowds and where they stand."""
    return _labels(*_of(corpus, alignment))


@st.cache_resource(max_entries=8, ttl=3600, show_spinner=False)
def _labels(*key: Any) -> list[dict[str, Any]]:
    return map.label_places(_points(*key), cache.titles())


def _of(corpus: Corpus, alignment: AlignmentRecord) -> tuple[str, str, str, str, float]:
    """What changes whenever a map does: the workspace, the corpus, its state, when it was made."""
    path = alignment.path / "map.parquet"
    made = path.stat().st_mtime if path.exists() else 0.0
    return str(workspace.root()), corpus.name, corpus.change_stamp, alignment.id, made
