"""Generate: a template, its parameters, one variant to hear, many for a corpus."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import jobs, programs, sonicpi
from core.corpus import Corpus, list_corpora
from core.errors import EarshotError
from core.programs import ParameterSpec, Program, Template
from core.stages.estimate import estimate
from pages.parts import cached, frame, player, say
from pages.parts.controls import control, fixed_values, key_of


def page() -> None:
    st.title("Generate programs")
    left, right = st.columns([9, 11], gap="large")
    with say.errors():
        with left:
            template = choose_template()
            seed, variant = choose_variant()
            specs = template.parameters()
            values = fixed_values(template, specs)
            program = drawn(template, values, seed, variant)
            parameters(template, specs, program)
        if program is None:
            return
        with right:
            preview(program)
            make_many(template, values, seed)


def choose_template() -> Template:
    known = {each.id: each for each in programs.templates()}
    chosen = st.selectbox(
        "Template", list(known), key="template", bind="query-params",
        format_func=lambda each: " · ".join(
            (known[each].title, known[each].role, known[each].section)
        ),
        help="Each takes up a section of Sonic Pi's tutorial, whose number stands at the end.",
    )  # fmt: skip
    st.caption(say.plain(known[chosen].summary))
    return known[chosen]


def choose_variant() -> tuple[int, int]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(
            "Seed", 0, 2**31, key="seed", persist_state="session",
            help="The same seed gives the same programs on every machine.",
        )  # fmt: skip
        variant = st.number_input(
            "Variant", 0, 999_999, key="variant", persist_state="session",
            help="Which of the seed's programs is shown.",
        )  # fmt: skip
        st.button(
            "Another", icon=":material/casino:", on_click=another, help="Show the next variant.",
            shortcut="Alt+N",
        )  # fmt: skip
    return int(seed), int(variant)


def another() -> None:
    st.session_state["variant"] = int(st.session_state.get("variant", 0)) + 1


def drawn(template: Template, values: dict[str, Any], seed: int, variant: int) -> Program | None:
    """The variant as it is with the fixed values; None when one of them can't be."""
    try:
        return template.render(values, seed, variant)
    except EarshotError as error:
        say.show_error(error)
        return None


def parameters(template: Template, specs: list[ParameterSpec], program: Program | None) -> None:
    """Draw a control a parameter: those that this variant draws, then the others."""
    values = dict(program.parameters) if program else {}
    used = [spec for spec in specs if spec.name in values] if program else specs
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Parameters**", width="stretch")
        st.button(
            "All random", type="tertiary", icon=":material/ink_eraser:",
            on_click=clear, args=(template, specs),
        )  # fmt: skip
    st.caption("Grey values are drawn at random. Choose one to fix it.")
    with st.container(height=330):
        grid(template, used, values)
        rest = [spec for spec in specs if spec not in used]
        if rest:
            with st.expander(
                f"{say.count(len(rest), 'parameter')} of other variants", key="others"
            ):
                grid(template, rest, values)


def grid(template: Template, specs: list[ParameterSpec], values: dict[str, Any]) -> None:
    for start in range(0, len(specs), 2):
        for column, spec in zip(st.columns(2, gap="small"), specs[start : start + 2]):
            with column:
                control(template, spec, values.get(spec.name))


def clear(template: Template, specs: list[ParameterSpec]) -> None:
    for spec in specs:
        st.session_state[key_of(template, spec)] = None


def preview(program: Program) -> None:
    st.code(program.source, language="ruby", height=300, line_numbers=True)
    heard = st.session_state.get("heard")
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Render and hear", type="primary", icon=":material/graphic_eq:", shortcut="Alt+Enter"
        )
        st.caption(f"{program.name}, seed {program.seed}")
    if pressed:
        with st.spinner("Rendering 18 s of sound …"):
            heard = (program.id, sonicpi.render_result(program.source))
        st.session_state["heard"] = heard
        player.start("heard")
    if heard and heard[0] == program.id:
        rendering(heard[1], program)


def rendering(result: sonicpi.Rendering, program: Program) -> None:
    if result.error:
        st.error(say.plain(str(result.error)), icon=":material/error:")
    else:
        player.clip(result.clip, program.name, "heard")
    for warning in result.warnings:
        st.caption(f":material/info: {say.plain(str(warning))}")


def make_many(template: Template, values: dict[str, Any], seed: int) -> None:
    """Draw the form that adds programs of this template to a corpus."""
    with st.container(border=True):
        st.markdown("**Make many of them**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            names = list_corpora()
            name = st.selectbox(
                "Corpus", names, key="target", index=0 if names else None, accept_new_options=True,
                placeholder="A new name", persist_state="session",
                help="Choose one to add to, or type a new name.",
            )  # fmt: skip
            count = st.number_input(
                "Programs", 1, 100_000, 50, key="count", persist_state="session", width=130
            )
        seconds = Corpus.open(name).settings["seconds"] if name in names else 18.0
        expected = estimate(int(count), seconds)
        st.caption(
            f"{say.count(int(count), 'program')} with seed {seed}"
            + (f" and {say.count(len(values), 'fixed parameter')}" if values else "")
            + f": {say.duration(expected.seconds)}, {say.size(expected.bytes)} of disk"
            f" ({say.size(cached.free_bytes())} free)."
        )
        verb = "Add to" if name in names else "Make"
        st.button(
            f"{verb} {say.plain(name)}" if name else "Make a corpus", icon=":material/library_add:",
            disabled=not name, on_click=add, args=(name, template, int(count), seed, values),
        )  # fmt: skip
        if (made := st.session_state.pop("added", None)) is not None:
            st.success(made, icon=":material/check:")


def add(name: str, template: Template, count: int, seed: int, values: dict[str, Any]) -> None:
    """Put the programs into the corpus at once, and render and embed them as a job."""
    with say.errors():
        made = programs.generate(template, count, seed, values)
        corpus = Corpus.create(name, exist_ok=True)
        new = corpus.add_programs(made)
        # Nothing is left for this build to generate: it renders and embeds what is there.
        argv = [
            "build",
            name,
            "--templates",
            template.id,
            "--per-template",
            "1",
            "--seed",
            str(seed),
        ]
        jobs.start(argv, f"Render and embed {name}")
        st.session_state["added"] = (
            f"{say.count(new, 'program')} added to {say.plain(name)}"
            + (f", {count - new} were there already" if new < count else "")
            + ". They are being rendered; Home shows how far it is."
        )


frame.show(page)
