"""A parameter of a template as a control: drawn at random, narrowed, or fixed."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.programs import OneOf, ParameterSpec, Range, Template
from core.programs.parameters import LISTS, NUMBERS, ruby
from pages.components import formatting

RANDOM, FIX, RANGE = "random", "fix", "range"
MOST = 24  # figures of a value that is shown beside its name
KEEP = {"persist_state": "session", "label_visibility": "collapsed"}


def fixed_values(template: Template, specs: list[ParameterSpec]) -> dict[str, Any]:
    """What isn't left wholly to chance, by parameter: a value, a `Range` or a `OneOf`."""
    found = {}
    for spec in specs:
        way = st.session_state.get(_key(template, spec, "way"), RANDOM)
        given = st.session_state.get(_key(template, spec, way))
        if way == FIX and given not in (None, ""):
            found[spec.name] = given
        elif way == RANGE and given:
            found[spec.name] = Range(*given) if spec.kind in NUMBERS else OneOf(tuple(given))
    return found


def clear(template: Template, specs: list[ParameterSpec]) -> None:
    """Leave every parameter to chance; for callbacks."""
    for spec in specs:
        st.session_state[_key(template, spec, "way")] = RANDOM


def control(template: Template, spec: ParameterSpec, drawn: Any) -> None:
    """Draw a parameter: its name and value, how it comes about, and what that needs.

    Parameters
    ----------
    drawn : object
        The value that the shown variant has; None when it doesn't draw it.
    """
    ways = [RANDOM, FIX] if spec.kind in (*LISTS, "chance") else [RANDOM, FIX, RANGE]
    key = _key(template, spec, "way")
    shown = "" if drawn is None else ruby(drawn)
    label = spec.name.replace("_", " ")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"{formatting.plain(label)} &ensp;:gray[{formatting.plain(_short(shown))}]",
            width="stretch",
        )
        way = st.segmented_control(
            f"How {label} comes about",
            ways,
            key=key,
            required=True,
            **({} if key in st.session_state else {"default": RANDOM}),
            format_func=lambda each: WORDS[each] if spec.kind in NUMBERS else CHOICE[each],
            on_change=_begin,
            args=(template, spec, drawn),
            **KEEP,
        )
    if way == FIX:
        _fix(template, spec, label)
    elif way == RANGE:
        _narrow(template, spec, label)


WORDS = {RANDOM: "Random", FIX: "Fix", RANGE: "Range"}
CHOICE = {**WORDS, RANGE: "Some"}


def _begin(template: Template, spec: ParameterSpec, drawn: Any) -> None:
    """Begin with what is there: the value that is drawn now, or the whole range."""
    way = st.session_state[_key(template, spec, "way")]
    key = _key(template, spec, way)
    if key in st.session_state or way == RANDOM:
        return
    if way == RANGE and spec.kind in NUMBERS:
        st.session_state[key] = _kind(spec)(spec.lo), _kind(spec)(spec.hi)
    elif way == RANGE:
        st.session_state[key] = list(spec.choices)
    elif drawn is not None:
        st.session_state[key] = ruby(drawn) if spec.kind in LISTS else drawn


def _fix(template: Template, spec: ParameterSpec, label: str) -> None:
    key, label = _key(template, spec, FIX), f"Value of {label}"
    if spec.kind in ("pick", "chance"):
        st.selectbox(label, spec.choices, index=None, format_func=ruby, key=key, **KEEP)
    elif spec.kind in NUMBERS:
        kind = _kind(spec)
        st.number_input(
            label,
            kind(spec.lo),
            kind(spec.hi),
            value=None,
            step=_step(spec),
            key=key,
            format="%d" if kind is int else "%g",
            placeholder=f"{spec.lo:g} to {spec.hi:g}",
            **KEEP,
        )
    else:
        st.text_input(label, value=None, key=key, placeholder=_members(spec), **KEEP)


def _narrow(template: Template, spec: ParameterSpec, label: str) -> None:
    key = _key(template, spec, RANGE)
    if spec.kind in NUMBERS:
        kind = _kind(spec)
        st.slider(
            f"Range of {label}",
            kind(spec.lo),
            kind(spec.hi),
            step=_step(spec),
            key=key,
            format="%d" if kind is int else "%g",
            **KEEP,
        )
    else:
        st.multiselect(
            f"Choices of {label}",
            spec.choices,
            key=key,
            format_func=ruby,
            placeholder="All of them",
            **KEEP,
        )


def _kind(spec: ParameterSpec) -> type:
    return int if spec.kind == "integer" else float


def _step(spec: ParameterSpec) -> float:
    if spec.kind == "integer":
        return spec.step
    if spec.kind == "uniform":
        return 10.0**-spec.digits
    return 10.0 ** min(-2, -spec.digits)


def _short(text: str) -> str:
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def _key(template: Template, spec: ParameterSpec, way: str) -> str:
    """Where the session keeps how a parameter comes about, and what is given for that."""
    return f"{way}:{template.id}:{spec.name}"


def _members(spec: ParameterSpec) -> str:
    """What a list may hold, in words."""
    of = f"from {ruby(spec.choices)}" if spec.choices else f"from {spec.lo:g} to {spec.hi:g}"
    if spec.kind == "rhythm":
        return f"Values {of} that sum to {spec.hi:g}, with commas between"
    return f"{spec.count} values {of}, with commas between"
