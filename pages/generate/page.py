"""Page Generate: the template gallery, one template's parameters, and its variants for a corpus."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import jobs, programs, sonicpi, workspace
from core.clip_length_limits import DEFAULT_CLIP_SECONDS
from core.corpus import list_corpora
from core.errors import EarshotError
from core.programs import ParameterSpec, Program, Template
from core.programs.cli_parameter_syntax import format_parameter_text
from pages.components import (
    audio_player,
    corpus_and_alignment_picker,
    markdown_and_errors,
    page_header_and_sidebar,
    program_actions_menu,
    program_header_and_diff,
    session_keys,
)
from pages.components.program_actions_menu import ProgramToUse
from pages.components.sonic_pi_version_choice import draw_sonic_pi_choice
from pages.components.unknown_url_value_notice import draw_unknown_url_value_warning
from pages.generate import (
    grammar_form,
    parameter_controls,
    template_gallery,
    variant_audition,
)
from pages.generate.corpus_and_count_controls import (
    draw_corpus_and_program_count_controls,
    read_corpus_choice,
)
from pages.generate.generation_job import draw_generation_job, estimate_and_format_generation_cost

PREVIEW_PLAYER_KEY = "preview"


def draw_page() -> None:
    """Draw the page."""
    with markdown_and_errors.catch_and_show_errors():
        template = draw_template_picker()
        corpus_and_alignment_picker.scroll_to_top_on_change(template.id if template else "")
        if template is None:
            if not workspace.is_workspace_read_only():
                grammar_form.draw_grammar_form()
            template_gallery.draw_template_gallery()
        else:
            draw_template_editor(template)


def draw_template_picker() -> Template | None:
    """Draw the title and the choice of a template; None shows the gallery."""
    templates = {template.id: template for template in programs.list_templates()}
    template = templates.get(session_keys.TEMPLATE.get_value() or "")
    # The URL decides, also after the browser's Back.
    session_keys.TEMPLATE_SELECT.set_value(template.id if template else None)
    if template is None and (requested_id := session_keys.TEMPLATE.get_value()):
        draw_unknown_url_value_warning("template", requested_id, "all templates")
    with st.container(horizontal=True, vertical_alignment="center"):
        title = (
            markdown_and_errors.escape_markdown(template.title) if template else "Generate programs"
        )
        st.title(title, width="stretch")
        if template is not None:
            st.button(
                "All templates",
                icon=":material/grid_view:",
                on_click=session_keys.TEMPLATE.set_value,
                args=(None,),
            )
        st.selectbox(
            "Template",
            list(templates),
            index=None,
            key=session_keys.TEMPLATE_SELECT.name,
            on_change=_open_selected_template,
            width=360,
            label_visibility="collapsed",
            placeholder=f"Choose one of {len(templates)} templates",
            format_func=lambda name: f"{templates[name].section} · {templates[name].title}",
        )
    if template is None:
        st.caption(
            "Each template follows a section of Sonic Pi's tutorial, shown by its number. Choose"
            " one to set its parameters and generate variants."
        )
        return None
    st.caption(
        f"{template.section} · {template.role} ·"
        f" {markdown_and_errors.escape_markdown(template.summary)}"
    )
    return template


def _open_selected_template() -> None:
    session_keys.TEMPLATE.set_value(session_keys.TEMPLATE_SELECT.get_value())


def draw_template_editor(template: Template) -> None:
    """Draw a template's parameters, one variant, and the form that generates more."""
    left, right = st.columns([9, 11], gap="large")
    with left:
        seed, variant_number = draw_seed_and_variant_controls()
        specs = template.list_template_parameters()
        fixed_values = parameter_controls.read_chosen_parameter_values(template, specs)
        program = generate_template_variant(template, fixed_values, seed, variant_number)
        draw_parameter_controls(template, specs, program)
    if program is None:
        return
    with right:
        draw_variant_preview(program)
        variant_audition.draw_variant_audition(template, fixed_values, program, variant_number)
        if not workspace.is_workspace_read_only():
            draw_generation_form(template, fixed_values, seed)


def draw_seed_and_variant_controls() -> tuple[int, int]:
    """Draw the choice of seed and variant; return both."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(
            "Seed",
            0,
            2**31,
            key=session_keys.GENERATION_SEED.name,
            persist_state="session",
            help="The same seed gives the same programs on every machine.",
        )
        variant_number = st.number_input(
            "Variant",
            0,
            999_999,
            key=session_keys.GENERATION_VARIANT.name,
            persist_state="session",
            help="Which of the seed's programs is shown.",
        )
        st.button(
            "Next variant",
            icon=":material/casino:",
            on_click=_show_next_variant,
            help="Show the next variant.",
            shortcut="Alt+N",
        )
    return int(seed), int(variant_number)


def _show_next_variant() -> None:
    session_keys.GENERATION_VARIANT.set_value(int(session_keys.GENERATION_VARIANT.get_value()) + 1)


def generate_template_variant(
    template: Template, fixed_values: dict[str, Any], seed: int, variant_number: int
) -> Program | None:
    """Generate a variant; draw the error and return None if a value is invalid."""
    try:
        return template.render(fixed_values, seed, variant_number)
    except EarshotError as error:
        markdown_and_errors.show_error(error)
        return None


def draw_parameter_controls(
    template: Template, specs: list[ParameterSpec], program: Program | None
) -> None:
    """Draw a control for each parameter, first for those that the shown variant uses."""
    values = dict(program.parameters) if program else {}
    used_specs = [spec for spec in specs if spec.name in values] if program else specs
    unused_specs = [spec for spec in specs if spec not in used_specs]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Parameters**", width="stretch")
        st.button(
            "Reset to random",
            type="tertiary",
            icon=":material/ink_eraser:",
            on_click=parameter_controls.reset_parameter_sampling,
            args=(template, specs),
        )
    with st.container(height=470, gap="small", key="parameters"):
        for spec in used_specs:
            parameter_controls.draw_parameter_control(template, spec, values.get(spec.name))
        if unused_specs:
            count = markdown_and_errors.pluralize(len(unused_specs), "parameter")
            with st.expander(f"{count} of other variants", key="unused-parameters"):
                for spec in unused_specs:
                    parameter_controls.draw_parameter_control(template, spec, None)


def draw_variant_preview(program: Program) -> None:
    """Draw a variant's code, and the button that renders and plays it."""
    st.code(program.source, language="ruby", height=270, line_numbers=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        should_render = st.button(
            "Render and play", type="primary", icon=":material/graphic_eq:", shortcut="Alt+Enter"
        )
        # Filled last, because the clip may be rendered below.
        actions = st.container(width="content", key="variant-actions")
        st.caption(f"{program.name}, seed {program.seed}")
    # A fixed height keeps everything below in place when the player appears.
    with st.container(height=64, border=False, vertical_alignment="center", key="preview"):
        if should_render:
            with st.spinner(f"Rendering {DEFAULT_CLIP_SECONDS:g} s of sound …"):
                rendering = sonicpi.try_render(program.source)
            session_keys.PREVIEW_RENDERING.set_value(
                session_keys.RenderedSnippet(program.id, rendering)
            )
            audio_player.request_autoplay(PREVIEW_PLAYER_KEY)
        preview = session_keys.PREVIEW_RENDERING.get_value()
        if preview and preview.key == program.id:
            draw_render_result(preview.rendering, program)
        else:
            st.caption(":material/hearing: Not rendered yet. Rendering takes about a second.")
    clip = preview.rendering.clip if preview and preview.key == program.id else None
    with actions:
        program_actions_menu.draw_program_actions_popover(
            ProgramToUse.from_new_program(program, clip), "generate"
        )


def draw_render_result(rendering: sonicpi.RenderResult, program: Program) -> None:
    """Draw the player of a rendered variant, or its error, and the warnings."""
    if rendering.clip is not None:
        audio_player.draw_clip_player(rendering.clip, program.name, PREVIEW_PLAYER_KEY)
    else:
        st.error(
            markdown_and_errors.escape_markdown(rendering.error),
            icon=":material/error:",
        )
    program_header_and_diff.draw_render_warnings(rendering.warnings)


# -- many variants ----------------------------------------------------------------------------


def draw_generation_form(template: Template, fixed_values: dict[str, Any], seed: int) -> None:
    """Draw the form that adds variants of a template to a corpus, as a job."""
    with st.container(border=True):
        st.markdown("**Generate more variants**")
        corpus_names = list_corpora()
        with st.container(horizontal=True, vertical_alignment="bottom"):
            corpus_name, program_count = draw_corpus_and_program_count_controls(
                corpus_names, session_keys.GENERATION_CORPUS, session_keys.GENERATION_COUNT
            )
        is_existing = corpus_name in corpus_names
        existing_name = corpus_name if is_existing else None
        st.caption(
            estimate_and_format_generation_cost(
                existing_name, program_count, seed, len(fixed_values)
            )
        )
        if corpus_name and not is_existing:
            draw_sonic_pi_choice(session_keys.GENERATION_SONIC_PI)
        escaped_name = markdown_and_errors.escape_markdown(corpus_name or "a corpus")
        st.button(
            f"{'Add to' if is_existing else 'Create'} {escaped_name}",
            icon=":material/library_add:",
            disabled=not corpus_name,
            on_click=_start_generation_job,
            args=(template,),
        )
        if corpus_name:
            draw_generation_job(corpus_name)


def _start_generation_job(template: Template) -> None:
    # A callback runs before the page draws what was typed last, so it reads the widgets' state.
    corpus_name = read_corpus_choice(session_keys.GENERATION_CORPUS) or ""
    program_count, seed = (
        int(session_keys.GENERATION_COUNT.get_value()),
        int(session_keys.GENERATION_SEED.get_value()),
    )
    argv = ["build", corpus_name, "--templates", template.id]
    argv += ["--per-template", str(program_count), "--seed", str(seed)]
    fixed_values = parameter_controls.read_chosen_parameter_values(
        template, template.list_template_parameters()
    )
    for name, value in fixed_values.items():
        argv += ["--set", f"{template.id}.{name}={format_parameter_text(value)}"]
    sonic_pi = session_keys.GENERATION_SONIC_PI.get_value()
    # A corpus that exists keeps its own version.
    if sonic_pi not in (None, sonicpi.DEFAULT_SONIC_PI) and corpus_name not in list_corpora():
        argv += ["--sonic-pi", str(sonic_pi)]
    with markdown_and_errors.catch_and_show_errors():
        workspace.validate_folder_name(corpus_name, "corpus")
        title = f"Add {markdown_and_errors.pluralize(program_count, 'program')} to {corpus_name}"
        session_keys.GENERATION_JOB.set_value(jobs.start_job(argv, title).id)


page_header_and_sidebar.run_page(draw_page)
