"""Choice of the two encoders that an alignment is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from core import encoders
from core.corpus import Corpus
from core.encoders.concatenated_encoders import split_encoder_id
from core.encoders.encoder_presets import find_encoder_preset_name
from core.encoders.imported_embeddings_spec import is_imported_encoder
from pages.components import job_panel, markdown_and_errors, page_cache, session_keys

MODALITIES = ("code", "audio")


@dataclass(frozen=True)
class EncoderChoice:
    """The chosen encoders.

    Attributes
    ----------
    cli_options : tuple of str
        Options of `./run train` for encoders other than the corpus's.
    has_embeddings : bool
        Whether the corpus has embeddings of both.
    code_encoder : str or None
        None for that of the corpus.
    """

    cli_options: tuple[str, ...] = ()
    has_embeddings: bool = True
    code_encoder: str | None = None


def draw_encoder_picker(corpus: Corpus) -> EncoderChoice:
    """Draw the corpus's encoders, the choice of others, and what those need."""
    corpus_encoders = corpus.settings.get("encoders") or {}
    if not corpus_encoders:
        name = markdown_and_errors.escape_markdown(corpus.name)
        st.caption(f"{name} has no embeddings yet. Build it first.")
        return EncoderChoice(has_embeddings=False)
    st.caption(describe_clip_count_and_encoders_of_corpus(corpus, corpus_encoders))
    chosen = draw_encoder_selectors(corpus, corpus_encoders)
    for encoder_id in chosen.values():
        if warning := encoders.find_encoder_spec(encoder_id).usage_warning:
            st.warning(
                markdown_and_errors.escape_markdown(warning),
                icon=":material/copyright:",
            )
    options = [
        part
        for modality, encoder_id in chosen.items()
        if encoder_id != corpus_encoders[modality]
        for part in (f"--{modality}-encoder", encoder_id)
    ]
    has_embeddings = draw_embed_job_unless_corpus_embedded(corpus, chosen)
    return EncoderChoice(tuple(options), has_embeddings, chosen["code"])


def describe_clip_count_and_encoders_of_corpus(
    corpus: Corpus, corpus_encoders: Mapping[str, str]
) -> str:
    """Return the number of clips and the encoders that the corpus was built with."""
    code_encoder, audio_encoder = corpus_encoders["code"], corpus_encoders["audio"]
    preset_name = find_encoder_preset_name(code_encoder, audio_encoder)
    origin = f"the {preset_name} preset" if preset_name else "custom encoders"
    titles = " and ".join(
        markdown_and_errors.escape_markdown(encoders.find_encoder_spec(encoder_id).title)
        for encoder_id in (code_encoder, audio_encoder)
    )
    clip_count = page_cache.count_programs_by_state(corpus)["ok"]
    return (
        f"{markdown_and_errors.pluralize(clip_count, 'program')} with a clip, embedded by {titles}:"
        f" {markdown_and_errors.escape_markdown(corpus.name)} was built with {origin}."
    )


def draw_encoder_selectors(corpus: Corpus, corpus_encoders: Mapping[str, str]) -> dict[str, str]:
    """Draw the choice of other encoders in an expander; return the chosen one by modality."""
    chosen = {
        modality: _get_encoder_session_key(corpus, modality).get_value()
        or corpus_encoders[modality]
        for modality in MODALITIES
    }
    expander = st.expander(
        "Other encoders",
        type="compact",
        key=session_keys.IS_SHOWING_ENCODERS.name,
        on_change="rerun",
    )
    # Listing the encoders takes a moment, so a closed expander stays empty.
    if expander.open:
        with expander:
            draw_encoder_preset_buttons(corpus)
            for modality in MODALITIES:
                chosen[modality] = draw_encoder_selector(
                    corpus, modality, corpus_encoders[modality]
                )
            show_encoder_install_instructions()
    return chosen


def draw_encoder_selector(corpus: Corpus, modality: str, corpus_encoder: str) -> str:
    """Draw the choice of one encoder; return its id."""
    specs = encoders.list_encoder_specs(modality)
    encoder_ids = [spec.id for spec in specs if spec.is_available_offline()]
    encoder_ids += [
        encoder_id
        for encoder_id, encoder_modality, embedding_count in corpus.count_embeddings_by_encoder()
        if encoder_modality == modality and embedding_count and is_imported_encoder(encoder_id)
    ]
    if corpus_encoder not in encoder_ids:
        encoder_ids.insert(0, corpus_encoder)
    key = _get_encoder_session_key(corpus, modality)
    return st.selectbox(
        f"{modality.capitalize()} encoder",
        encoder_ids,
        # Streamlit warns about an index beside a value in the session.
        index=0 if key.is_set() else encoder_ids.index(corpus_encoder),
        key=key.name,
        persist_state="session",
        format_func=lambda option: f"{encoders.find_encoder_spec(option).title} ({option})",
    )


def _get_encoder_session_key(corpus: Corpus, modality: str) -> session_keys.SessionKey[str | None]:
    return session_keys.ENCODER.derive_scoped_key(corpus.name, modality)


def draw_encoder_preset_buttons(corpus: Corpus) -> None:
    """Draw a button for each available preset, which selects both of its encoders."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Presets", width="content")
        for preset in encoders.PRESETS.values():
            encoder_ids = (preset.code_encoder, preset.audio_encoder)
            if not all(
                encoders.find_encoder_spec(encoder_id).is_available_offline()
                for encoder_id in encoder_ids
            ):
                continue
            st.button(
                preset.name.capitalize(),
                key=f"preset-{preset.name}",
                on_click=_select_preset_encoders,
                args=(corpus, preset),
                help=markdown_and_errors.escape_markdown(" and ".join(encoder_ids)),
            )


def _select_preset_encoders(corpus: Corpus, preset: encoders.EncoderPreset) -> None:
    _get_encoder_session_key(corpus, "code").set_value(preset.code_encoder)
    _get_encoder_session_key(corpus, "audio").set_value(preset.audio_encoder)


def show_encoder_install_instructions() -> None:
    """Draw how to install the encoders that this machine does not have."""
    missing = [spec for spec in encoders.list_encoder_specs() if not spec.is_available_offline()]
    if missing:
        st.caption("Not installed. To install:")
        lines = [
            f"# {spec.title} ({spec.licence}{', ' * bool(spec.use_restriction)}"
            f"{spec.use_restriction})\n{spec.weights_install_instructions}"
            for spec in missing
        ]
        st.code("\n".join(lines), language="bash", wrap_lines=True, height=150)


def draw_embed_job_unless_corpus_embedded(
    corpus: Corpus, chosen_encoders: Mapping[str, str]
) -> bool:
    """Return whether the corpus has all embeddings; if not, draw what computes them."""
    embedded_ids = {
        encoder_id for encoder_id, _, count in corpus.count_embeddings_by_encoder() if count
    }
    missing = {
        modality: encoder_id
        for modality, encoder_id in chosen_encoders.items()
        # The parts of a concatenation are stored one by one.
        if encoder_id not in embedded_ids
        and not embedded_ids.issuperset(split_encoder_id(encoder_id))
    }
    if not missing:
        return True
    argv = ["embed", corpus.name]
    for modality, encoder_id in missing.items():
        argv += [f"--{modality}-encoder", encoder_id]
    job = job_panel.draw_latest_job_unless_done(*argv)
    if job is None or not job.is_active:
        escaped_ids = " and ".join(
            markdown_and_errors.escape_markdown(encoder_id) for encoder_id in missing.values()
        )
        st.info(f"The corpus is not embedded by {escaped_ids} yet.", icon=":material/info:")
        job_panel.draw_job_start_button(
            "Embed corpus",
            argv,
            f"Embed {corpus.name} by {' and '.join(missing.values())}",
            icon=":material/data_array:",
        )
    return False
