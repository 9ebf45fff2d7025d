"""Panel "Fill a gap" of the map's sidebar: programs that are predicted to lie at a place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core import sonicpi, workspace
from core.corpus import AlignmentRecord, Corpus
from pages.components import (
    audio_player,
    job_panel,
    markdown_and_errors,
    page_cache,
    program_actions_menu,
    session_keys,
)
from pages.components.corpus_and_alignment_picker import Selection
from pages.components.program_actions_menu import ProgramToUse
from pages.components.session_keys import MapPlace, RenderedSnippet

if TYPE_CHECKING:
    from core.pipeline.map_gap_filling import GapCandidate

PREVIEW_SECONDS = 8.0


def store_clicked_map_place(selected: Selection, place: Mapping[str, Any]) -> None:
    """Store a clicked place of the map; for callbacks."""
    session_keys.MAP_PLACE.set_value(
        MapPlace(
            selected.corpus.name,
            selected.alignment.id,
            "before" if place.get("panel") == "before" else "after",
            round(float(place["x"]), 3),
            round(float(place["y"]), 3),
        )
    )


def draw_map_gap_panel(selected: Selection, points: pd.DataFrame) -> dict[str, Any] | None:
    """Draw programs for the clicked place, and the button that adds them; return what is marked.

    Returns
    -------
    dict or None
        The place and the positions of the programs, as the overlay draws them.
    """
    place = session_keys.MAP_PLACE.get_value()
    is_of_this_map = place is not None and (place.corpus_name, place.alignment_id) == (
        selected.corpus.name,
        selected.alignment.id,
    )
    if place is None or not is_of_this_map:
        st.info(
            "Click an empty place on the map. Earshot generates programs that are predicted to lie"
            " there, by their sound in the picture after alignment, by their code in the one"
            " before.",
            icon=":material/my_location:",
        )
        return None
    mark: dict[str, Any] = {"panel": place.panel, "place": [place.x, place.y]}
    job = _draw_map_gap_fill_job(selected, place)
    if job is not None and job.is_active:
        return mark
    with markdown_and_errors.catch_and_show_errors():
        candidates = _find_map_gap_candidates(selected.corpus, selected.alignment, place, points)
        if not workspace.is_workspace_read_only():
            job_panel.draw_job_start_button(
                f"Render and add {markdown_and_errors.pluralize(len(candidates), 'program')}",
                _build_fill_map_gap_command(selected, place),
                f"Fill a gap in the map of {selected.corpus.name}",
                icon=":material/add_location:",
                is_primary=True,
            )
        for number, candidate in enumerate(candidates, 1):
            _draw_map_gap_candidate(number, candidate)
        for panel in ("before", "after"):
            mark[panel] = [list(candidate.positions[panel]) for candidate in candidates]
    return mark


def _draw_map_gap_fill_job(selected: Selection, place: MapPlace) -> Any:
    """Draw the job that fills this gap unless it is done; say so when it is."""
    argv = _build_fill_map_gap_command(selected, place)
    job = job_panel.draw_latest_job_unless_done(*argv)
    if job is None and job_panel.find_latest_job_of_command(*argv) is not None:
        st.success("The programs are in the corpus and on the map.", icon=":material/check:")
    return job


def _build_fill_map_gap_command(selected: Selection, place: MapPlace) -> tuple[str, ...]:
    position = (str(place.x), str(place.y))
    command = ("fill", selected.corpus.name, "--alignment", selected.alignment.id)
    return (*command, "--panel", place.panel, "--at", *position)


@page_cache.cache_until_inputs_change(16, spinner="Looking for programs that would lie there …")
def _find_map_gap_candidates(
    corpus: Corpus, alignment: AlignmentRecord, place: MapPlace, _points: pd.DataFrame
) -> list[GapCandidate]:
    # Imports torch: the panel is drawn before.
    from core.pipeline.map_gap_filling import MapGap, find_programs_for_map_gap
    from core.search.aligned_corpus import open_aligned_corpus

    gap = MapGap(place.x, place.y, place.panel)
    return find_programs_for_map_gap(open_aligned_corpus(corpus, alignment.id), _points, gap)


def _draw_map_gap_candidate(number: int, candidate: GapCandidate) -> None:
    """Draw a program: its name, a button that renders and plays it, and its code."""
    program = candidate.program
    titles = page_cache.load_template_titles()
    title = titles.get(program.template, program.template) or program.name
    st.markdown(
        f"**{number}. {markdown_and_errors.escape_markdown(title)}** &ensp;"
        f" :gray[{candidate.distance:.2f} from the place]"
    )
    player_key = f"gap-{program.id}"
    preview = session_keys.GAP_RENDERING.get_value()
    if not workspace.is_workspace_read_only() and st.button(
        "Render and play", key=f"render-{player_key}", icon=":material/graphic_eq:"
    ):
        with st.spinner(f"Rendering {PREVIEW_SECONDS:g} s of sound …"):
            preview = RenderedSnippet(
                program.id, sonicpi.try_render(program.source, PREVIEW_SECONDS)
            )
        session_keys.GAP_RENDERING.set_value(preview)
        audio_player.request_autoplay(player_key)
    clip = None
    if preview is not None and preview.key == program.id:
        clip = preview.rendering.clip
        if preview.rendering.clip is not None:
            audio_player.draw_clip_player(preview.rendering.clip, program.name, player_key)
        else:
            st.error(
                markdown_and_errors.escape_markdown(preview.rendering.error),
                icon=":material/error:",
            )
    with st.expander("Code", type="compact", key=f"code-{player_key}"):
        st.code(program.source, language="ruby")
        program_actions_menu.draw_program_actions_popover(
            ProgramToUse.from_new_program(program, clip), f"gap-{number}"
        )
