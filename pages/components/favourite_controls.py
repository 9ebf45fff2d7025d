"""Favourites on a page: the star of a program, and the list with notes and tags."""

from __future__ import annotations

import streamlit as st

from core import favourites, workspace
from core.corpus import AlignmentRecord, Corpus, list_corpora
from core.errors import EarshotError
from core.favourites import Favourite
from pages.components import cache, audio_player, formatting


def keys() -> set[tuple[str, str]]:
    """Corpus and program of each favourite."""
    return {each.key for each in favourites.favourites()}


def star(corpus: str, program: str, name: str, template: str, kept: bool, key: str) -> None:
    """Draw the button that keeps a program, or keeps it no longer."""
    if workspace.read_only():
        return
    st.button(
        # The icons' star has no filled form.
        "★" if kept else "☆",
        type="tertiary",
        key=f"star-{key}",
        help="A favourite; press to let it go" if kept else "Keep it among the favourites",
        on_click=_toggle,
        args=(corpus, program, name, template, kept),
    )


def _toggle(corpus: str, program: str, name: str, template: str, kept: bool) -> None:
    with formatting.errors():
        if kept:
            favourites.drop(corpus, program)
        else:
            favourites.keep(corpus, program, name, template)


@st.fragment
def draw(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw all favourites, of every corpus, with their clips, notes and tags."""
    found = favourites.favourites()
    if not found:
        how = " The star beside a clip keeps it here, with a note and tags."
        st.info(
            f"Nothing is kept yet.{'' if workspace.read_only() else how}",
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
            favourites.as_csv(shown),
            "favourites.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="kept-csv",
        )
    opened: dict[str, Corpus | None] = {}
    for each in shown:
        if each.corpus not in opened:
            there = each.corpus in list_corpora()
            opened[each.corpus] = Corpus.open(each.corpus) if there else None
        _one(each, opened[each.corpus], tags)


def _one(each: Favourite, corpus: Corpus | None, tags: list[str]) -> None:
    key = f"{each.corpus}-{each.program}"
    title = cache.titles().get(each.template, each.template) or each.name
    with st.container(border=True, key=f"favourite-{key}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{formatting.plain(title)}**", width="content")
            st.caption(
                f"{formatting.plain(each.name)}, in {formatting.plain(each.corpus)}",
                width="stretch",
            )
            star(each.corpus, each.program, each.name, each.template, True, f"kept-{key}")
        sound, words = st.columns(2, gap="small")
        with sound:
            _clip(each, corpus, key)
        with words:
            st.text_area(
                "Note",
                each.note,
                key=f"note-{key}",
                height=76,
                placeholder="A note",
                max_chars=favourites.LONGEST_NOTE,
                label_visibility="collapsed",
                disabled=workspace.read_only(),
                on_change=_annotate,
                args=(each,),
            )
            st.multiselect(
                "Tags",
                sorted({*tags, *each.tags}),
                list(each.tags),
                key=f"tags-{key}",
                accept_new_options=True,
                placeholder="Tags",
                label_visibility="collapsed",
                disabled=workspace.read_only(),
                on_change=_annotate,
                args=(each,),
                max_selections=favourites.MOST_TAGS,
            )


def _clip(each: Favourite, corpus: Corpus | None, key: str) -> None:
    if corpus is None:
        st.caption(":material/music_off: Its corpus is not there any more.")
        return
    try:
        program = corpus.program(each.program)
    except EarshotError:
        st.caption(":material/music_off: It is not in its corpus any more.")
        return
    audio_player.clip_file(program["audio"], each.name, f"kept-{key}")
    with st.expander("Code", key=f"code-{key}", type="compact"):
        st.code(program["source"], language="ruby", height=180)


def _annotate(each: Favourite) -> None:
    key = f"{each.corpus}-{each.program}"
    with formatting.errors():
        favourites.annotate(
            each.corpus,
            each.program,
            st.session_state[f"note-{key}"],
            st.session_state[f"tags-{key}"],
        )
