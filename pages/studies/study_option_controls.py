"""Controls of a study's options."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import encoders
from core.corpus import Corpus
from core.studies.study_registry import STUDIES, StudyOption
from pages.components import (
    corpus_and_alignment_picker,
    markdown_and_errors,
    session_keys,
)

BEST_ALIGNMENT_PLACEHOLDER = "best on validation programs"
DEFAULT_PLACEHOLDER = "default"
# Modality of the encoders of the corpus that an option chooses from.
ENCODER_OPTION_MODALITIES = {"code_encoder": "code", "audio_encoder": "audio"}
HOLDOUT_ENCODER_OPTION = "holdout_audio_encoder"


def draw_study_option_controls(corpus: Corpus, study_name: str) -> list[str]:
    """Draw the options of a study, or of all studies.

    Returns
    -------
    list of str
        Arguments of `./run study` for the options that differ from their defaults.
    """
    names = [study_name] if study_name in STUDIES else list(STUDIES)
    options = {option.name: option for name in names for option in STUDIES[name].options}
    argv: list[str] = []
    with st.popover("Settings", icon=":material/tune:"):
        for option in options.values():
            key = session_keys.STUDY_OPTION.derive_scoped_key(study_name, corpus.name, option.name)
            value = _draw_study_option_control(corpus, option, key.name)
            if value not in (None, "", option.default):
                argv += [option.cli_flag, str(value)]
    return argv


def _draw_study_option_control(corpus: Corpus, option: StudyOption, key: str) -> Any:
    label = option.name.replace("_", " ").capitalize()
    help_text = markdown_and_errors.escape_markdown(option.help)
    if option.value_type in (int, float):
        return st.number_input(
            label,
            0,
            value=option.default,
            step=1,
            key=key,
            persist_state="session",
            help=help_text,
        )
    labels = _list_option_value_labels(corpus, option.name)
    if labels is None:
        return st.text_input(
            label, value=option.default, key=key, persist_state="session", help=help_text
        )
    return st.selectbox(
        label,
        list(labels),
        index=None,
        format_func=lambda value: labels[value],
        placeholder=BEST_ALIGNMENT_PLACEHOLDER
        if option.name == "alignment"
        else DEFAULT_PLACEHOLDER,
        key=key,
        persist_state="session",
        help=help_text,
    )


def _list_option_value_labels(corpus: Corpus, option_name: str) -> dict[str, str] | None:
    """Return the labels of an option's values; None if any text is valid."""
    if option_name == "alignment":
        return corpus_and_alignment_picker.list_alignment_labels(corpus)
    if option_name in ENCODER_OPTION_MODALITIES:
        return {
            encoder_id: encoder_id
            for encoder_id, modality, _ in corpus.count_embeddings_by_encoder()
            if modality == ENCODER_OPTION_MODALITIES[option_name]
        }
    if option_name == HOLDOUT_ENCODER_OPTION:
        specs = encoders.list_encoder_specs("audio")
        return {spec.id: spec.title for spec in specs if spec.is_available_offline()}
    if option_name == "sweep":
        # Imports torch, which the other options do not need.
        from core.pipeline.sweep_results import describe_sweep, list_sweep_ids

        return {
            sweep_id: describe_sweep(corpus, sweep_id)
            for sweep_id in reversed(list_sweep_ids(corpus))
        }
    return None
