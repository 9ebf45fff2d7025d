"""Generate: all templates to hear; one of them, its parameters, a variant, many for a corpus."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import jobs, programs, sonicpi, workspace
from core.corpus import Corpus, list_corpora
from core.encoders import PRESETS
from core.errors import EarshotError
from core.programs import ChoiceSubset, ParameterSpec, Program, NumberRange, Template
from core.programs.parameters import format_ruby_value
from core.pipeline.estimate import estimate_build
from pages.components import cache, layout, job_panel, selection, audio_player, formatting
from pages.generate import template_gallery
from pages.generate.parameter_controls import reset_parameters, draw_parameter_control, read_fixed_values

TEMPLATE_SELECT_KEY = "choose-template"


def draw_page() -> None:
    with formatting.catch_and_show_errors():
        template = choose_template()
        selection.scroll_to_top_on_change(template.id if template else "")
        if template is None:
            template_gallery.draw_template_gallery()
        else:
            draw_template_editor(template)


def choose_template() -> Template | None:
    """Draw the choice of a template; None for all of them."""
    known = {each.id: each for each in programs.list_templates()}
    chosen = known.get(selection.get_url_param(template_gallery.TEMPLATE_URL_PARAM))
    st.session_state[TEMPLATE_SELECT_KEY] = chosen and chosen.id
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(formatting.escape_markdown(chosen.title) if chosen else "Generate programs", width="stretch")
        if chosen is not None:
            st.button(
                "All templates",
                icon=":material/grid_view:",
                on_click=selection.set_url_param,
                args=(template_gallery.TEMPLATE_URL_PARAM, None),
            )
        st.selectbox(
            "Template",
            list(known),
            index=None,
            key=TEMPLATE_SELECT_KEY,
            on_change=save_template_choice,
            width=360,
            label_visibility="collapsed",
            placeholder=f"Choose one of {len(known)} templates",
            format_func=lambda each: f"{known[each].section} · {known[each].title}",
        )
    if chosen is None:
        st.caption(
            "Each template takes up a section of Sonic Pi's tutorial, whose number stands before"
            " its description. Choose one to set its parameters, and to make variants of it."
        )
        return None
    st.caption(f"{chosen.section} · {chosen.role} · {formatting.escape_markdown(chosen.summary)}")
    return chosen


def save_template_choice() -> None:
    selection.set_url_param(template_gallery.TEMPLATE_URL_PARAM, st.session_state[TEMPLATE_SELECT_KEY])


def draw_template_editor(template: Template) -> None:
    """Draw a template: its parameters, one variant, and what makes many."""
    left, right = st.columns([9, 11], gap="large")
    with left:
        seed, variant = choose_variant()
        specs = template.list_parameters()
        values = read_fixed_values(template, specs)
        program = generate_variant(template, values, seed, variant)
        draw_parameter_controls(template, specs, program)
    if program is None:
        return
    with right:
        draw_variant_preview(program)
        if not workspace.is_read_only():
            draw_generation_form(template, values, seed)


def choose_variant() -> tuple[int, int]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(
            "Seed",
            0,
            2**31,
            key="seed",
            persist_state="session",
            help="The same seed gives the same programs on every machine.",
        )
        variant = st.number_input(
            "Variant",
            0,
            999_999,
            key="variant",
            persist_state="session",
            help="Which of the seed's programs is shown.",
        )
        st.button(
            "Another",
            icon=":material/casino:",
            on_click=show_next_variant,
            help="Show the next variant.",
            shortcut="Alt+N",
        )
    return int(seed), int(variant)


def show_next_variant() -> None:
    st.session_state["variant"] = int(st.session_state.get("variant", 0)) + 1


def generate_variant(template: Template, fixed_values: dict[str, Any], seed: int, variant_number: int) -> Program | None:
    """The variant as it is with these values; None when one of them can't be."""
    try:
        return template.render(fixed_values, seed, variant_number)
    except EarshotError as error:
        formatting.show_error(error)
        return None


def draw_parameter_controls(template: Template, specs: list[ParameterSpec], program: Program | None) -> None:
    """Draw a control a parameter: those that this variant draws, then the others."""
    values = dict(program.parameters) if program else {}
    used = [spec for spec in specs if spec.name in values] if program else specs
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Parameters**", width="stretch")
        st.button(
            "All random",
            type="tertiary",
            icon=":material/ink_eraser:",
            on_click=reset_parameters,
            args=(template, specs),
        )
    with st.container(height=470, gap="small", key="parameters"):
        for spec in used:
            draw_parameter_control(template, spec, values.get(spec.name))
        rest = [spec for spec in specs if spec not in used]
        if rest:
            with st.expander(
                f"{formatting.format_count(len(rest), 'parameter')} of other variants", key="others"
            ):
                for spec in rest:
                    draw_parameter_control(template, spec, None)


def draw_variant_preview(program: Program) -> None:
    """Draw the variant's code, and what lets it be heard."""
    st.code(program.source, language="ruby", height=270, line_numbers=True)
    heard = st.session_state.get("heard")
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Render and hear", type="primary", icon=":material/graphic_eq:", shortcut="Alt+Enter"
        )
        st.caption(f"{program.name}, seed {program.seed}")
    # Of one height from the start: what is below stays where it is.
    with st.container(height=64, border=False, vertical_alignment="center", key="result"):
        if pressed:
            with st.spinner("Rendering 18 s of sound …"):
                heard = (program.id, sonicpi.try_render(program.source))
            st.session_state["heard"] = heard
            audio_player.request_autoplay("heard")
        if heard and heard[0] == program.id:
            draw_render_result(heard[1], program)
        else:
            st.caption(":material/hearing: Not rendered yet. It takes about a second.")


def draw_render_result(result: sonicpi.RenderResult, program: Program) -> None:
    if result.error:
        st.error(formatting.escape_markdown(str(result.error)), icon=":material/error:")
    else:
        audio_player.draw_clip_player(result.clip, program.name, "heard")
    for warning in result.warnings:
        st.caption(f":material/info: {formatting.escape_markdown(str(warning))}")


def draw_generation_form(template: Template, fixed_values: dict[str, Any], seed: int) -> None:
    """Draw the form that adds programs of this template to a corpus, as a job."""
    with st.container(border=True):
        st.markdown("**Make many of them**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            names = list_corpora()
            name = st.selectbox(
                "Corpus",
                names,
                key="target",
                index=0 if names else None,
                accept_new_options=True,
                placeholder="A new name",
                persist_state="session",
                help="Choose one to add to, or type a new name.",
            )
            count = st.number_input(
                "Programs",
                1,
                100_000,
                50,
                key="count",
                persist_state="session",
                width=130,
                help="The corpus will hold so many by this seed; those it has stay.",
            )
        st.caption(describe_generation_cost(name if name in names else None, int(count), seed, fixed_values))
        verb = "Add to" if name in names else "Make"
        st.button(
            f"{verb} {formatting.escape_markdown(name)}" if name else "Make a corpus",
            icon=":material/library_add:",
            disabled=not name,
            on_click=start_generation_job,
            args=(template,),
        )
        making = job_panel.find_latest_job("build", name) if name else None
        if making is not None and (making.is_active or making.state in ("failed", "cancelled")):
            job_panel.draw_job_panel(making)
        elif making is not None and making.id == st.session_state.get("making"):
            st.success(f"{formatting.escape_markdown(name)} is done.", icon=":material/check:")
            st.page_link(
                "pages/corpus/page.py",
                label="See it",
                icon=":material/library_music:",
                query_params={"corpus": name},
            )


def describe_generation_cost(corpus_name: str | None, program_count: int, seed: int, fixed_values: dict[str, Any]) -> str:
    """What making the programs will take, in a sentence."""
    settings = Corpus.open(corpus_name).settings if corpus_name else {}
    expected = estimate_build(
        program_count,
        settings.get("seconds", 18.0),
        find_preset_name(settings),
        audio_format=settings.get("audio_format", "flac"),
    )
    fixed = f" and {formatting.format_count(len(fixed_values), 'parameter')} set" if fixed_values else ""
    return (
        f"{formatting.format_count(program_count, 'program')} with seed {seed}{fixed}: {formatting.format_duration(expected.seconds)},"
        f" {formatting.format_bytes(expected.size_bytes)} of disk ({formatting.format_bytes(cache.get_free_disk_bytes())} free)."
    )


def find_preset_name(corpus_settings: dict[str, Any]) -> str:
    """The preset that a corpus was built with, or that a new one gets."""
    encoders = corpus_settings.get("encoders")
    if not encoders:
        return cache.get_default_preset()[0]
    pair = encoders["code"], encoders["audio"]
    known = {(each.code_encoder, each.audio_encoder): each.name for each in PRESETS.values()}
    return known.get(pair, "other")


def start_generation_job(template: Template) -> None:
    """Generate, render and embed the programs as a job.

    For callbacks: a button may be pressed before the page has drawn what was typed last, so
    what the controls say is asked anew.
    """
    name, count, seed = (st.session_state[key] for key in ("target", "count", "seed"))
    argv = ["build", name, "--templates", template.id, "--per-template", str(int(count))]
    argv += ["--seed", str(int(seed))]
    for parameter, value in read_fixed_values(template, template.list_parameters()).items():
        argv += ["--set", f"{template.id}.{parameter}={format_cli_value(value)}"]
    with formatting.catch_and_show_errors():
        workspace.validate_name(name, "corpus")
        started = jobs.start_job(argv, f"Add {formatting.format_count(int(count), 'program')} to {name}")
        st.session_state["making"] = started.id


def format_cli_value(value: Any) -> str:
    """A value, a `Range` or a `OneOf` as `./run build --set` takes it."""
    if isinstance(value, NumberRange):
        return f"{format_ruby_value(value.lo)}..{format_ruby_value(value.hi)}"
    if isinstance(value, ChoiceSubset):
        return "|".join(format_ruby_value(each) for each in value.choices)
    return format_ruby_value(value)


layout.run_page(draw_page)
