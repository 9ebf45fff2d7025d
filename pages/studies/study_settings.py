"""What can be set for a study, as controls, and back as the command's options."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import encoders
from core.corpus import Corpus
from core.studies.registry import STUDIES, StudyOption
from pages.components import selection, formatting

BEST_ALIGNMENT_PLACEHOLDER = "the best on validation programs"
ENCODER_OPTION_MODALITIES = {"code_encoder": "code", "audio_encoder": "audio"}


def choose_study_options(corpus: Corpus, study_name: str) -> list[str]:
    """Draw a study's settings, or those of all studies; return what differs from the defaults
    as the command's options."""
    names = [study_name] if study_name in STUDIES else list(STUDIES)
    known = {option.name: option for each in names for option in STUDIES[each].options}
    found: list[str] = []
    with st.popover("Settings", icon=":material/tune:"):
        for option in known.values():
            value = _draw_option_control(corpus, option, f"{study_name}:{corpus.name}:{option.name}")
            if value not in (None, "", option.default):
                found += [option.cli_flag, str(value)]
    return found


def _draw_option_control(corpus: Corpus, option: StudyOption, key: str) -> Any:
    label = option.name.replace("_", " ").capitalize()
    kept = {"key": f"set:{key}", "persist_state": "session", "help": formatting.escape_markdown(option.help)}
    if option.value_type in (int, float):
        return st.number_input(label, 0, value=option.default, step=1, **kept)
    choices = _list_option_choices(corpus, option.name)
    if choices is None:
        return st.text_input(label, value=option.default, **kept)
    return st.selectbox(
        label,
        list(choices),
        index=None,
        format_func=choices.get,
        placeholder=BEST_ALIGNMENT_PLACEHOLDER if option.name == "alignment" else "as it comes",
        **kept,
    )


def _list_option_choices(corpus: Corpus, option_name: str) -> dict[str, str] | None:
    """Ids to choose from with what to call them; None where anything can be written."""
    if option_name == "alignment":
        return selection.list_alignment_labels(corpus)
    if option_name in ENCODER_OPTION_MODALITIES:
        return {each: each for each, kind, count in corpus.list_encoders() if kind == ENCODER_OPTION_MODALITIES[option_name]}
    if option_name == "holdout_audio_encoder":
        return {each.id: each.title for each in encoders.list_encoder_specs("audio") if each.is_available_offline()}
    if option_name == "sweep":
        from core.pipeline.sweep import list_sweeps

        return {each: each for each in reversed(list_sweeps(corpus))}
    return None
