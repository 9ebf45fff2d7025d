"""Favourites: the star button of a program, and the list with notes and tags."""

from __future__ import annotations

import streamlit as st

from core import favourites, workspace
from core.corpus import Corpus, list_corpora
from core.errors import EarshotError
from core.favourites import Favourite
from pages.components import (
    audio_player,
    markdown_and_errors,
    program_actions_menu,
    program_header_and_diff,
    session_keys,
)
from pages.components.program_actions_menu import ProgramToUse


def load_favourite_keys() -> set[tuple[str, str]]:
    """Return the corpus name and program id of each favourite."""
    return {favourite.corpus_and_program_id for favourite in favourites.load_favourites()}


def draw_favourite_button(favourite: Favourite, is_favourite: bool, key: str) -> None:
    """Draw the star that adds a program to the favourites or removes it.

    Parameters
    ----------
    favourite : Favourite
        The program as a favourite.
    is_favourite : bool
        Whether it is one.
    key : str
        Unique on the page.
    """
    if workspace.is_workspace_read_only():
        return
    st.button(
        # Material's star icon has no filled form.
        "★" if is_favourite else "☆",
        type="tertiary",
        # The two forms are two widgets: pressing one again before its answer arrives, because
        # nothing seems to have happened, must repeat the same action and not undo it.
        key=f"star-{key}-{'remove' if is_favourite else 'add'}",
        help="Remove from favourites" if is_favourite else "Add to favourites",
        on_click=_add_or_remove_favourite,
        args=(favourite, is_favourite),
    )


def _add_or_remove_favourite(favourite: Favourite, is_favourite: bool) -> None:
    with markdown_and_errors.catch_and_show_errors():
        if is_favourite:
            favourites.remove_favourite(*favourite.corpus_and_program_id)
        else:
            favourites.add_favourite(
                *favourite.corpus_and_program_id, favourite.name, favourite.template
            )


@st.fragment
def draw_favourites() -> None:
    """Draw the favourites of all corpora with their clips, notes and tags."""
    all_favourites = favourites.load_favourites()
    if not all_favourites:
        hint = " Press the star beside a clip to add it, with a note and tags."
        st.info(
            f"No favourites yet.{'' if workspace.is_workspace_read_only() else hint}",
            icon=":material/star_border:",
        )
        return
    all_tags = sorted({tag for favourite in all_favourites for tag in favourite.tags})
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen_tags = _draw_favourite_tag_filter(all_tags)
        shown_favourites = [
            favourite for favourite in all_favourites if chosen_tags <= set(favourite.tags)
        ]
        st.download_button(
            "Export",
            favourites.format_favourites_csv(shown_favourites),
            "favourites.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="favourites-csv",
        )
    existing_names = set(list_corpora())
    corpora = {
        name: Corpus.open(name) if name in existing_names else None
        for name in {favourite.corpus_name for favourite in shown_favourites}
    }
    for favourite in shown_favourites:
        _draw_favourite(favourite, corpora[favourite.corpus_name], all_tags)


def _draw_favourite_tag_filter(all_tags: list[str]) -> set[str]:
    if not all_tags:
        return set()
    return set(
        st.pills(
            "Tags",
            all_tags,
            selection_mode="multi",
            key=session_keys.FAVOURITE_TAG_FILTER.name,
            label_visibility="collapsed",
            width="stretch",
        )
    )


def _draw_favourite(favourite: Favourite, corpus: Corpus | None, all_tags: list[str]) -> None:
    key = f"{favourite.corpus_name}-{favourite.program_id}"
    title = program_header_and_diff.look_up_program_title(favourite.name, favourite.template)
    with st.container(border=True, key=f"favourite-{key}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{markdown_and_errors.escape_markdown(title)}**", width="content")
            st.caption(
                f"{markdown_and_errors.escape_markdown(favourite.name)}, in"
                f" {markdown_and_errors.escape_markdown(favourite.corpus_name)}",
                width="stretch",
            )
            draw_favourite_button(favourite, True, f"favourite-{key}")
        left, right = st.columns(2, gap="small")
        with left:
            _draw_favourite_clip(favourite, corpus, key)
        with right:
            _draw_favourite_note_and_tags(favourite, all_tags)


def _draw_favourite_note_and_tags(favourite: Favourite, all_tags: list[str]) -> None:
    note_key, tags_key = _get_note_and_tag_keys(favourite)
    st.text_area(
        "Note",
        favourite.note,
        key=note_key.name,
        height=76,
        placeholder="A note",
        max_chars=favourites.MAX_NOTE_CHARS,
        label_visibility="collapsed",
        disabled=workspace.is_workspace_read_only(),
        on_change=_save_favourite_note_and_tags,
        args=(favourite,),
    )
    st.multiselect(
        "Tags",
        sorted({*all_tags, *favourite.tags}),
        list(favourite.tags),
        key=tags_key.name,
        accept_new_options=True,
        placeholder="Tags",
        label_visibility="collapsed",
        disabled=workspace.is_workspace_read_only(),
        on_change=_save_favourite_note_and_tags,
        args=(favourite,),
        max_selections=favourites.MAX_TAGS,
    )


def _draw_favourite_clip(favourite: Favourite, corpus: Corpus | None, key: str) -> None:
    if corpus is None:
        st.caption(":material/music_off: Its corpus was deleted.")
        return
    try:
        program = corpus.load_program(favourite.program_id)
    except EarshotError:
        st.caption(":material/music_off: It was removed from its corpus.")
        return
    audio_player.draw_audio_file_player(program["audio"], favourite.name, f"favourite-{key}")
    with st.expander("Code", key=f"code-{key}", type="compact"):
        program_actions_menu.draw_program_actions(
            ProgramToUse(
                favourite.corpus_name,
                favourite.program_id,
                favourite.name,
                program["source"],
                program["audio"],
            ),
            f"favourite-{key}",
        )
        st.code(program["source"], language="ruby", height=180)


def _save_favourite_note_and_tags(favourite: Favourite) -> None:
    note_key, tags_key = _get_note_and_tag_keys(favourite)
    with markdown_and_errors.catch_and_show_errors():
        favourites.set_favourite_note_and_tags(
            *favourite.corpus_and_program_id, note_key.get_value(), tags_key.get_value()
        )


def _get_note_and_tag_keys(
    favourite: Favourite,
) -> tuple[session_keys.SessionKey[str], session_keys.SessionKey[list[str]]]:
    return session_keys.FAVOURITE_NOTE.derive_scoped_key(
        *favourite.corpus_and_program_id
    ), session_keys.FAVOURITE_TAGS.derive_scoped_key(*favourite.corpus_and_program_id)
