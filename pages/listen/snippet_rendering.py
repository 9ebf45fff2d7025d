"""The user's snippet as rendered: its clip or error, and how well its sound was predicted."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import streamlit as st

from core import sonicpi
from core.clip_length_limits import DEFAULT_CLIP_SECONDS
from core.pipeline.user_sample_folders import load_corpus_sample_folders
from pages.components import (
    audio_player,
    markdown_and_errors,
    program_header_and_diff,
    session_keys,
)
from pages.listen import audio_search

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.corpus import Corpus
    from core.search.nearest_neighbour_queries import Neighbour
    from pages.components.corpus_and_alignment_picker import Selection

RENDERING_PLAYER_KEY = "snippet-rendering"


def render_and_play_snippet(snippet: str, corpus: Corpus) -> None:
    """Render the snippet, which may read the samples of the corpus's own folders, and play it."""
    with (
        markdown_and_errors.catch_and_show_errors(),
        st.spinner(f"Rendering {DEFAULT_CLIP_SECONDS:g} s of sound …"),
    ):
        rendering = sonicpi.try_render(snippet, sample_folders=load_corpus_sample_folders(corpus))
        session_keys.SNIPPET_RENDERING.set_value(session_keys.RenderedSnippet(snippet, rendering))
        audio_player.request_autoplay(RENDERING_PLAYER_KEY)


def draw_last_snippet_rendering(
    snippet: str, should_render: bool, corpus: Corpus
) -> DeltaGenerator | None:
    """Draw the last rendered snippet, after rendering this one if asked to.

    Parameters
    ----------
    snippet : str
    should_render : bool
    corpus : Corpus
        The snippet may read the samples of its own folders.

    Returns
    -------
    DeltaGenerator or None
        Where the check of the prediction belongs; None if there is no clip of this snippet.
    """
    with st.container(border=True, key="snippet-rendering", gap="small"):
        if should_render:
            audio_player.stop_playback_and_show_block(RENDERING_PLAYER_KEY)
            if not snippet.strip():
                st.markdown("There is no code to render yet.")
                return None
            render_and_play_snippet(snippet, corpus)
        rendered = session_keys.SNIPPET_RENDERING.get_value()
        if rendered is None:
            return None
        source, rendering = rendered
        suffix = "" if source == snippet else " (before your last change)"
        st.markdown(f"**Your render{suffix}**")
        check_container = None
        if rendering.clip is not None:
            audio_player.draw_clip_player(rendering.clip, "your code", RENDERING_PLAYER_KEY)
            check_container = st.container(gap="small") if source == snippet else None
        elif rendering.error is not None:
            st.error(
                markdown_and_errors.escape_markdown(rendering.error),
                icon=":material/error:",
            )
            program_header_and_diff.draw_failed_source_line(source, rendering.error.line)
        program_header_and_diff.draw_render_warnings(rendering.warnings)
        return check_container


def make_query_from_rendered_clip(
    rendered: session_keys.RenderedSnippet,
) -> audio_search.AudioQuery:
    """Return the query that searches with the clip of a rendered snippet."""
    assert rendered.rendering.clip is not None  # The caller has drawn its player.
    digest = hashlib.sha256(rendered.key.encode()).hexdigest()
    return audio_search.AudioQuery(rendered.rendering.clip, "your code", f"code {digest}")


def draw_predicted_true_neighbours(
    selected: Selection,
    query: audio_search.AudioQuery,
    predicted_neighbours: list[Neighbour],
    further_corpora: list[Corpus],
) -> None:
    """Draw which of the clips nearest to the true sound were predicted."""
    true_neighbours = audio_search.find_clip_neighbours(
        selected, query, len(predicted_neighbours), "audio->audio", further_corpora
    )
    predicted_ranks = {neighbour.program_id: neighbour.rank for neighbour in predicted_neighbours}
    hit_count = sum(neighbour.program_id in predicted_ranks for neighbour in true_neighbours)
    st.markdown(
        f"**{hit_count} of the {len(true_neighbours)} clips nearest in sound"
        f" {'was' if hit_count == 1 else 'were'} predicted.**"
    )
    with st.expander("The clips nearest in sound", type="compact"):
        for neighbour in true_neighbours:
            name = f"{neighbour.rank}. {markdown_and_errors.escape_markdown(neighbour.name)}"
            rank = predicted_ranks.get(neighbour.program_id)
            if rank is not None:
                st.caption(f":material/check: {name}, predicted at rank {rank}")
            else:
                st.caption(f":material/close: {name}, not predicted")
                audio_player.draw_audio_file_player(
                    neighbour.audio_path, neighbour.name, f"true-{neighbour.program_id}"
                )
