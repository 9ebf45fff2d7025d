"""Stage view of Listen: the code, its predictions and their keys alone, large and dark.

For a projector or a dark room. The URL parameter `stage=1` opens it; Esc leaves it.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core import workspace
from pages.components import (
    audio_player,
    code_editor,
    followed_file_or_workspace_picker,
    markdown_and_errors,
    program_header_and_diff,
    session_keys,
)
from pages.listen import snippet_rendering

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus
    from core.search.aspect_queries import AspectNeighbour
    from core.search.nearest_neighbour_queries import Neighbour
    from pages.components.corpus_and_alignment_picker import Selection

STAGE_NEIGHBOUR_COUNT = 6  # They fit on a screen of 1366 x 768.
EDITOR_HEIGHT_PX = 380  # At least; style.css fills the window.
SHOWN_KEYS = (
    (f"1–{STAGE_NEIGHBOUR_COUNT}", "play"),
    ("Space", "pause"),
    ("↑ ↓", "previous, next"),
    ("F", "full screen"),
)
RENDER_KEY = ("Ctrl+Enter", "render")

_stage_component = st.components.v2.component(
    "earshot_stage", js=Path(__file__).with_name("stage_view.js").read_text(encoding="utf-8")
)


def is_projector_stage_requested() -> bool:
    """Return whether the URL asks for the stage view."""
    return session_keys.STAGE.get_value() == "1"


def draw_projector_stage_button() -> None:
    """Draw the button that opens the stage view."""
    if st.button(
        "Stage view",
        icon=":material/fullscreen:",
        type="tertiary",
        help="Only code, predictions and keys, large and dark. Esc leaves it.",
    ):
        session_keys.STAGE.set_value("1")
        st.rerun(scope="app")  # A callback would draw only the fragment with the editor again.


def draw_projector_stage_view(selected: Selection) -> None:
    """Draw the stage view."""
    with st.container(key="stage"):  # style.css hides the rest of the page beside it.
        # Outside of the fragment: leaving draws the whole page again.
        _stage_component(key="stage-keys", on_leave_change=_leave_projector_stage_view)
        draw_projector_stage_code_and_predictions(selected)
        keys = SHOWN_KEYS if workspace.is_workspace_read_only() else (RENDER_KEY, *SHOWN_KEYS)
        shown_keys = " ".join(f"<span><kbd>{key}</kbd> {label}</span>" for key, label in keys)
        # A button too, since a phone has no keys.
        leave = '<button type="button" class="stage-leave"><kbd>Esc</kbd> leave</button>'
        st.html(f'<div class="stage-shortcuts">{shown_keys} {leave}</div>')


def _leave_projector_stage_view() -> None:
    session_keys.STAGE.set_value(None)


@st.fragment
def draw_projector_stage_code_and_predictions(selected: Selection) -> None:
    """Draw the editor and, while the user types, the nearest clips."""
    left, right = st.columns([6, 7], gap="medium")
    with left:
        if followed_file_or_workspace_picker.is_following_file_or_workspace():
            snippet = followed_file_or_workspace_picker.draw_followed_code()
        else:
            snippet = code_editor.draw_code_editor(EDITOR_HEIGHT_PX)
        should_render = code_editor.take_render_request() and not workspace.is_workspace_read_only()
    with right, markdown_and_errors.catch_and_show_errors():
        if should_render or session_keys.SNIPPET_RENDERING.get_value() is not None:
            snippet_rendering.draw_last_snippet_rendering(snippet, should_render, selected.corpus)
        if snippet.strip():
            draw_projector_stage_predictions(selected, snippet)
        else:
            st.markdown("Write some Sonic Pi code.")


def draw_projector_stage_predictions(selected: Selection, snippet: str) -> None:
    """Draw the forecast of a snippet and the clips nearest to it, without rendering it."""
    # Imports torch: the editor is drawn before.
    from core.search.aspect_queries import add_aspect_matches
    from core.search.multi_corpus_search import (
        find_neighbours_in_corpora,
        open_corpora_with_one_alignment,
    )
    from core.search.silent_snippet_check import SilentSnippetError

    aligned_corpora = open_corpora_with_one_alignment([selected.corpus], selected.alignment)
    try:
        nearest = find_neighbours_in_corpora(aligned_corpora, snippet, STAGE_NEIGHBOUR_COUNT)
    except SilentSnippetError as error:
        markdown_and_errors.show_why_snippet_is_silent(error.message)
        return
    forecast_container = st.container()
    with st.container(gap="xsmall", key="stage-rows"):
        for item in add_aspect_matches(aligned_corpora, snippet, nearest):
            draw_projector_stage_neighbour(item)
    with forecast_container:
        draw_projector_stage_sound_forecast(aligned_corpora, snippet, nearest)


def draw_projector_stage_neighbour(item: AspectNeighbour) -> None:
    """Draw the key, the name and the clip of a neighbour."""
    neighbour = item.neighbour
    title = program_header_and_diff.look_up_program_title(neighbour.name, neighbour.template)
    words = item.match.words if item.match else neighbour.name
    left, right = st.columns([6, 5], gap="small", vertical_alignment="center")
    with left:
        st.html(
            f'<div class="stage-title"><kbd>{neighbour.rank}</kbd><div><b>{html.escape(title)}</b>'
            f"<small>{html.escape(words)}</small></div></div>"
        )
    with right:
        audio_player.draw_audio_file_player(
            neighbour.audio_path, neighbour.name, f"stage-{neighbour.rank}-{neighbour.program_id}"
        )


def draw_projector_stage_sound_forecast(
    aligned_corpora: list[AlignedCorpus], snippet: str, neighbours: list[Neighbour]
) -> None:
    """Draw what the snippet will sound like in words, and the confidence of the prediction."""
    from core.search.search_confidence import estimate_confidence

    forecast = aligned_corpora[0].forecast_sound_properties(snippet)
    confidence = estimate_confidence(aligned_corpora, snippet, neighbours)
    words = html.escape(forecast.words) if forecast is not None else "The nearest clips"
    level = f"{confidence.probability:.0%} confidence" if confidence is not None else ""
    st.html(f'<div class="stage-forecast"><b>{words}</b> <span>{level}</span></div>')
