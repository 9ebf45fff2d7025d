"""Which two encoders an alignment is trained on, and why; and how to get others."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core import encoders, jobs
from core.corpus import Corpus
from core.encoders.imported import is_own
from pages.components import job_panel, formatting


@dataclass(frozen=True)
class Choice:
    """The chosen encoders.

    Attributes
    ----------
    options : tuple of str
        Of `./run train`: what differs from the encoders that the corpus was built with.
    ready : bool
        Whether the corpus is embedded by both.
    """

    options: tuple[str, ...] = ()
    ready: bool = True


def choose(corpus: Corpus) -> Choice:
    """Draw which encoders are used, the choice of others that are at hand, and what they need."""
    built = corpus.settings.get("encoders") or {}
    if not built:
        st.caption(
            f"{formatting.plain(corpus.name)} has not been built yet: nothing in it is embedded."
        )
        return Choice(ready=False)
    st.caption(why(corpus, built))
    chosen = chosen_encoders(corpus, built)
    options = [
        part
        for modality, encoder in chosen.items()
        if encoder != built[modality]
        for part in (f"--{modality}-encoder", encoder)
    ]
    return Choice(tuple(options), embedded(corpus, chosen))


def chosen_encoders(corpus: Corpus, built: dict[str, str]) -> dict[str, str]:
    """Draw the choice of other encoders, once somebody opens it; return what is chosen."""
    keys = {modality: f"encoder:{corpus.name}:{modality}" for modality in ("code", "audio")}
    chosen = {each: st.session_state.get(key, built[each]) for each, key in keys.items()}
    others = st.expander("Other encoders", type="compact", key="encoders", on_change="rerun")
    if not others.open:
        return chosen
    with others:
        presets(corpus)
        for modality, key in keys.items():
            known = [each.id for each in encoders.entries(modality) if each.at_hand()]
            known += [
                each
                for each, kind, number in corpus.encoders()
                if kind == modality and number and is_own(each)
            ]
            if built[modality] not in known:
                known.insert(0, built[modality])
            chosen[modality] = st.selectbox(
                f"{modality.capitalize()} encoder",
                known,
                key=key,
                persist_state="session",
                **({} if key in st.session_state else {"index": known.index(built[modality])}),
                format_func=lambda each: f"{encoders.entry(each).title} ({each})",
            )
        lacking()
    return chosen


def presets(corpus: Corpus) -> None:
    """Draw a button a preset that is at hand: it chooses both of its encoders."""
    at_hand = [
        preset
        for preset in encoders.PRESETS.values()
        if all(encoders.entry(each).at_hand() for each in (preset.code, preset.audio))
    ]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Presets", width="content")
        for preset in at_hand:
            st.button(
                preset.name.capitalize(),
                key=f"preset-{preset.name}",
                on_click=take,
                args=(corpus, preset),
                help=formatting.plain(f"{preset.code} and {preset.audio}"),
            )


def take(corpus: Corpus, preset: encoders.Preset) -> None:
    """Choose a preset's encoders; for callbacks."""
    for modality, encoder in (("code", preset.code), ("audio", preset.audio)):
        st.session_state[f"encoder:{corpus.name}:{modality}"] = encoder


def why(corpus: Corpus, built: dict[str, str]) -> str:
    """What the corpus was built with, in a sentence."""
    pair = built["code"], built["audio"]
    preset = next((p.name for p in encoders.PRESETS.values() if (p.code, p.audio) == pair), None)
    what = f"the {preset} preset" if preset else "encoders of your choice"
    named = " and ".join(formatting.plain(encoders.entry(each).title) for each in pair)
    return (
        f"{formatting.count(corpus.counts()['ok'], 'program')} with a clip, embedded by {named}:"
        f" {formatting.plain(corpus.name)} was built with {what}."
    )


def lacking() -> None:
    """Say which encoders are not on this machine, and how to get them."""
    missing = [each for each in encoders.entries() if not each.at_hand()]
    if missing:
        st.caption("Not on this machine yet; to get one:")
        lines = [f"# {each.title}\n{each.how_to_get}" for each in missing]
        st.code("\n".join(lines), language="bash", wrap_lines=True, height=150)


def embedded(corpus: Corpus, chosen: dict[str, str]) -> bool:
    """Whether the corpus is embedded by the chosen encoders; else draw what embeds it."""
    argv = ["embed", corpus.name]
    there = {encoder for encoder, _, number in corpus.encoders() if number}
    for modality, encoder in chosen.items():
        if encoder not in there:
            argv += [f"--{modality}-encoder", encoder]
    if len(argv) == 2:
        return True
    running = job_panel.latest(*argv)
    if running is not None and running.state != "done":
        job_panel.panel(running)
    if running is None or not running.active:
        new = " and ".join(formatting.plain(encoder) for encoder in argv[3::2])
        st.info(f"The corpus is not embedded by {new} yet.", icon=":material/info:")
        if st.button("Embed it", icon=":material/data_array:"):
            jobs.start(argv, f"Embed {corpus.name} by {' and '.join(argv[3::2])}")
            st.rerun()
    return False
