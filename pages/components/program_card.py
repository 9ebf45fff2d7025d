"""A program on a page: what it is, its clip, its code, and its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

import pandas as pd
import streamlit as st

from core.programs.diff import diff_sources, extract_code_traits, diff_values
from pages.components import cache, favourite_controls, audio_player, formatting

if TYPE_CHECKING:
    from core.search.query import Neighbour


def draw_program_header(name: str, template_id: str, *badges: str) -> None:
    """Draw a program's name with its template, role and the like."""
    title = cache.load_template_titles().get(template_id, template_id)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{formatting.escape_markdown(title or name)}**", width="content")
        for badge in badges:
            if badge:
                st.badge(formatting.escape_markdown(badge), color="gray")
    st.caption(formatting.escape_markdown(name))


def draw_parameter_values(values: dict[str, Any]) -> None:
    """Draw what was drawn for a program."""
    if values:
        with st.expander(formatting.format_count(len(values), "parameter"), type="compact"):
            lines = [f"{name}: {value}" for name, value in values.items()]
            st.code("\n".join(lines), language="yaml", wrap_lines=True)


def draw_neighbour(
    neighbour: Neighbour,
    key: str,
    snippet: str | None = None,
    corpus_and_favourites: tuple[str, set[tuple[str, str]]] | None = None,
) -> None:
    """Draw a neighbour: rank, template, similarity, clip, code, and how it differs.

    Parameters
    ----------
    neighbour : Neighbour
    key : str
        Unique on the page.
    snippet : str, optional
        Code to compare it with.
    corpus_and_favourites : pair of str and set, optional
        Its corpus, and the favourites' keys: then it can be kept.
    """
    title = cache.load_template_titles().get(neighbour.template, neighbour.template) or neighbour.name
    with st.container(border=True, key=f"neighbour-{key}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{neighbour.rank}. {formatting.escape_markdown(title)}**", width="content")
            st.caption(formatting.escape_markdown(neighbour.name), width="stretch")
            st.badge(
                f"similarity {neighbour.similarity:.2f}",
                color="blue",
                help="Cosine of code and clip in the shared space; 1 is the same direction.",
            )
            if corpus_and_favourites is not None:
                corpus, keys = corpus_and_favourites
                favourite_controls.draw_favourite_button(
                    corpus,
                    neighbour.program_id,
                    neighbour.name,
                    neighbour.template,
                    (corpus, neighbour.program_id) in keys,
                    key,
                )
        sound, code = st.columns(2, gap="small", vertical_alignment="center")
        with sound:
            audio_player.draw_file_player(neighbour.audio_path, neighbour.name, key)
        with code:
            st.code(neighbour.source, language="ruby", height=116)
        if snippet is not None:
            with st.expander("What differs from yours", key=f"differs-{key}", type="compact"):
                draw_code_differences(snippet, neighbour.source)


def draw_code_differences(first_source: str, second_source: str, column_names: tuple[str, str] = ("Yours", "This one")) -> None:
    """Draw what differs between two programs: what their texts name, and their lines."""
    changed = diff_values(extract_code_traits(first_source), extract_code_traits(second_source))
    if changed:
        rows = pd.DataFrame(changed, columns=["What", *column_names])
        st.table(rows.set_index("What").replace("", "–"))
    text = diff_sources(first_source, second_source)
    if text:
        st.code(text, language="diff", height=220)
    else:
        st.caption("The code is the same.")


def draw_neighbour_list(neighbours: Sequence[Neighbour], key: str, on_select) -> None:
    """Draw neighbours in a line each: what plays it, and what picks it.

    Parameters
    ----------
    neighbours : sequence of Neighbour
    key : str
    on_select : callable
        Called with the id of the picked program.
    """
    titles = cache.load_template_titles()
    with st.container(gap=None, key=f"{key}-list"):
        for each in neighbours:
            title = titles.get(each.template, each.template) or each.name
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                audio_player.draw_play_button(each.audio_path, each.name, f"{key}-{each.rank}")
                st.button(
                    f"{each.rank}. {formatting.escape_markdown(title)} · {each.similarity:.2f}",
                    key=f"{key}-{each.rank}",
                    type="tertiary",
                    help=formatting.escape_markdown(each.name),
                    on_click=on_select,
                    args=(each.program_id,),
                    width="stretch",
                )
