"""Generate: all templates to hear; one of them, its parameters, a variant, many for a corpus."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import jobs, programs, sonicpi, workspace
from core.corpus import Corpus, list_corpora
from core.encoders import PRESETS
from core.errors import EarshotError
from core.programs import OneOf, ParameterSpec, Program, Range, Template
from core.programs.parameters import ruby
from core.pipeline.estimate import estimate
from pages.components import cache, layout, job_panel, selection, audio_player, formatting
from pages.generate import template_gallery
from pages.generate.parameter_controls import clear, control, fixed_values

SELECTED = "choose-template"


def page() -> None:
    with formatting.errors():
        template = choose_template()
        selection.begin_at_top(template.id if template else "")
        if template is None:
            template_gallery.draw()
        else:
            draw_one(template)


def choose_template() -> Template | None:
    """Draw the choice of a template; None for all of them."""
    known = {each.id: each for each in programs.templates()}
    chosen = known.get(selection.kept(template_gallery.CHOSEN))
    st.session_state[SELECTED] = chosen and chosen.id
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(formatting.plain(chosen.title) if chosen else "Generate programs", width="stretch")
        if chosen is not None:
            st.button(
                "All templates",
                icon=":material/grid_view:",
                on_click=selection.keep,
                args=(template_gallery.CHOSEN, None),
            )
        st.selectbox(
            "Template",
            list(known),
            index=None,
            key=SELECTED,
            on_change=select,
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
    st.caption(f"{chosen.section} · {chosen.role} · {formatting.plain(chosen.summary)}")
    return chosen


def select() -> None:
    selection.keep(template_gallery.CHOSEN, st.session_state[SELECTED])


def draw_one(template: Template) -> None:
    """Draw a template: its parameters, one variant, and what makes many."""
    left, right = st.columns([9, 11], gap="large")
    with left:
        seed, variant = choose_variant()
        specs = template.parameters()
        values = fixed_values(template, specs)
        program = drawn(template, values, seed, variant)
        parameters(template, specs, program)
    if program is None:
        return
    with right:
        preview(program)
        if not workspace.read_only():
            make_many(template, values, seed)


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
            on_click=another,
            help="Show the next variant.",
            shortcut="Alt+N",
        )
    return int(seed), int(variant)


def another() -> None:
    st.session_state["variant"] = int(st.session_state.get("variant", 0)) + 1


def drawn(template: Template, values: dict[str, Any], seed: int, variant: int) -> Program | None:
    """The variant as it is with these values; None when one of them can't be."""
    try:
        return template.render(values, seed, variant)
    except EarshotError as error:
        formatting.show_error(error)
        return None


def parameters(template: Template, specs: list[ParameterSpec], program: Program | None) -> None:
    """Draw a control a parameter: those that this variant draws, then the others."""
    values = dict(program.parameters) if program else {}
    used = [spec for spec in specs if spec.name in values] if program else specs
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Parameters**", width="stretch")
        st.button(
            "All random",
            type="tertiary",
            icon=":material/ink_eraser:",
            on_click=clear,
            args=(template, specs),
        )
    with st.container(height=470, gap="small", key="parameters"):
        for spec in used:
            control(template, spec, values.get(spec.name))
        rest = [spec for spec in specs if spec not in used]
        if rest:
            with st.expander(
                f"{formatting.count(len(rest), 'parameter')} of other variants", key="others"
            ):
                for spec in rest:
                    control(template, spec, None)


def preview(program: Program) -> None:
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
                heard = (program.id, sonicpi.render_result(program.source))
            st.session_state["heard"] = heard
            audio_player.start("heard")
        if heard and heard[0] == program.id:
            rendering(heard[1], program)
        else:
            st.caption(":material/hearing: Not rendered yet. It takes about a second.")


def rendering(result: sonicpi.Rendering, program: Program) -> None:
    if result.error:
        st.error(formatting.plain(str(result.error)), icon=":material/error:")
    else:
        audio_player.clip(result.clip, program.name, "heard")
    for warning in result.warnings:
        st.caption(f":material/info: {formatting.plain(str(warning))}")


def make_many(template: Template, values: dict[str, Any], seed: int) -> None:
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
        st.caption(expectation(name if name in names else None, int(count), seed, values))
        verb = "Add to" if name in names else "Make"
        st.button(
            f"{verb} {formatting.plain(name)}" if name else "Make a corpus",
            icon=":material/library_add:",
            disabled=not name,
            on_click=begin,
            args=(template,),
        )
        making = job_panel.latest("build", name) if name else None
        if making is not None and (making.active or making.state in ("failed", "cancelled")):
            job_panel.panel(making)
        elif making is not None and making.id == st.session_state.get("making"):
            st.success(f"{formatting.plain(name)} is done.", icon=":material/check:")
            st.page_link(
                "pages/corpus/page.py",
                label="See it",
                icon=":material/library_music:",
                query_params={"corpus": name},
            )


def expectation(name: str | None, count: int, seed: int, values: dict[str, Any]) -> str:
    """What making the programs will take, in a sentence."""
    settings = Corpus.open(name).settings if name else {}
    expected = estimate(
        count,
        settings.get("seconds", 18.0),
        preset_of(settings),
        audio_format=settings.get("audio_format", "flac"),
    )
    fixed = f" and {formatting.count(len(values), 'parameter')} set" if values else ""
    return (
        f"{formatting.count(count, 'program')} with seed {seed}{fixed}: {formatting.duration(expected.seconds)},"
        f" {formatting.size(expected.bytes)} of disk ({formatting.size(cache.free_bytes())} free)."
    )


def preset_of(settings: dict[str, Any]) -> str:
    """The preset that a corpus was built with, or that a new one gets."""
    encoders = settings.get("encoders")
    if not encoders:
        return cache.preset()[0]
    pair = encoders["code"], encoders["audio"]
    known = {(each.code, each.audio): each.name for each in PRESETS.values()}
    return known.get(pair, "other")


def begin(template: Template) -> None:
    """Generate, render and embed the programs as a job.

    For callbacks: a button may be pressed before the page has drawn what was typed last, so
    what the controls say is asked anew.
    """
    name, count, seed = (st.session_state[key] for key in ("target", "count", "seed"))
    argv = ["build", name, "--templates", template.id, "--per-template", str(int(count))]
    argv += ["--seed", str(int(seed))]
    for parameter, value in fixed_values(template, template.parameters()).items():
        argv += ["--set", f"{template.id}.{parameter}={written(value)}"]
    with formatting.errors():
        workspace.checked_name(name, "corpus")
        started = jobs.start(argv, f"Add {formatting.count(int(count), 'program')} to {name}")
        st.session_state["making"] = started.id


def written(value: Any) -> str:
    """A value, a `Range` or a `OneOf` as `./run build --set` takes it."""
    if isinstance(value, Range):
        return f"{ruby(value.lo)}..{ruby(value.hi)}"
    if isinstance(value, OneOf):
        return "|".join(ruby(each) for each in value.choices)
    return ruby(value)


layout.show(page)
