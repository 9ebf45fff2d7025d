"""The gallery: what each template sounds like, and the way into it."""

from __future__ import annotations

import streamlit as st

from core import jobs, programs, workspace
from core.errors import EarshotError
from core.stages import gallery as stage
from core.stages.estimate import estimate
from core.stages.gallery import Shown
from pages.parts import cached, job, place, player, say

COLOURS = {
    "melody": "blue", "bass": "violet", "drums": "orange", "chords": "green", "ambience": "gray",
}  # fmt: skip


CHOSEN = "template"  # in the address


def draw() -> None:
    """Draw a card a template."""
    shown = known()
    lacking = sum(each.clip is None for each in shown)
    if lacking:
        offer(lacking)
    role = st.pills(
        "Role", programs.ROLES, key="role", bind="query-params", label_visibility="collapsed",
        format_func=str.capitalize,
    )  # fmt: skip
    shown = [each for each in shown if role in (None, each.template.role)]
    with st.container(key="gallery"):  # a grid, by style.css
        for each in shown:
            draw_one(each)


def draw_one(shown: Shown) -> None:
    """Draw a template: title, role, section, clip, and what opens it."""
    template = shown.template
    about = f"{template.section} · {say.plain(template.summary)}"
    badge = f":{COLOURS.get(template.role, 'gray')}-badge[{template.role}]"
    # As few elements as can be: there are 27 of these, and the browser builds each of them.
    with st.container(border=True, height="stretch", gap="small", key=f"template-{template.id}"):
        st.markdown(f"**{say.plain(template.title)}** {badge}\n\n:small[:gray[{about}]]")
        st.button(
            "Open", key=f"open-{template.id}", on_click=place.keep, args=(CHOSEN, template.id),
            help=f"Set its parameters and make variants of {say.plain(template.title)}",
        )  # fmt: skip
        if shown.clip is not None:
            player.clip_file(str(shown.clip), template.title, f"gallery-{template.id}")
        else:
            st.caption(":material/music_off: Not rendered yet")


def known() -> list[Shown]:
    """Every template with its clip; without any where Sonic Pi is missing, and that is said."""
    try:
        return stage.gallery(cached.first_variants())
    except EarshotError as error:
        say.show_error(error)
        return [Shown(each, each.render(), None) for each in programs.templates()]


def offer(lacking: int) -> None:
    """Draw how far the clips are, or the button that renders them."""
    running = job.latest("gallery")
    if running is not None and running.state != "done":
        job.panel(running)
        return
    if workspace.read_only():
        return
    expected = estimate(lacking, preset=None)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            "Hear what each template sounds like: one variant of each is rendered once"
            f" ({say.count(lacking, 'clip')}, {say.duration(expected.seconds)},"
            f" {say.size(expected.bytes)}).",
            width="stretch",
        )
        st.button("Render them", icon=":material/graphic_eq:", type="primary", on_click=begin)


def begin() -> None:
    """Render what is lacking as a job; for callbacks."""
    with say.errors():
        jobs.start(["gallery"], "Render the gallery")
