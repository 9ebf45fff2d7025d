"""Map: code and audio before and after alignment; a click opens a program's card."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.corpus import AlignmentRecord, Corpus
from core.pipeline import map_colours
from pages.components import cache, layout, job_panel, selection, formatting
from pages.map import map_data, map_sidebar

MAX_HIGH_RESOLUTION_POINTS = 10_000  # points: drawn with a quarter of the pixels, they follow the hand
SCALE_LABELS = {"linear": "Linear", "log": "Logarithmic", "rank": "By rank"}


def draw_page() -> None:
    selection.draw_alignment_page("Map", draw_map_explorer)


def draw_map_explorer(corpus: Corpus, alignment: AlignmentRecord) -> None:
    points = map_data.load_map_points(corpus, alignment)
    if points is None:
        offer_map_layout(corpus, alignment)
        return
    left, right = st.columns([9, 5], gap="medium")
    with left:
        draw_map(corpus, alignment, points)
    with right:
        map_sidebar.draw_map_sidebar(corpus, alignment)


def offer_map_layout(corpus: Corpus, alignment: AlignmentRecord) -> None:
    argv = ["map", corpus.name, "--alignment", alignment.id]
    running = job_panel.find_latest_job(*argv)
    if running is not None and running.state != "done":
        job_panel.draw_job_panel(running)
    if running is None or not running.is_active:
        st.info("This alignment has no map yet.", icon=":material/scatter_plot:")
        if not workspace.is_read_only() and st.button(
            "Lay out the map", type="primary", icon=":material/scatter_plot:"
        ):
            jobs.start_job(argv, f"Lay out the map of {corpus.name}")
            st.rerun()


def draw_map(corpus: Corpus, alignment: AlignmentRecord, points: pd.DataFrame) -> None:
    colour_by, scale = choose_colour(corpus, alignment)
    figure = map_data.plot_map(corpus, alignment, colour_by, scale)
    # The same key for every colour: zoom and what the legend hides stay as they are.
    st.plotly_chart(
        figure,
        key=f"map-{alignment.id}",
        config={
            "scrollZoom": True,
            "displaylogo": False,
            "plotGlPixelRatio": 1 if len(points) > MAX_HIGH_RESOLUTION_POINTS else 2,
            "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
        },
        alt=f"Code and audio of {len(points) // 2:,} programs in the plane, before and after"
        " alignment. The page Corpus lists the same programs in a table.",
    )
    missing = cache.count_programs_by_state(corpus)["ok"] - len(points) // 2
    st.caption(
        "Circles are code, diamonds are audio; a program has one of each in both pictures. Near"
        " means alike; directions, distances across the picture and the axes mean nothing (UMAP)."
        + (f" {map_colours.MEASURE_DESCRIPTIONS[colour_by]}" if colour_by in map_colours.MEASURE_DESCRIPTIONS else "")
        + (
            f" {formatting.format_count(missing, 'program')} came after this alignment: train again to see them."
            if missing > 0
            else ""
        )
    )


def choose_colour(corpus: Corpus, alignment: AlignmentRecord) -> tuple[str, str]:
    """Draw what the points can be coloured by; return the choice and its scale."""
    known = map_data.list_colour_options(corpus, alignment)
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
        numeric = map_data.load_colour_values(corpus, alignment, colour_by).dtype.kind == "f"
        scale = "linear"
        if numeric:
            scale = st.segmented_control(
                "Scale",
                list(SCALE_LABELS),
                default="linear",
                required=True,
                key="scale",
                bind="query-params",
                format_func=SCALE_LABELS.get,
                label_visibility="collapsed",
                width="content",
            )
    return colour_by, scale


layout.run_page(draw_page)
