"""The gallery: what each template sounds like, and the way into it."""

from __future__ import annotations

import streamlit as st

from core import jobs, programs, workspace
from core.errors import EarshotError
from core.pipeline import gallery as stage
from core.pipeline.estimate import estimate
from core.pipeline.gallery import Shown
from pages.components import cache, job_panel, selection, audio_player, formatting

COLOURS = {
    "melody": "blue",
    "bass": "violet",
    "drums": "orange",
    "chords": "green",
    "ambience": "gray",
}


CHOSEN = "template"  # in the address


def draw() -> None:
    """Draw a card a template."""
    shown = known()
    lacking = sum(each.clip is None for each in shown)
    if lacking:
        offer(lacking)
    role = st.pills(
        "Role",
        programs.ROLES,
        key="role",
        bind="query-params",
        label_visibility="collapsed",
        format_func=str.capitalize,
    )
    shown = [each for each in shown if role in (None, each.template.role)]
    with st.container(key="gallery"):  # a grid, by style.css
        for each in shown:
            draw_one(each)


def draw_one(shown: Shown) -> None:
    """Draw a template: title, role, section, clip, and what opens it."""
    template = shown.template
    about = f"{template.section} · {formatting.plain(template.summary)}"
    badge = f":{COLOURS.get(template.role, 'gray')}-badge[{template.role}]"
    # As few elements as can be: there are 27 of these, and the browser builds each of them.
    with st.container(border=True, height="stretch", gap="small", key=f"template-{template.id}"):
        st.markdown(f"**{formatting.plain(template.title)}** {badge}\n\n:small[:gray[{about}]]")
        st.button(
            "Open",
            key=f"open-{template.id}",
            on_click=selection.keep,
            args=(CHOSEN, template.id),
            help=f"Set its parameters and make variants of {formatting.plain(template.title)}",
        )
        if shown.clip is not None:
            audio_player.clip_file(str(shown.clip), template.title, f"gallery-{template.id}")
        else:
            st.caption(":material/music_off: Not rendered yet")


def known() -> list[Shown]:
    """Every template with its clip; without any where Sonic Pi is missing, and that is said."""
    try:
        return stage.gallery(cache.first_variants())
    except EarshotError as error:
        formatting.show_error(error)
        return [Shown(each, each.render(), None) for each in programs.templates()]


def offer(lacking: int) -> None:
    """Draw how far the clips are, or the button that renders them."""
    running = job_panel.latest("gallery")
    if running is not None and running.state != "done":
        job_panel.panel(running)
        return
    if workspace.read_only():
        return
    expected = estimate(lacking, preset=None)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            "Hear what each template sounds like: one variant of each is rendered once"
            f" ({formatting.count(lacking, 'clip')}, {formatting.duration(expected.seconds)},"
            f" {formatting.size(expected.bytes)}).",
            width="stretch",
        )
        st.button("Render them", icon=":material/graphic_eq:", type="primary", on_click=begin)


def begin() -> None:
    """Render what is lacking as a job; for callbacks."""
    with formatting.errors():
        jobs.start(["gallery"], "Render the gallery")
