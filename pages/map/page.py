"""Page Map: code and audio before and after alignment, with a program's card beside the map."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import workspace
from core.pipeline import map_colour_values
from pages.components import (
    corpus_and_alignment_picker,
    figure_and_table_download,
    job_panel,
    markdown_and_errors,
    page_cache,
    page_header_and_sidebar,
    session_keys,
)
from pages.components.corpus_and_alignment_picker import Selection
from pages.components.unknown_url_value_notice import (
    remember_unknown_url_value,
    warn_about_remembered_url_value,
)
from pages.components.url_bound_segmented_control import draw_choice_bound_to_url
from pages.map import cached_map_points_and_figure, map_sidebar_panels, map_view_export

# A larger map is drawn with a quarter of the pixels, so that zooming stays smooth.
MAX_HIGH_RESOLUTION_POINTS = 10_000
SCALE_LABELS = {"linear": "Linear", "log": "Logarithmic", "rank": "By rank"}


def draw_page() -> None:
    """Draw the page."""
    corpus_and_alignment_picker.draw_alignment_page("Map", draw_map_explorer, "map")


def draw_map_explorer(selected: Selection) -> None:
    """Draw the map and its sidebar, or the button that computes the map."""
    points = cached_map_points_and_figure.load_alignment_map_points(
        selected.corpus, selected.alignment
    )
    if points is None:
        draw_map_job_or_button(selected)
        return
    left, right = st.columns([9, 5], gap="medium")
    with left:
        draw_map(selected, points)
    with right:
        map_sidebar_panels.draw_map_sidebar(selected)


def draw_map_job_or_button(selected: Selection) -> None:
    """Draw the job that computes the map, or the button that starts it."""
    argv = ("map", selected.corpus.name, "--alignment", selected.alignment.id)
    job = job_panel.draw_latest_job_unless_done(*argv)
    if job is not None and job.is_active:
        return
    st.info("This alignment has no map yet.", icon=":material/scatter_plot:")
    if not workspace.is_workspace_read_only():
        job_panel.draw_job_start_button(
            "Compute map",
            argv,
            f"Compute the map of {selected.corpus.name}",
            icon=":material/scatter_plot:",
            is_primary=True,
        )


def draw_map(selected: Selection, points: pd.DataFrame) -> None:
    """Draw the map with the choice of its colours."""
    colour_by, scale, shows_density = draw_map_controls(selected, len(points))
    program_count = len(points) // 2
    # All colours share a key, which keeps the zoom and the groups hidden in the legend.
    is_stacked = session_keys.IS_MAP_STACKED.get_value()
    st.plotly_chart(
        cached_map_points_and_figure.plot_map(
            selected.corpus, selected.alignment, colour_by, scale, is_stacked, shows_density
        ),
        key=f"map-chart-{selected.alignment.id}",
        height="stretch",
        config={
            "scrollZoom": True,
            "displaylogo": False,
            "plotGlPixelRatio": 1 if len(points) > MAX_HIGH_RESOLUTION_POINTS else 2,
            "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
        },
        alt=f"Code and audio of {program_count:,} programs in the plane, before and after"
        " alignment. The page Corpus lists the same programs in a table.",
    )
    shown_map = map_view_export.get_shown_map()
    figure_and_table_download.draw_figure_download(
        f"{selected.corpus.name}-map",
        lambda: shown_map.build_figure(
            cached_map_points_and_figure.plot_map(
                selected.corpus, selected.alignment, colour_by, scale, shows_density=shows_density
            ),
            points,
        ),
    )
    missing_count = page_cache.count_programs_by_state(selected.corpus)["ok"] - program_count
    sentences = [
        "Circles are code, diamonds are audio; each program has one of each in both pictures."
        " Nearby points are similar. Axes, directions and long distances have no meaning (UMAP).",
        map_colour_values.MEASURE_DESCRIPTIONS.get(colour_by, ""),
    ]
    if missing_count > 0:
        verb = "was" if missing_count == 1 else "were"
        sentences.append(
            f"{markdown_and_errors.pluralize(missing_count, 'program')} {verb} added after this"
            f" alignment. Train again to include {'it' if missing_count == 1 else 'them'}."
        )
    st.caption(" ".join(sentence for sentence in sentences if sentence))


def draw_map_controls(selected: Selection, point_count: int) -> tuple[str, str, bool]:
    """Draw the choice of what colours the points, of its scale and of density contours."""
    labels = cached_map_points_and_figure.list_colour_options(selected.corpus, selected.alignment)
    with st.container(horizontal=True, vertical_alignment="center", border=False):
        st.markdown("Colour by", width="content")
        remember_unknown_url_value(session_keys.MAP_COLOUR.name, labels.values())
        colour_by = st.selectbox(
            "Colour by",
            list(labels),
            key=session_keys.MAP_COLOUR.name,
            bind="query-params",
            width=300,
            format_func=lambda option: labels.get(option, option),
            label_visibility="collapsed",
        )
        warn_about_remembered_url_value(
            session_keys.MAP_COLOUR.name, "colour", colour_by, labels[colour_by]
        )
        values = cached_map_points_and_figure.load_colour_values(
            selected.corpus, selected.alignment, colour_by
        )
        scale = "linear"
        if values.dtype.kind == "f":
            scale = draw_choice_bound_to_url("Scale", SCALE_LABELS, session_keys.MAP_SCALE)
        shows_density = st.toggle(
            "Density",
            point_count >= cached_map_points_and_figure.MIN_DENSITY_POINTS,
            key=session_keys.IS_SHOWING_MAP_DENSITY.name,
            persist_state="session",
            help="Contours around the densest 10, 30, 50, 70 and 90 % of the points.",
        )
    return colour_by, scale, shows_density


page_header_and_sidebar.run_page(draw_page)
