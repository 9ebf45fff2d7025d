"""Listen: code in, the clips nearest to it out, without rendering it; and from sound to code."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import streamlit as st

from core import sonicpi, workspace
from core.corpus import AlignmentRecord, Corpus
from core.sonicpi import Clip, Rendering
from pages.components import (
    cache,
    program_card,
    code_editor,
    layout,
    favourite_controls,
    selection,
    audio_player,
    formatting,
    snippets,
)
from pages.listen import audio_search

if TYPE_CHECKING:
    from core.search.query import Neighbour

WAYS = {"code": "From code to sound", "sound": "From sound to code", "kept": "Favourites"}
# A foretelling's level, as `core.search.confidence` gives it: badge, colour, sign.
SURE = {
    "sure": ("Sure", "green", ":material/verified:"),
    "likely": ("Perhaps", "orange", ":material/help:"),
    "guess": ("A guess", "gray", ":material/casino:"),
}


def page() -> None:
    selection.on_alignment("Listen", listen)


def listen(corpus: Corpus, alignment: AlignmentRecord) -> None:
    way = st.segmented_control(
        "Direction",
        list(WAYS),
        default="code",
        required=True,
        key="way",
        bind="query-params",
        format_func=WAYS.get,
        label_visibility="collapsed",
    )
    draw = {"code": search, "sound": audio_search.search, "kept": favourite_controls.draw}[way]
    draw(corpus, alignment)


@st.fragment
def search(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw the code and, while it is being written, what it will sound like."""
    left, right = st.columns([5, 8], gap="medium")
    with left:
        code, asked = write()
        shown = audio_search.how_many()
    found = None
    with right:
        with formatting.errors():
            found = nearest(corpus, alignment, code, shown)
            draw_neighbours(corpus, alignment, found, code)
    with left:
        mine(code, corpus, alignment, found, render=asked)


def write() -> tuple[str, bool]:
    """Draw the field and its buttons; return the code and whether it is to be rendered."""
    st.selectbox(
        "Begin with",
        list(snippets.SNIPPETS),
        index=None,
        key="example",
        placeholder="Begin with an example …",
        label_visibility="collapsed",
        on_change=take_example,
    )
    code = code_editor.code(next(iter(snippets.SNIPPETS.values())))
    asked = False
    with st.container(horizontal=True, vertical_alignment="center"):
        if workspace.read_only():
            st.caption(":material/visibility: Read-only: what you write is not rendered.")
        else:
            asked = st.button(
                "Render mine",
                type="primary",
                icon=":material/graphic_eq:",
                help="Plays this code in the offline Sonic Pi, and shows what was foretold of it.",
            )
        st.caption("Clips are found as you write. Space plays, arrows walk.")
    return code, asked


def take_example() -> None:
    if (name := st.session_state["example"]) is not None:
        code_editor.put(snippets.SNIPPETS[name])


def nearest(
    corpus: Corpus, alignment: AlignmentRecord, code: str, shown: int
) -> list[Neighbour] | None:
    """The neighbours; None when there is no code."""
    if not code.strip():
        return None
    from core.search.query import neighbours  # brings torch: the editor is there before

    return neighbours(corpus.name, code, shown, alignment.id)


def draw_neighbours(
    corpus: Corpus, alignment: AlignmentRecord, found: list[Neighbour] | None, code: str
) -> None:
    if found is None:
        st.info("Write some Sonic Pi code, or begin with an example.", icon=":material/edit:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        draw_sureness(corpus, alignment, found, code)
        st.caption(
            f"The {formatting.count(len(found), 'clip')} nearest to this code among"
            f" {cache.counts(corpus)['ok']:,} in {formatting.plain(corpus.name)}, found without rendering it."
        )
    keys = favourite_controls.keys()
    for each in found:
        program_card.neighbour(
            each, f"{each.rank}-{each.program}", mine=code, star=(corpus.name, keys)
        )


def draw_sureness(
    corpus: Corpus, alignment: AlignmentRecord, found: list[Neighbour], code: str
) -> None:
    """Say how sure the foretelling is, where the alignment has learnt to tell."""
    from core.search.confidence import how_sure

    sure = how_sure(corpus.name, code, found, alignment.id)
    if sure is None:
        return
    word, colour, icon = SURE[sure.level]
    st.badge(
        f"{word}, {sure.probability:.0%}",
        icon=icon,
        color=colour,
        help="How often clips found like these were near to the truth: at least half as near as"
        f" the truly nearest, for {formatting.count(sure.programs, 'program')} of templates that were"
        " held out.",
    )


def mine(
    code: str,
    corpus: Corpus,
    alignment: AlignmentRecord,
    found: list[Neighbour] | None,
    render: bool,
) -> None:
    """Draw the rendered code: its sound and what was foretold of it, or why there is none."""
    if render and code.strip():
        with formatting.errors(), st.spinner("Rendering 18 s of sound …"):
            st.session_state["mine"] = (code, sonicpi.render_result(code))
            audio_player.start("mine")
    rendered: tuple[str, Rendering] | None = st.session_state.get("mine")
    if rendered is None:
        return
    of, result = rendered
    with st.container(border=True, key="mine"):
        st.markdown(
            "**Yours, rendered**" if of == code else "**Yours, rendered before your last change**"
        )
        if result.error:
            st.error(formatting.plain(str(result.error)), icon=":material/error:")
            lines = of.splitlines()
            if result.error.line and 0 < result.error.line <= len(lines):
                st.code(lines[result.error.line - 1].strip(), language="ruby")
        else:
            audio_player.clip(result.clip, "your code", "mine")
            if of == code and found:
                with formatting.errors():
                    foretold(corpus, alignment, result.clip, of, found)
        for warning in result.warnings:
            st.caption(f":material/info: {formatting.plain(str(warning))}")


def foretold(
    corpus: Corpus, alignment: AlignmentRecord, clip: Clip, of: str, found: list[Neighbour]
) -> None:
    """Say which of the clips that truly sound nearest were found before rendering."""
    digest = hashlib.sha256(of.encode()).hexdigest()
    true = audio_search.neighbours_by_sound(
        corpus, alignment, clip, f"code {digest}", len(found), "audio->audio"
    )
    rank = {each.program: each.rank for each in found}
    hits = sum(each.program in rank for each in true)
    st.markdown(
        f"**{hits} of its {len(true)} nearest clips by sound "
        f"{'was' if hits == 1 else 'were'} foretold.**"
    )
    for each in true:
        if each.program in rank:
            st.caption(
                f":material/check: {each.rank}. {formatting.plain(each.name)}, foretold as number"
                f" {rank[each.program]}"
            )
        else:
            st.caption(f":material/close: {each.rank}. {formatting.plain(each.name)}, not foretold")
            audio_player.clip_file(each.audio, each.name, f"true-{each.program}")


layout.show(page)
