"""Favourites on a page: the star of a program, and the list with notes and tags."""

from __future__ import annotations

import streamlit as st

from core import favourites, workspace
from core.corpus import AlignmentRecord, Corpus, list_corpora
from core.errors import EarshotError
from core.favourites import Favourite
from pages.components import cache, audio_player, formatting


def load_favourite_keys() -> set[tuple[str, str]]:
    """Corpus and program of each favourite."""
    return {each.key for each in favourites.load_favourites()}


def draw_favourite_button(corpus_name: str, program_id: str, name: str, template_id: str, is_favourite: bool, key: str) -> None:
    """Draw the button that keeps a program, or keeps it no longer."""
    if workspace.is_read_only():
        return
    st.button(
        # The icons' star has no filled form.
        "★" if is_favourite else "☆",
        type="tertiary",
        key=f"star-{key}",
        help="A favourite; press to let it go" if is_favourite else "Keep it among the favourites",
        on_click=_toggle_favourite,
        args=(corpus_name, program_id, name, template_id, is_favourite),
    )


def _toggle_favourite(corpus_name: str, program_id: str, name: str, template_id: str, is_favourite: bool) -> None:
    with formatting.catch_and_show_errors():
        if is_favourite:
            favourites.remove_favourite(corpus_name, program_id)
        else:
            favourites.add_favourite(corpus_name, program_id, name, template_id)


@st.fragment
def draw_favourites(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw all favourites, of every corpus, with their clips, notes and tags."""
    found = favourites.load_favourites()
    if not found:
        how = " The star beside a clip keeps it here, with a note and tags."
        st.info(
            f"Nothing is kept yet.{'' if workspace.is_read_only() else how}",
            icon=":material/star_border:",
        )
        return
    tags = sorted({tag for each in found for tag in each.tags})
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = (
            st.pills(
                "Tags",
                tags,
                selection_mode="multi",
                key="kept-tags",
                label_visibility="collapsed",
                width="stretch",
            )
            if tags
            else []
        )
        shown = [each for each in found if set(wanted) <= set(each.tags)]
        st.download_button(
            "Export",
            favourites.format_favourites_csv(shown),
            "favourites.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="kept-csv",
        )
    opened: dict[str, Corpus | None] = {}
    for each in shown:
        if each.corpus_name not in opened:
            there = each.corpus_name in list_corpora()
            opened[each.corpus_name] = Corpus.open(each.corpus_name) if there else None
        _draw_favourite(each, opened[each.corpus_name], tags)


def _draw_favourite(favourite: Favourite, corpus: Corpus | None, all_tags: list[str]) -> None:
    key = f"{favourite.corpus_name}-{favourite.program_id}"
    title = cache.load_template_titles().get(favourite.template, favourite.template) or favourite.name
    with st.container(border=True, key=f"favourite-{key}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{formatting.escape_markdown(title)}**", width="content")
            st.caption(
                f"{formatting.escape_markdown(favourite.name)}, in {formatting.escape_markdown(favourite.corpus_name)}",
                width="stretch",
            )
            draw_favourite_button(favourite.corpus_name, favourite.program_id, favourite.name, favourite.template, True, f"kept-{key}")
        sound, words = st.columns(2, gap="small")
        with sound:
            _draw_favourite_clip(favourite, corpus, key)
        with words:
            st.text_area(
                "Note",
                favourite.note,
                key=f"note-{key}",
                height=76,
                placeholder="A note",
                max_chars=favourites.MAX_NOTE_CHARS,
                label_visibility="collapsed",
                disabled=workspace.is_read_only(),
                on_change=_save_favourite_note,
                args=(favourite,),
            )
            st.multiselect(
                "Tags",
                sorted({*all_tags, *favourite.tags}),
                list(favourite.tags),
                key=f"tags-{key}",
                accept_new_options=True,
                placeholder="Tags",
                label_visibility="collapsed",
                disabled=workspace.is_read_only(),
                on_change=_save_favourite_note,
                args=(favourite,),
                max_selections=favourites.MAX_TAGS,
            )


def _draw_favourite_clip(favourite: Favourite, corpus: Corpus | None, key: str) -> None:
    if corpus is None:
        st.caption(":material/music_off: Its corpus is not there any more.")
        return
    try:
        program = corpus.load_program(favourite.program_id)
    except EarshotError:
        st.caption(":material/music_off: It is not in its corpus any more.")
        return
    audio_player.draw_file_player(program["audio"], favourite.name, f"kept-{key}")
    with st.expander("Code", key=f"code-{key}", type="compact"):
        st.code(program["source"], language="ruby", height=180)


def _save_favourite_note(favourite: Favourite) -> None:
    key = f"{favourite.corpus_name}-{favourite.program_id}"
    with formatting.catch_and_show_errors():
        favourites.annotate_favourite(
            favourite.corpus_name,
            favourite.program_id,
            st.session_state[f"note-{key}"],
            st.session_state[f"tags-{key}"],
        )
