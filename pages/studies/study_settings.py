"""What can be set for a study, as controls, and back as the command's options."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import encoders
from core.corpus import Corpus
from core.studies import STUDIES, options_of
from core.studies.options import Option
from pages.components import selection, formatting

BEST = "the best on validation programs"
LABELS = {"code_encoder": "code", "audio_encoder": "audio"}


def options(corpus: Corpus, name: str) -> list[str]:
    """Draw a study's settings, or those of all studies; return what differs from the defaults
    as the command's options."""
    names = [name] if name in STUDIES else list(STUDIES)
    known = {option.name: option for each in names for option in options_of(each)}
    found: list[str] = []
    with st.popover("Settings", icon=":material/tune:"):
        for option in known.values():
            value = _control(corpus, option, f"{name}:{corpus.name}:{option.name}")
            if value not in (None, "", option.default):
                found += [option.flag, str(value)]
    return found


def _control(corpus: Corpus, option: Option, key: str) -> Any:
    label = option.name.replace("_", " ").capitalize()
    kept = {"key": f"set:{key}", "persist_state": "session", "help": formatting.plain(option.help)}
    if option.kind in (int, float):
        return st.number_input(label, 0, value=option.default, step=1, **kept)
    choices = _choices(corpus, option.name)
    if choices is None:
        return st.text_input(label, value=option.default, **kept)
    return st.selectbox(
        label,
        list(choices),
        index=None,
        format_func=choices.get,
        placeholder=BEST if option.name == "alignment" else "as it comes",
        **kept,
    )


def _choices(corpus: Corpus, name: str) -> dict[str, str] | None:
    """Ids to choose from with what to call them; None where anything can be written."""
    if name == "alignment":
        return selection.labels(corpus)
    if name in LABELS:
        return {each: each for each, kind, count in corpus.encoders() if kind == LABELS[name]}
    if name == "other_ear":
        return {each.id: each.title for each in encoders.entries("audio") if each.at_hand()}
    if name == "sweep":
        from core.pipeline.sweep import sweeps

        return {each: each for each in reversed(sweeps(corpus.name))}
    return None
