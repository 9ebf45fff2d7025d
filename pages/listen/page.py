"""Page Listen: search clips by code and code by a clip, and list the favourites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import workspace
from pages.components import (
    code_editor,
    corpus_and_alignment_picker,
    example_snippet_picker,
    followed_file_or_workspace_picker,
    markdown_and_errors,
    page_header_and_sidebar,
    session_keys,
    sonic_pi_buttons,
)
from pages.components.corpus_and_alignment_picker import Selection
from pages.components.url_bound_segmented_control import draw_choice_bound_to_url
from pages.listen import (
    aspect_weight_sliders,
    audio_search,
    confidence_badge,
    favourites_view,
    forecast_card,
    full_screen_predictions_view,
    further_corpora_picker,
    neighbour_card,
    snippet_rendering,
)

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.search.aligned_corpus import AlignedCorpus
    from core.search.aspect_queries import AspectNeighbour
    from core.search.nearest_neighbour_queries import Neighbour

# The URL holds these labels, so a new text needs an entry for old bookmarks.
SEARCH_MODE_LABELS = {
    "code": "From code to sound",
    "sound": "From sound to code",
    "favourites": "Favourites",
}


def draw_page() -> None:
    """Draw the page."""
    corpus_and_alignment_picker.draw_alignment_page(
        "Listen", draw_selected_search_mode, "prediction"
    )


def draw_selected_search_mode(selected: Selection) -> None:
    """Draw the choice of a search mode, and that mode; or the stage view in their place."""
    if full_screen_predictions_view.is_projector_stage_requested():
        full_screen_predictions_view.draw_projector_stage_view(selected)
        return
    mode = draw_choice_bound_to_url("Search mode", SEARCH_MODE_LABELS, session_keys.SEARCH_MODE)
    if mode == "code":
        draw_code_search(selected)
    elif mode == "sound":
        audio_search.draw_audio_search(selected)
    else:
        favourites_view.draw_favourites()


@st.fragment
def draw_code_search(selected: Selection) -> None:
    """Draw the snippet and, while the user types, its nearest clips."""
    left, right = st.columns([5, 8], gap="medium")
    with left:
        snippet, should_render = draw_snippet_form()
        neighbour_count = audio_search.draw_neighbour_count_picker()
        selected, further_corpora = further_corpora_picker.draw_further_corpora_picker(selected)
    neighbours = None
    check_container = None
    with right:
        # Above the clips, where it is seen at once: below the editor it would need scrolling.
        if should_render or session_keys.SNIPPET_RENDERING.get_value() is not None:
            check_container = snippet_rendering.draw_last_snippet_rendering(
                snippet, should_render, selected.corpus
            )
    with right, markdown_and_errors.catch_and_show_errors():
        if snippet.strip():
            # Imports torch: the editor is drawn before.
            from core.search.aspect_queries import add_aspect_matches, find_neighbours_by_aspects
            from core.search.multi_corpus_search import (
                find_neighbours_in_corpora,
                open_corpora_with_one_alignment,
            )
            from core.search.silent_snippet_check import (
                SilentSnippetError,
                interpret_audible_snippet,
            )

            corpora = [selected.corpus, *further_corpora]
            aligned_corpora = open_corpora_with_one_alignment(corpora, selected.alignment)
            header = st.container(horizontal=True, vertical_alignment="center")
            with header:
                weights = aspect_weight_sliders.draw_aspect_weight_sliders(aligned_corpora)
            try:
                if weights is None:
                    nearest = find_neighbours_in_corpora(aligned_corpora, snippet, neighbour_count)
                    aspect_neighbours = add_aspect_matches(aligned_corpora, snippet, nearest)
                else:
                    aspect_neighbours = find_neighbours_by_aspects(
                        aligned_corpora, snippet, weights, neighbour_count
                    )
                neighbours = [item.neighbour for item in aspect_neighbours]
            except SilentSnippetError as error:
                markdown_and_errors.show_why_snippet_is_silent(error.message)
            else:
                markdown_and_errors.show_partial_reading_notice(
                    interpret_audible_snippet(snippet).message
                )
                draw_snippet_neighbours(aligned_corpora, aspect_neighbours, snippet, header)
        else:
            st.info("Write some Sonic Pi code, or start from an example.", icon=":material/edit:")
    rendered = session_keys.SNIPPET_RENDERING.get_value()
    if check_container is not None and rendered is not None and neighbours:
        with check_container, markdown_and_errors.catch_and_show_errors():
            snippet_rendering.draw_predicted_true_neighbours(
                selected,
                snippet_rendering.make_query_from_rendered_clip(rendered),
                neighbours,
                further_corpora,
            )


def draw_snippet_form() -> tuple[str, bool]:
    """Draw the editor and its buttons; return the snippet and whether to render it."""
    example_snippet_picker.draw_example_picker(session_keys.EXAMPLE_SNIPPET)
    if followed_file_or_workspace_picker.is_following_file_or_workspace():
        snippet = followed_file_or_workspace_picker.draw_followed_code()
    else:
        snippet = code_editor.draw_code_editor()
    should_render = False
    with st.container(horizontal=True, vertical_alignment="center"):
        if workspace.is_workspace_read_only():
            st.caption(":material/visibility: Read-only: rendering is off.")
        else:
            should_render = st.button(
                "Render",
                type="primary",
                icon=":material/graphic_eq:",
                help="Renders this code offline and shows how good the prediction was."
                " Ctrl+Enter or Alt+R in the editor.",
            )
            should_render = code_editor.take_render_request() or should_render
        full_screen_predictions_view.draw_projector_stage_button()
    st.caption("Clips update as you type. Space plays; arrow keys move.")
    sonic_pi_buttons.draw_sonic_pi_buttons(snippet, "editor")
    followed_file_or_workspace_picker.draw_follow_control()
    return snippet, should_render


# -- the prediction ---------------------------------------------------------------------------


def draw_snippet_neighbours(
    aligned_corpora: list[AlignedCorpus],
    aspect_neighbours: list[AspectNeighbour],
    snippet: str,
    header: DeltaGenerator,
) -> None:
    """Draw the clips nearest to the snippet and, in the header, how reliable the prediction is."""
    neighbours = [item.neighbour for item in aspect_neighbours]
    match_words = {
        item.neighbour.program_id: item.match.words for item in aspect_neighbours if item.match
    }
    aligned_corpus = aligned_corpora[0]
    clip_count = sum(len(corpus.pairs.program_ids) for corpus in aligned_corpora)
    names = " and ".join(corpus.corpus.name for corpus in aligned_corpora)
    with header:
        draw_prediction_confidence(aligned_corpora, snippet, neighbours)
        st.caption(
            f"The {markdown_and_errors.pluralize(len(neighbours), 'clip')} nearest to this"
            " code among"
            f" {clip_count:,} in {markdown_and_errors.escape_markdown(names)}, found"
            " without rendering it."
        )
    # The first forecast of an alignment fits its model, so the clips are drawn before it.
    forecast_container = st.container(key="forecast")
    neighbour_card.draw_neighbour_cards(neighbours, snippet, match_words)
    with forecast_container:
        forecast_card.draw_forecast_card(aligned_corpus, snippet)


def draw_prediction_confidence(
    aligned_corpora: list[AlignedCorpus], snippet: str, neighbours: list[Neighbour]
) -> None:
    """Draw the confidence of a prediction, if the alignment is calibrated."""
    # Imports torch, as above.
    from core.search.search_confidence import estimate_confidence

    confidence_badge.draw_confidence_badge(
        estimate_confidence(aligned_corpora, snippet, neighbours)
    )


page_header_and_sidebar.run_page(draw_page)
