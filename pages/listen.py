"""Listen: code in, the clips nearest to it out, without rendering it."""

from __future__ import annotations

import streamlit as st

from core import sonicpi
from core.corpus import AlignmentRecord, Corpus
from core.stages.neighbours import Neighbour, neighbours
from pages.parts import card, frame, place, player, say, snippets


def page() -> None:
    st.title("Listen")
    with say.errors():
        here = place.chosen()
        if here.corpus is None:
            place.no_corpus()
        elif here.alignment is None:
            place.no_alignment(here.corpus)
        else:
            search(here.corpus, here.alignment)


def search(corpus: Corpus, alignment: AlignmentRecord) -> None:
    left, right = st.columns([5, 8], gap="medium")
    with left:
        code, asked = editor()
        mine(code, render=asked)
        shown = st.select_slider(
            "Clips to find", (3, 5, 10, 20, 50), 5, key="shown", persist_state="session"
        )
    with right:
        with say.errors():
            draw_neighbours(corpus, nearest(corpus, alignment, code, shown))


def editor() -> tuple[str, bool]:
    """Draw the code and its buttons; return the code and whether it is to be rendered."""
    st.selectbox(
        "Begin with", list(snippets.SNIPPETS), index=None, key="example",
        placeholder="Begin with an example …", label_visibility="collapsed", on_change=take_example,
    )  # fmt: skip
    st.session_state.setdefault("snippet", next(iter(snippets.SNIPPETS.values())))
    code = st.text_area(
        "Sonic Pi code", height=345, key="snippet", persist_state="session",
        help="Ctrl+Enter finds the nearest clips.", label_visibility="collapsed",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        # Leaving the text field to press it sends the code; the search is the run itself.
        st.button("Find the nearest clips", type="primary", icon=":material/hearing:")
        asked = st.button(
            "Render mine", icon=":material/graphic_eq:",
            help="Plays this code in the offline Sonic Pi, to compare.",
        )  # fmt: skip
    return code, asked


def take_example() -> None:
    if (name := st.session_state["example"]) is not None:
        st.session_state["snippet"] = snippets.SNIPPETS[name]


def nearest(
    corpus: Corpus, alignment: AlignmentRecord, code: str, shown: int
) -> list[Neighbour] | None:
    """The neighbours; None when there is no code."""
    if not code.strip():
        return None
    with st.spinner("Listening …"):
        return neighbours(corpus.name, code, shown, alignment.id)


def draw_neighbours(corpus: Corpus, found: list[Neighbour] | None) -> None:
    if found is None:
        st.info("Write some Sonic Pi code, or begin with an example.", icon=":material/edit:")
        return
    st.caption(
        f"The {say.count(len(found), 'clip')} nearest to this code among {corpus.counts()['ok']:,}"
        f" in {say.plain(corpus.name)}, found without rendering it."
    )
    for each in found:
        card.neighbour(each, f"{each.rank}-{each.program}")


def mine(code: str, render: bool) -> None:
    """Draw the rendered code: its sound, or why there is none."""
    if render and code.strip():
        with say.errors(), st.spinner("Rendering 18 s of sound …"):
            st.session_state["mine"] = (code, sonicpi.render_result(code))
            player.start("mine")
    rendered = st.session_state.get("mine")
    if rendered is None:
        return
    of, result = rendered
    with st.container(border=True, key="mine"):
        st.markdown(
            "**Yours, rendered**" if of == code else "**Yours, rendered before your last change**"
        )
        if result.error:
            st.error(say.plain(str(result.error)), icon=":material/error:")
            lines = of.splitlines()
            if result.error.line and 0 < result.error.line <= len(lines):
                st.code(lines[result.error.line - 1].strip(), language="ruby")
        else:
            player.clip(result.clip, "your code", "mine")
        for warning in result.warnings:
            st.caption(f":material/info: {say.plain(str(warning))}")


frame.show(page)
