"""Listen: code in, the clips nearest to it out, without rendering it; and from sound to code."""

from __future__ import annotations

import streamlit as st

from core import sonicpi
from core.corpus import AlignmentRecord, Corpus
from core.sonicpi import Clip, Rendering
from core.stages.hearing import MOST_BYTES, neighbours_of_sound, read_sound
from core.stages.neighbours import Neighbour, neighbours
from pages.parts import card, editor, frame, place, player, say, snippets

WAYS = {"code": "From code to sound", "sound": "From sound to code"}


def page() -> None:
    st.title("Listen")
    with say.errors():
        here = place.chosen()
        if here.corpus is None:
            place.no_corpus()
        elif here.alignment is None:
            place.no_alignment(here.corpus)
        else:
            way = st.segmented_control(
                "Direction", list(WAYS), default="code", required=True, key="way",
                bind="query-params", format_func=WAYS.get, label_visibility="collapsed",
            )  # fmt: skip
            (search if way == "code" else search_by_sound)(here.corpus, here.alignment)


@st.fragment
def search(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw the code and, while it is being written, what it will sound like."""
    left, right = st.columns([5, 8], gap="medium")
    with left:
        code, asked = write()
        shown = how_many()
    found = None
    with right:
        with say.errors():
            found = nearest(corpus, alignment, code, shown)
            draw_neighbours(corpus, found, code)
    with left:
        mine(code, corpus, alignment, found, render=asked)


def write() -> tuple[str, bool]:
    """Draw the field and its buttons; return the code and whether it is to be rendered."""
    st.selectbox(
        "Begin with", list(snippets.SNIPPETS), index=None, key="example",
        placeholder="Begin with an example …", label_visibility="collapsed", on_change=take_example,
    )  # fmt: skip
    code = editor.code(next(iter(snippets.SNIPPETS.values())))
    with st.container(horizontal=True, vertical_alignment="center"):
        asked = st.button(
            "Render mine", type="primary", icon=":material/graphic_eq:",
            help="Plays this code in the offline Sonic Pi, and shows what was foretold of it.",
        )  # fmt: skip
        st.caption("Clips are found as you write. Space plays, arrows walk.")
    return code, asked


def how_many() -> int:
    return st.select_slider(
        "Clips to find", (3, 5, 10, 20, 50), 5, key="shown", persist_state="session"
    )


def take_example() -> None:
    if (name := st.session_state["example"]) is not None:
        editor.put(snippets.SNIPPETS[name])


def nearest(
    corpus: Corpus, alignment: AlignmentRecord, code: str, shown: int
) -> list[Neighbour] | None:
    """The neighbours; None when there is no code."""
    if not code.strip():
        return None
    return neighbours(corpus.name, code, shown, alignment.id)


def draw_neighbours(corpus: Corpus, found: list[Neighbour] | None, code: str) -> None:
    if found is None:
        st.info("Write some Sonic Pi code, or begin with an example.", icon=":material/edit:")
        return
    st.caption(
        f"The {say.count(len(found), 'clip')} nearest to this code among {corpus.counts()['ok']:,}"
        f" in {say.plain(corpus.name)}, found without rendering it."
    )
    for each in found:
        card.neighbour(each, f"{each.rank}-{each.program}", mine=code)


def mine(
    code: str,
    corpus: Corpus,
    alignment: AlignmentRecord,
    found: list[Neighbour] | None,
    render: bool,
) -> None:
    """Draw the rendered code: its sound and what was foretold of it, or why there is none."""
    if render and code.strip():
        with say.errors(), st.spinner("Rendering 18 s of sound …"):
            st.session_state["mine"] = (code, sonicpi.render_result(code))
            player.start("mine")
    rendered: tuple[str, Rendering] | None = st.session_state.get("mine")
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
            if of == code and found:
                with say.errors():
                    foretold(corpus, alignment, result.clip, found)
        for warning in result.warnings:
            st.caption(f":material/info: {say.plain(str(warning))}")


def foretold(
    corpus: Corpus, alignment: AlignmentRecord, clip: Clip, found: list[Neighbour]
) -> None:
    """Say which of the clips that truly sound nearest were found before rendering."""
    with st.spinner("Listening to it …"):
        true = neighbours_of_sound(corpus.name, clip, len(found), alignment.id, "audio->audio")
    rank = {each.program: each.rank for each in found}
    hits = sum(each.program in rank for each in true)
    st.markdown(
        f"**{hits} of its {len(true)} nearest clips by sound "
        f"{'was' if hits == 1 else 'were'} foretold.**"
    )
    for each in true:
        if each.program in rank:
            st.caption(
                f":material/check: {each.rank}. {say.plain(each.name)}, foretold as number"
                f" {rank[each.program]}"
            )
        else:
            st.caption(f":material/close: {each.rank}. {say.plain(each.name)}, not foretold")
            player.clip_file(each.audio, each.name, f"true-{each.program}")


def search_by_sound(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw the choice of a sound, and the code that may make one like it."""
    left, right = st.columns([5, 8], gap="medium")
    with left:
        given = st.file_uploader(
            "A sound", ["flac", "wav", "ogg", "mp3"], key="sound-file",
            max_upload_size=MOST_BYTES // 1_000_000,
            help="At most 20 MB and 2 minutes. It stays on this machine.",
        )  # fmt: skip
        rendered = st.session_state.get("mine")
        sound, name = None, ""
        if given is not None:
            sound, name = read_sound(given.getvalue(), given.name), given.name
        elif rendered is not None and rendered[1].clip is not None:
            sound, name = rendered[1].clip, "your last rendering"
        if sound is not None:
            st.caption(f"The sound: {say.plain(name)}")
            player.clip(sound, name, "given")
        shown = how_many()
    with right:
        if sound is None:
            st.info(
                "Give a sound, or render a snippet first: the code nearest to it comes here.",
                icon=":material/upload_file:",
            )
            return
        with st.spinner("Listening to it …"):
            found = neighbours_of_sound(corpus.name, sound, shown, alignment.id)
        st.caption(
            f"The {say.count(len(found), 'program')} of {say.plain(corpus.name)} whose code lies"
            " nearest to this sound."
        )
        for each in found:
            card.neighbour(each, f"{each.rank}-{each.program}")


frame.show(page)
