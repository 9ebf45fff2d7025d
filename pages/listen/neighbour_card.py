"""Row of a neighbour: its rank, similarity and clip, with its code and actions in a menu."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import streamlit as st

from core.corpus import Corpus
from core.favourites import Favourite
from pages.components import (
    audio_player,
    markdown_and_errors,
    program_actions_menu,
    program_header_and_diff,
)
from pages.components.program_actions_menu import ProgramToUse
from pages.listen import favourites_view

if TYPE_CHECKING:
    from core.search.nearest_neighbour_queries import Neighbour


@dataclass(frozen=True)
class RowWords:
    """What a row says about its clip.

    Attributes
    ----------
    match : str
        In which aspects it matches the query, such as "same rhythm; darker".
    sound : str
        What it sounds like, measured, such as "quiet, −32 LUFS; 6 onsets/s".
    """

    match: str = ""
    sound: str = ""


NO_WORDS = RowWords()


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
    sound_words = describe_neighbour_clips(neighbours)
    favourite_keys = favourites_view.load_favourite_keys()
    are_of_several = len({neighbour.corpus_name for neighbour in neighbours}) > 1
    rows = st.container(gap="xsmall", key="found-clips")
    for neighbour in neighbours:
        corpus_name = neighbour.corpus_name
        favourite = Favourite(corpus_name, neighbour.program_id, neighbour.name, neighbour.template)
        is_favourite = favourite.corpus_and_program_id in favourite_keys
        words = RowWords(
            match_words.get(neighbour.program_id, ""),
            sound_words.get(favourite.corpus_and_program_id, ""),
        )
        with rows:
            draw_neighbour_card(
                neighbour,
                favourite,
                is_favourite,
                snippet,
                with_corpus=are_of_several,
                words=words,
            )


def describe_neighbour_clips(neighbours: list[Neighbour]) -> dict[tuple[str, str], str]:
    """Return what the clips of neighbours sound like in words, by corpus name and program id."""
    # Imports scipy, as late as the search itself.
    from core.search.measured_clip_properties_in_words import describe_measured_clips

    return {
        (corpus_name, program_id): words
        for corpus_name in dict.fromkeys(neighbour.corpus_name for neighbour in neighbours)
        for program_id, words in describe_measured_clips(
            Corpus.open(corpus_name),
            [item.program_id for item in neighbours if item.corpus_name == corpus_name],
        ).items()
    }


def draw_neighbour_card(
    neighbour: Neighbour,
    favourite: Favourite,
    is_favourite: bool,
    snippet: str | None,
    *,
    with_corpus: bool = False,
    words: RowWords = NO_WORDS,
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
    words : RowWords
        Shown below its title.
    """
    key = f"{neighbour.rank}-{neighbour.program_id}"
    with st.container(border=True, key=f"neighbour-{key}"):
        left, middle, right = st.columns([17, 9, 3], gap="small", vertical_alignment="center")
        with left:
            _draw_neighbour_title(neighbour, words, with_corpus)
        with middle:
            audio_player.draw_audio_file_player(neighbour.audio_path, neighbour.name, key)
        with right, st.container(horizontal=True, gap=None, horizontal_alignment="right"):
            favourites_view.draw_favourite_button(favourite, is_favourite, key)
            with st.popover(
                "",
                icon=":material/more_horiz:",
                help="Code and actions",
                type="tertiary",
                key=f"more-{key}",
            ):
                _draw_neighbour_details(neighbour, words, snippet, key)


def _draw_neighbour_title(neighbour: Neighbour, words: RowWords, with_corpus: bool) -> None:
    title = program_header_and_diff.look_up_program_title(neighbour.name, neighbour.template)
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=f"row-title-{neighbour.rank}"
    ):
        st.markdown(
            f"**{neighbour.rank}. {markdown_and_errors.escape_markdown(title)}**",
            width="content",
        )
        st.badge(
            f"similarity {neighbour.similarity:.2f}",
            color="blue",
            help="Cosine of code and clip in the shared space; 1 is the same direction.",
        )
    parts = [neighbour.corpus_name] if with_corpus else []
    parts += [words.match or neighbour.name]
    st.caption(markdown_and_errors.escape_markdown(" · ".join(parts)))
    if words.sound:
        st.caption(markdown_and_errors.escape_markdown(words.sound))


def _draw_neighbour_details(
    neighbour: Neighbour, words: RowWords, snippet: str | None, key: str
) -> None:
    """Draw what can be done with a neighbour, its code, and how it differs from the snippet."""
    program_actions_menu.draw_program_actions(
        ProgramToUse(
            neighbour.corpus_name,
            neighbour.program_id,
            neighbour.name,
            neighbour.source,
            neighbour.audio_path,
        ),
        key,
    )
    parts = [part for part in (neighbour.name, words.match, words.sound) if part]
    st.caption(markdown_and_errors.escape_markdown(" · ".join(parts)))
    st.code(neighbour.source, language="ruby", height=260)
    if snippet is not None:
        with st.expander("Differences from your code", key=f"differences-{key}", type="compact"):
            program_header_and_diff.draw_code_differences(
                snippet, neighbour.source, ("Your code", "This program")
            )
