"""Map: code and audio before and after alignment; a click opens a program's card."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.corpus import AlignmentRecord, Corpus
from core.pipeline import map_colours
from pages.components import cache, layout, job_panel, selection, formatting
from pages.map import map_data, map_sidebar

MANY = 10_000  # points: drawn with a quarter of the pixels, they follow the hand
SCALES = {"linear": "Linear", "log": "Logarithmic", "rank": "By rank"}


def page() -> None:
    selection.on_alignment("Map", explore)


def explore(corpus: Corpus, alignment: AlignmentRecord) -> None:
    points = map_data.points(corpus, alignment)
    if points is None:
        offer_map(corpus, alignment)
        return
    left, right = st.columns([9, 5], gap="medium")
    with left:
        draw_map(corpus, alignment, points)
    with right:
        map_sidebar.beside(corpus, alignment)


def offer_map(corpus: Corpus, alignment: AlignmentRecord) -> None:
    argv = ["map", corpus.name, "--alignment", alignment.id]
    running = job_panel.latest(*argv)
    if running is not None and running.state != "done":
        job_panel.panel(running)
    if running is None or not running.active:
        st.info("This alignment has no map yet.", icon=":material/scatter_plot:")
        if not workspace.read_only() and st.button(
            "Lay out the map", type="primary", icon=":material/scatter_plot:"
        ):
            jobs.start(argv, f"Lay out the map of {corpus.name}")
            st.rerun()


def draw_map(corpus: Corpus, alignment: AlignmentRecord, points: pd.DataFrame) -> None:
    colour_by, scale = choose_colour(corpus, alignment)
    figure = map_data.figure(corpus, alignment, colour_by, scale)
    # The same key for every colour: zoom and what the legend hides stay as they are.
    st.plotly_chart(
        figure,
        key=f"map-{alignment.id}",
        config={
            "scrollZoom": True,
            "displaylogo": False,
            "plotGlPixelRatio": 1 if len(points) > MANY else 2,
            "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
        },
        alt=f"Code and audio of {len(points) // 2:,} programs in the plane, before and after"
        " alignment. The page Corpus lists the same programs in a table.",
    )
    missing = cache.counts(corpus)["ok"] - len(points) // 2
    st.caption(
        "Circles are code, diamonds are audio; a program has one of each in both pictures. Near"
        " means alike; directions, distances across the picture and the axes mean nothing (UMAP)."
        + (f" {map_colours.MEANINGS[colour_by]}" if colour_by in map_colours.MEANINGS else "")
        + (
            f" {formatting.count(missing, 'program')} came after this alignment: train again to see them."
            if missing > 0
            else ""
        )
    )


def choose_colour(corpus: Corpus, alignment: AlignmentRecord) -> tuple[str, str]:
    """Draw what the points can be coloured by; return the choice and its scale."""
    known = map_data.colourings(corpus, alignment)
    with st.container(horizontal=True, vertical_alignment="center", height=44, border=False):
        st.markdown("Colour by", width="content")
        colour_by = st.selectbox(
            "Colour by",
            list(known),
            key="colour",
            bind="query-params",
            width=300,
            format_func=lambda each: known.get(each, each),
            label_visibility="collapsed",
        )
        numeric = map_data.colour_values(corpus, alignment, colour_by).dtype.kind == "f"
        scale = "linear"
        if numeric:
            scale = st.segmented_control(
                "Scale",
                list(SCALES),
                default="linear",
                required=True,
                key="scale",
                bind="query-params",
                format_func=SCALES.get,
                label_visibility="collapsed",
                width="content",
            )
    return colour_by, scale


layout.show(page)
