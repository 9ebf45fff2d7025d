"""A program on a page: what it is, its clip, its code, and its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Sequence

import pandas as pd
import streamlit as st

from core.programs.diff import code_difference, traits, value_differences
from pages.components import cache, favourite_controls, audio_player, formatting

if TYPE_CHECKING:
    from core.search.query import Neighbour


def head(name: str, template: str, *badges: str) -> None:
    """Draw a program's name with its template, role and the like."""
    title = cache.titles().get(template, template)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{formatting.plain(title or name)}**", width="content")
        for badge in badges:
            if badge:
                st.badge(formatting.plain(badge), color="gray")
    st.caption(formatting.plain(name))


def parameters(values: dict[str, Any]) -> None:
    """Draw what was drawn for a program."""
    if values:
        with st.expander(formatting.count(len(values), "parameter"), type="compact"):
            lines = [f"{name}: {value}" for name, value in values.items()]
            st.code("\n".join(lines), language="yaml", wrap_lines=True)


def neighbour(
    found: Neighbour,
    key: str,
    mine: str | None = None,
    star: tuple[str, set[tuple[str, str]]] | None = None,
) -> None:
    """Draw a neighbour: rank, template, similarity, clip, code, and how it differs.

    Parameters
    ----------
    found : Neighbour
    key : str
        Unique on the page.
    mine : str, optional
        Code to compare it with.
    star : pair of str and set, optional
        Its corpus, and the favourites' keys: then it can be kept.
    """
    title = cache.titles().get(found.template, found.template) or found.name
    with st.container(border=True, key=f"neighbour-{key}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{found.rank}. {formatting.plain(title)}**", width="content")
            st.caption(formatting.plain(found.name), width="stretch")
            st.badge(
                f"similarity {found.similarity:.2f}",
                color="blue",
                help="Cosine of code and clip in the shared space; 1 is the same direction.",
            )
            if star is not None:
                corpus, keys = star
                favourite_controls.star(
                    corpus,
                    found.program,
                    found.name,
                    found.template,
                    (corpus, found.program) in keys,
                    key,
                )
        sound, code = st.columns(2, gap="small", vertical_alignment="center")
        with sound:
            audio_player.clip_file(found.audio, found.name, key)
        with code:
            st.code(found.source, language="ruby", height=116)
        if mine is not None:
            with st.expander("What differs from yours", key=f"differs-{key}", type="compact"):
                differences(mine, found.source)


def differences(mine: str, other: str, names: tuple[str, str] = ("Yours", "This one")) -> None:
    """Draw what differs between two programs: what their texts name, and their lines."""
    changed = value_differences(traits(mine), traits(other))
    if changed:
        rows = pd.DataFrame(changed, columns=["What", *names])
        st.table(rows.set_index("What").replace("", "–"))
    text = code_difference(mine, other)
    if text:
        st.code(text, language="diff", height=220)
    else:
        st.caption("The code is the same.")


def pick_list(found: Sequence[Neighbour], key: str, on_pick) -> None:
    """Draw neighbours in a line each: what plays it, and what picks it.

    Parameters
    ----------
    found : sequence of Neighbour
    key : str
    on_pick : callable
        Called with the id of the picked program.
    """
    titles = cache.titles()
    with st.container(gap=None, key=f"{key}-list"):
        for each in found:
            title = titles.get(each.template, each.template) or each.name
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                audio_player.small(each.audio, each.name, f"{key}-{each.rank}")
                st.button(
                    f"{each.rank}. {formatting.plain(title)} · {each.similarity:.2f}",
                    key=f"{key}-{each.rank}",
                    type="tertiary",
                    help=formatting.plain(each.name),
                    on_click=on_pick,
                    args=(each.program,),
                    width="stretch",
                )
