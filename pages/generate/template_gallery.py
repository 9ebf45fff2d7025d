"""The gallery: what each template sounds like, and the way into it."""

from __future__ import annotations

import streamlit as st

from core import jobs, programs, workspace
from core.errors import EarshotError
from core.pipeline import gallery as stage
from core.pipeline.estimate import estimate_build
from core.pipeline.gallery import GalleryItem
from pages.components import cache, job_panel, selection, audio_player, formatting

ROLE_COLOURS = {
    "melody": "blue",
    "bass": "violet",
    "drums": "orange",
    "chords": "green",
    "ambience": "gray",
}


TEMPLATE_URL_PARAM = "template"  # in the address


def draw_template_gallery() -> None:
    """Draw a card a template."""
    shown = load_gallery_items()
    lacking = sum(each.clip_path is None for each in shown)
    if lacking:
        offer_gallery_rendering(lacking)
    role = st.pills(
        "Role",
        programs.PROGRAM_ROLES,
        key="role",
        bind="query-params",
        label_visibility="collapsed",
        format_func=str.capitalize,
    )
    shown = [each for each in shown if role in (None, each.template.role)]
    with st.container(key="gallery"):  # a grid, by style.css
        for each in shown:
            draw_template_card(each)


def draw_template_card(item: GalleryItem) -> None:
    """Draw a template: title, role, section, clip, and what opens it."""
    template = item.template
    about = f"{template.section} · {formatting.escape_markdown(template.summary)}"
    badge = f":{ROLE_COLOURS.get(template.role, 'gray')}-badge[{template.role}]"
    # As few elements as can be: there are 27 of these, and the browser builds each of them.
    with st.container(border=True, height="stretch", gap="small", key=f"template-{template.id}"):
        st.markdown(f"**{formatting.escape_markdown(template.title)}** {badge}\n\n:small[:gray[{about}]]")
        st.button(
            "Open",
            key=f"open-{template.id}",
            on_click=selection.set_url_param,
            args=(TEMPLATE_URL_PARAM, template.id),
            help=f"Set its parameters and make variants of {formatting.escape_markdown(template.title)}",
        )
        if item.clip_path is not None:
            audio_player.draw_file_player(str(item.clip_path), template.title, f"gallery-{template.id}")
        else:
            st.caption(":material/music_off: Not rendered yet")


def load_gallery_items() -> list[GalleryItem]:
    """Every template with its clip; without any where Sonic Pi is missing, and that is said."""
    try:
        return stage.list_gallery_items(cache.load_first_variants())
    except EarshotError as error:
        formatting.show_error(error)
        return [GalleryItem(each, each.render(), None) for each in programs.list_templates()]


def offer_gallery_rendering(missing_count: int) -> None:
    """Draw how far the clips are, or the button that renders them."""
    running = job_panel.find_latest_job("gallery")
    if running is not None and running.state != "done":
        job_panel.draw_job_panel(running)
        return
    if workspace.is_read_only():
        return
    expected = estimate_build(missing_count, preset=None)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            "Hear what each template sounds like: one variant of each is rendered once"
            f" ({formatting.format_count(missing_count, 'clip')}, {formatting.format_duration(expected.seconds)},"
            f" {formatting.format_bytes(expected.size_bytes)}).",
            width="stretch",
        )
        st.button("Render them", icon=":material/graphic_eq:", type="primary", on_click=start_gallery_job)


def start_gallery_job() -> None:
    """Render what is lacking as a job; for callbacks."""
    with formatting.catch_and_show_errors():
        jobs.start_job(["gallery"], "Render the gallery")
