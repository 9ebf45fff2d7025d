"""Card of a neighbour: its rank, similarity, clip, code and differences from the snippet."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import streamlit as st

from core.favourites import Favourite
from pages.components import audio_player, page_text, program_header_and_diff
from pages.listen import favourites_view

if TYPE_CHECKING:
    from core.search.nearest_neighbour_queries import Neighbour


def draw_neighbour_cards(
    neighbours: list[Neighbour],
    snippet: str | None = None,
    match_words: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Draw a card for each neighbour, with the name of its corpus if they are of several.

    Parameters
    ----------
    neighbours : list of Neighbour
    snippet : str, optional
        Code to compare theirs with.
    match_words : mapping of str to str
        By program id: in which aspects its clip matches, such as "same rhythm; darker".
    """
    favourite_keys = favourites_view.load_favourite_keys()
    are_of_several = len({neighbour.corpus_name for neighbour in neighbours}) > 1
    for neighbour in neighbours:
        corpus_name = neighbour.corpus_name
        favourite = Favourite(corpus_name, neighbour.program_id, neighbour.name, neighbour.template)
        is_favourite = favourite.corpus_and_program_id in favourite_keys
        draw_neighbour_card(neighbour, favourite, is_favourite, snippet, are_of_several)
        if words := match_words.get(neighbour.program_id):
            st.caption(f":material/tune: {neighbour.rank}: {words}")


def draw_neighbour_card(
    neighbour: Neighbour,
    favourite: Favourite,
    is_favourite: bool,
    snippet: str | None,
    with_corpus: bool = False,
) -> None:
    """Draw one neighbour.

    Parameters
    ----------
    neighbour : Neighbour
    favourite : Favourite
        The neighbour's program as a favourite, whether it is one or not.
    is_favourite : bool
    snippet : str or None
        Code to compare its code with.
    with_corpus : bool
        Whether to draw the name of its corpus.
    """
    key = f"{neighbour.rank}-{neighbour.program_id}"
    title = program_header_and_diff.format_program_title(neighbour.name, neighbour.template)
    with st.container(border=True, key=f"neighbour-{key}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f"**{neighbour.rank}. {page_text.escape_markdown(title)}**", width="content"
            )
            st.caption(page_text.escape_markdown(neighbour.name), width="stretch")
            if with_corpus:
                st.badge(
                    page_text.escape_markdown(neighbour.corpus_name),
                    color="gray",
                    icon=":material/library_music:",
                )
            st.badge(
                f"similarity {neighbour.similarity:.2f}",
                color="blue",
                help="Cosine of code and clip in the shared space; 1 is the same direction.",
            )
            favourites_view.draw_favourite_button(favourite, is_favourite, key)
        left, right = st.columns(2, gap="small", vertical_alignment="center")
        with left:
            audio_player.draw_audio_file_player(neighbour.audio_path, neighbour.name, key)
        with right:
            st.code(neighbour.source, language="ruby", height=116)
        if snippet is not None:
            with st.expander(
                "Differences from your code", key=f"differences-{key}", type="compact"
            ):
                program_header_and_diff.draw_code_differences(
                    snippet, neighbour.source, ("Your code", "This program")
                )
