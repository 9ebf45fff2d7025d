"""Which two encoders an alignment is trained on, and why; and how to get others."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core import encoders, jobs
from core.corpus import Corpus
from core.encoders.imported import is_imported_encoder
from pages.components import job_panel, formatting


@dataclass(frozen=True)
class EncoderChoice:
    """The chosen encoders.

    Attributes
    ----------
    cli_options : tuple of str
        Of `./run train`: what differs from the encoders that the corpus was built with.
    is_embedded : bool
        Whether the corpus is embedded by both.
    """

    cli_options: tuple[str, ...] = ()
    is_embedded: bool = True


def choose_encoders(corpus: Corpus) -> EncoderChoice:
    """Draw which encoders are used, the choice of others that are at hand, and what they need."""
    built = corpus.settings.get("encoders") or {}
    if not built:
        st.caption(
            f"{formatting.escape_markdown(corpus.name)} has not been built yet: nothing in it is embedded."
        )
        return EncoderChoice(is_embedded=False)
    st.caption(describe_corpus_encoders(corpus, built))
    chosen = draw_encoder_selectors(corpus, built)
    options = [
        part
        for modality, encoder in chosen.items()
        if encoder != built[modality]
        for part in (f"--{modality}-encoder", encoder)
    ]
    return EncoderChoice(tuple(options), require_embeddings(corpus, chosen))


def draw_encoder_selectors(corpus: Corpus, corpus_encoders: dict[str, str]) -> dict[str, str]:
    """Draw the choice of other encoders, once somebody opens it; return what is chosen."""
    keys = {modality: f"encoder:{corpus.name}:{modality}" for modality in ("code", "audio")}
    chosen = {each: st.session_state.get(key, corpus_encoders[each]) for each, key in keys.items()}
    others = st.expander("Other encoders", type="compact", key="encoders", on_change="rerun")
    if not others.open:
        return chosen
    with others:
        draw_preset_buttons(corpus)
        for modality, key in keys.items():
            known = [each.id for each in encoders.list_encoder_specs(modality) if each.is_available_offline()]
            known += [
                each
                for each, kind, number in corpus.list_encoders()
                if kind == modality and number and is_imported_encoder(each)
            ]
            if corpus_encoders[modality] not in known:
                known.insert(0, corpus_encoders[modality])
            chosen[modality] = st.selectbox(
                f"{modality.capitalize()} encoder",
                known,
                key=key,
                persist_state="session",
                **({} if key in st.session_state else {"index": known.index(corpus_encoders[modality])}),
                format_func=lambda each: f"{encoders.find_encoder_spec(each).title} ({each})",
            )
        show_missing_encoders()
    return chosen


def draw_preset_buttons(corpus: Corpus) -> None:
    """Draw a button a preset that is at hand: it chooses both of its encoders."""
    at_hand = [
        preset
        for preset in encoders.PRESETS.values()
        if all(encoders.find_encoder_spec(each).is_available_offline() for each in (preset.code_encoder, preset.audio_encoder))
    ]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Presets", width="content")
        for preset in at_hand:
            st.button(
                preset.name.capitalize(),
                key=f"preset-{preset.name}",
                on_click=apply_encoder_preset,
                args=(corpus, preset),
                help=formatting.escape_markdown(f"{preset.code_encoder} and {preset.audio_encoder}"),
            )


def apply_encoder_preset(corpus: Corpus, preset: encoders.EncoderPreset) -> None:
    """Choose a preset's encoders; for callbacks."""
    for modality, encoder in (("code", preset.code_encoder), ("audio", preset.audio_encoder)):
        st.session_state[f"encoder:{corpus.name}:{modality}"] = encoder


def describe_corpus_encoders(corpus: Corpus, corpus_encoders: dict[str, str]) -> str:
    """What the corpus was built with, in a sentence."""
    pair = corpus_encoders["code"], corpus_encoders["audio"]
    preset = next((p.name for p in encoders.PRESETS.values() if (p.code_encoder, p.audio_encoder) == pair), None)
    what = f"the {preset} preset" if preset else "encoders of your choice"
    named = " and ".join(formatting.escape_markdown(encoders.find_encoder_spec(each).title) for each in pair)
    return (
        f"{formatting.format_count(corpus.count_programs_by_state()['ok'], 'program')} with a clip, embedded by {named}:"
        f" {formatting.escape_markdown(corpus.name)} was built with {what}."
    )


def show_missing_encoders() -> None:
    """Say which encoders are not on this machine, and how to get them."""
    missing = [each for each in encoders.list_encoder_specs() if not each.is_available_offline()]
    if missing:
        st.caption("Not on this machine yet; to get one:")
        lines = [f"# {each.title}\n{each.install_instructions}" for each in missing]
        st.code("\n".join(lines), language="bash", wrap_lines=True, height=150)


def require_embeddings(corpus: Corpus, chosen_encoders: dict[str, str]) -> bool:
    """Whether the corpus is embedded by the chosen encoders; else draw what embeds it."""
    argv = ["embed", corpus.name]
    there = {encoder for encoder, _, number in corpus.list_encoders() if number}
    for modality, encoder in chosen_encoders.items():
        if encoder not in there:
            argv += [f"--{modality}-encoder", encoder]
    if len(argv) == 2:
        return True
    running = job_panel.find_latest_job(*argv)
    if running is not None and running.state != "done":
        job_panel.draw_job_panel(running)
    if running is None or not running.is_active:
        new = " and ".join(formatting.escape_markdown(encoder) for encoder in argv[3::2])
        st.info(f"The corpus is not embedded by {new} yet.", icon=":material/info:")
        if st.button("Embed it", icon=":material/data_array:"):
            jobs.start_job(argv, f"Embed {corpus.name} by {' and '.join(argv[3::2])}")
            st.rerun()
    return False
