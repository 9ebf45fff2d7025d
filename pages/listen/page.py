"""Listen: code in, the clips nearest to it out, without rendering it; and from sound to code."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import streamlit as st

from core import sonicpi, workspace
from core.corpus import AlignmentRecord, Corpus
from core.sonicpi import Clip, RenderResult
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

SEARCH_MODE_LABELS = {"code": "From code to sound", "sound": "From sound to code", "kept": "Favourites"}
# A foretelling's level, as `core.search.confidence` gives it: badge, colour, sign.
CONFIDENCE_BADGES = {
    "sure": ("Sure", "green", ":material/verified:"),
    "likely": ("Perhaps", "orange", ":material/help:"),
    "guess": ("A guess", "gray", ":material/casino:"),
}


def draw_page() -> None:
    selection.draw_alignment_page("Listen", draw_search_modes)


def draw_search_modes(corpus: Corpus, alignment: AlignmentRecord) -> None:
    way = st.segmented_control(
        "Direction",
        list(SEARCH_MODE_LABELS),
        default="code",
        required=True,
        key="way",
        bind="query-params",
        format_func=SEARCH_MODE_LABELS.get,
        label_visibility="collapsed",
    )
    draw = {"code": draw_code_search, "sound": audio_search.draw_audio_search, "kept": favourite_controls.draw_favourites}[way]
    draw(corpus, alignment)


@st.fragment
def draw_code_search(corpus: Corpus, alignment: AlignmentRecord) -> None:
    """Draw the code and, while it is being written, what it will sound like."""
    left, right = st.columns([5, 8], gap="medium")
    with left:
        code, asked = draw_snippet_form()
        shown = audio_search.choose_neighbour_count()
    found = None
    with right:
        with formatting.catch_and_show_errors():
            found = find_snippet_neighbours(corpus, alignment, code, shown)
            draw_neighbours(corpus, alignment, found, code)
    with left:
        draw_snippet_rendering(code, corpus, alignment, found, should_render=asked)


def draw_snippet_form() -> tuple[str, bool]:
    """Draw the field and its buttons; return the code and whether it is to be rendered."""
    st.selectbox(
        "Begin with",
        list(snippets.EXAMPLE_SNIPPETS),
        index=None,
        key="example",
        placeholder="Begin with an example …",
        label_visibility="collapsed",
        on_change=insert_selected_example,
    )
    code = code_editor.draw_code_editor(next(iter(snippets.EXAMPLE_SNIPPETS.values())))
    asked = False
    with st.container(horizontal=True, vertical_alignment="center"):
        if workspace.is_read_only():
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


def insert_selected_example() -> None:
    if (name := st.session_state["example"]) is not None:
        code_editor.set_editor_code(snippets.EXAMPLE_SNIPPETS[name])


def find_snippet_neighbours(
    corpus: Corpus, alignment: AlignmentRecord, snippet: str, k: int
) -> list[Neighbour] | None:
    """The neighbours; None when there is no code."""
    if not snippet.strip():
        return None
    # These bring torch: the editor is there before.
    from core.search.aligned_corpus import open_aligned_corpus
    from core.search.query import find_neighbours

    return find_neighbours(open_aligned_corpus(corpus, alignment.id), snippet, k)


def draw_neighbours(
    corpus: Corpus, alignment: AlignmentRecord, neighbours: list[Neighbour] | None, snippet: str
) -> None:
    if neighbours is None:
        st.info("Write some Sonic Pi code, or begin with an example.", icon=":material/edit:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        draw_confidence(corpus, alignment, neighbours, snippet)
        st.caption(
            f"The {formatting.format_count(len(neighbours), 'clip')} nearest to this code among"
            f" {cache.count_programs_by_state(corpus)['ok']:,} in {formatting.escape_markdown(corpus.name)}, found without rendering it."
        )
    keys = favourite_controls.load_favourite_keys()
    for each in neighbours:
        program_card.draw_neighbour(
            each, f"{each.rank}-{each.program_id}", snippet=snippet, corpus_and_favourites=(corpus.name, keys)
        )


def draw_confidence(
    corpus: Corpus, alignment: AlignmentRecord, neighbours: list[Neighbour], snippet: str
) -> None:
    """Say how sure the foretelling is, where the alignment has learnt to tell."""
    from core.search.aligned_corpus import open_aligned_corpus
    from core.search.confidence import estimate_confidence

    sure = estimate_confidence(open_aligned_corpus(corpus, alignment.id), snippet, neighbours)
    if sure is None:
        return
    word, colour, icon = CONFIDENCE_BADGES[sure.level]
    st.badge(
        f"{word}, {sure.probability:.0%}",
        icon=icon,
        color=colour,
        help="How often clips found like these were near to the truth: at least half as near as"
        f" the truly nearest, for {formatting.format_count(sure.calibration_program_count, 'program')} of templates that were"
        " held out.",
    )


def draw_snippet_rendering(
    snippet: str,
    corpus: Corpus,
    alignment: AlignmentRecord,
    neighbours: list[Neighbour] | None,
    should_render: bool,
) -> None:
    """Draw the rendered code: its sound and what was foretold of it, or why there is none."""
    if should_render and snippet.strip():
        with formatting.catch_and_show_errors(), st.spinner("Rendering 18 s of sound …"):
            st.session_state["mine"] = (snippet, sonicpi.try_render(snippet))
            audio_player.request_autoplay("mine")
    rendered: tuple[str, RenderResult] | None = st.session_state.get("mine")
    if rendered is None:
        return
    of, result = rendered
    with st.container(border=True, key="mine"):
        st.markdown(
            "**Yours, rendered**" if of == snippet else "**Yours, rendered before your last change**"
        )
        if result.error:
            st.error(formatting.escape_markdown(str(result.error)), icon=":material/error:")
            lines = of.splitlines()
            if result.error.line and 0 < result.error.line <= len(lines):
                st.code(lines[result.error.line - 1].strip(), language="ruby")
        else:
            audio_player.draw_clip_player(result.clip, "your code", "mine")
            if of == snippet and neighbours:
                with formatting.catch_and_show_errors():
                    draw_prediction_check(corpus, alignment, result.clip, of, neighbours)
        for warning in result.warnings:
            st.caption(f":material/info: {formatting.escape_markdown(str(warning))}")


def draw_prediction_check(
    corpus: Corpus, alignment: AlignmentRecord, clip: Clip, snippet: str, predicted_neighbours: list[Neighbour]
) -> None:
    """Say which of the clips that truly sound nearest were found before rendering."""
    digest = hashlib.sha256(snippet.encode()).hexdigest()
    true = audio_search.find_clip_neighbours(
        corpus, alignment, clip, f"code {digest}", len(predicted_neighbours), "audio->audio"
    )
    rank = {each.program_id: each.rank for each in predicted_neighbours}
    hits = sum(each.program_id in rank for each in true)
    st.markdown(
        f"**{hits} of its {len(true)} nearest clips by sound "
        f"{'was' if hits == 1 else 'were'} foretold.**"
    )
    for each in true:
        if each.program_id in rank:
            st.caption(
                f":material/check: {each.rank}. {formatting.escape_markdown(each.name)}, foretold as number"
                f" {rank[each.program_id]}"
            )
        else:
            st.caption(f":material/close: {each.rank}. {formatting.escape_markdown(each.name)}, not foretold")
            audio_player.draw_file_player(each.audio_path, each.name, f"true-{each.program_id}")


layout.run_page(draw_page)
