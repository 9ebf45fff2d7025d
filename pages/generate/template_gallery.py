"""Gallery of all templates: a card with the clip of one variant of each."""

from __future__ import annotations

import streamlit as st

from core import programs, workspace
from core.errors import EarshotError
from core.pipeline import template_gallery_rendering
from core.pipeline.cost_estimates import estimate_build_cost
from core.pipeline.template_gallery_rendering import GalleryItem
from pages.components import (
    audio_player,
    job_panel,
    markdown_and_errors,
    page_cache,
    session_keys,
)
from pages.components.unknown_url_value_notice import (
    remember_unknown_url_value,
    warn_about_remembered_url_value,
)

ROLE_COLOURS = {
    "melody": "blue",
    "bass": "violet",
    "drums": "orange",
    "chords": "green",
    "ambience": "gray",
}
ROLE_KEY = "role"  # Also the name of the URL's parameter.


def draw_template_gallery() -> None:
    """Draw a card for each template, and the button that renders missing clips."""
    items = load_gallery_items()
    missing_count = sum(item.clip_path is None for item in items)
    if missing_count:
        draw_gallery_job_or_button(missing_count)
    remember_unknown_url_value(ROLE_KEY, [role.capitalize() for role in programs.PROGRAM_ROLES])
    role = st.pills(
        "Role",
        programs.PROGRAM_ROLES,
        key=ROLE_KEY,
        bind="query-params",
        label_visibility="collapsed",
        format_func=str.capitalize,
    )
    warn_about_remembered_url_value(ROLE_KEY, "role", role or "all roles")
    with st.container(key="gallery"):  # style.css makes it a grid.
        for item in items:
            if role in (None, item.template.role):
                draw_template_card(item)


def draw_template_card(item: GalleryItem) -> None:
    """Draw a template's title, role, section and clip, and the button that opens it."""
    template = item.template
    title = markdown_and_errors.escape_markdown(template.title)
    badge = f":{ROLE_COLOURS.get(template.role, 'gray')}-badge[{template.role}]"
    summary = f"{template.section} · {markdown_and_errors.escape_markdown(template.summary)}"
    with st.container(border=True, height="stretch", gap="small", key=f"template-{template.id}"):
        # One element instead of three: the browser builds each of them for 27 templates.
        st.markdown(f"**{title}** {badge}\n\n:small[:gray[{summary}]]")
        st.button(
            "Open",
            key=f"open-template-{template.id}",
            on_click=session_keys.TEMPLATE.set_value,
            args=(template.id,),
            help=f"Set the parameters of {title} and generate variants",
        )
        if item.clip_path is not None:
            player_key = f"gallery-{template.id}"
            audio_player.draw_audio_file_player(str(item.clip_path), template.title, player_key)
        else:
            st.caption(":material/music_off: Not rendered yet")


def load_gallery_items() -> list[GalleryItem]:
    """Return every template with its clip; without clips, and the error shown, on failure."""
    try:
        return template_gallery_rendering.list_gallery_items(
            page_cache.load_first_template_variants()
        )
    except EarshotError as error:  # Sonic Pi is not installed.
        markdown_and_errors.show_error(error)
        return [
            GalleryItem(template, template.render(), None) for template in programs.list_templates()
        ]


def draw_gallery_job_or_button(missing_count: int) -> None:
    """Draw the job that renders missing clips, or the button that starts it."""
    if job_panel.draw_latest_job_unless_done("gallery") or workspace.is_workspace_read_only():
        return
    estimate = estimate_build_cost(missing_count, preset=None)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            "Render one variant of each template to hear it"
            f" ({markdown_and_errors.pluralize(missing_count, 'clip')},"
            f" {job_panel.estimate_and_format_work_duration('build', estimate.seconds)},"
            f" {markdown_and_errors.format_bytes(estimate.size_bytes)}).",
            width="stretch",
        )
        job_panel.draw_job_start_button(
            "Render gallery clips",
            ["gallery"],
            "Render the gallery",
            icon=":material/graphic_eq:",
            is_primary=True,
        )
