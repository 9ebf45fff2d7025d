"""Home: what this is, what is here, and the one next step."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs
from core.corpus import Corpus, list_corpora
from core.stages.estimate import estimate
from pages.parts import cached, frame, job, place, say, starter


def page() -> None:
    st.title("Hear what a program will sound like")
    st.markdown(
        "Earshot makes variants of Sonic Pi programs, renders them to clips, and learns to bring"
        " code and sound together in one space. Then it finds, for any code, the clips nearest"
        " to it, without rendering it."
    )
    troubles()
    with say.errors():
        next_step()
        workspace()


def troubles() -> None:
    """What is missing on this machine that Earshot can't do without."""
    for row in cached.doctor_rows():
        if row.needed and not row.ok:
            st.warning(
                f"**{say.plain(row.what)}**: {say.plain(row.state)}.", icon=":material/build:"
            )
            if row.remedy:
                st.code(row.remedy, language="bash", wrap_lines=True)


def next_step() -> None:
    active = [each for each in jobs.jobs() if each.active]
    if active:
        for each in reversed(active):
            job.panel(each)
        return
    names = list_corpora()
    if not names:
        offer_starter()
        return
    ready = [name for name in names if Corpus.open(name).newest_alignment()]
    if ready:
        offer_listening(ready[0])
        return
    built = [name for name in names if not Corpus.open(name).counts()["pending"]]
    built = [name for name in built if Corpus.open(name).counts()["ok"]]
    if built:
        offer_training(starter.NAME if starter.NAME in built else built[0])
    else:
        offer_finishing(starter.NAME if starter.NAME in names else names[0])


def offer_starter() -> None:
    failed(job.latest("build", starter.NAME))
    recipe = starter.recipe()
    with st.container(border=True):
        st.subheader("Begin with the starter corpus")
        st.markdown(
            f"{say.count(recipe.programs, 'program')}: {recipe.per_template} variants of each of"
            f" {say.count(len(recipe.templates), 'template')}, each after a section of Sonic Pi's"
            " tutorial, with a clip of 18 s."
        )
        with st.spinner("Looking for encoders …"):
            preset, why = cached.preset()
        expected = estimate(recipe.programs, preset=preset)
        with st.container(horizontal=True):
            st.metric("Time", say.duration(expected.seconds), width="content")
            st.metric("Disk", say.size(expected.bytes), width="content")
            st.metric("Free", say.size(cached.free_bytes()), width="content")
        st.caption(say.plain(why))
        st.button(
            "Build the starter corpus", type="primary", icon=":material/library_music:",
            on_click=start, args=(recipe.argv, "Build the starter corpus"),
        )  # fmt: skip


def offer_finishing(name: str) -> None:
    failed(job.latest("build", name))
    counts = Corpus.open(name).counts()
    argv = starter.recipe().argv if name == starter.NAME else again(name)
    with st.container(border=True):
        st.subheader("Finish the corpus")
        st.markdown(
            f"Corpus {say.plain(name)} has {counts['ok']:,} clips;"
            f" {say.count(counts['pending'], 'program')} are not rendered yet."
            " Building goes on where it was stopped."
        )
        st.button(
            "Go on building", type="primary", icon=":material/play_arrow:",
            on_click=start, args=(argv, f"Build corpus {name}"),
        )  # fmt: skip


def again(name: str) -> list[str]:
    """The command of the newest build of this corpus, or one that adds nothing new."""
    before = job.latest("build", name)
    return list(before.argv) if before else ["build", name]


def offer_training(name: str) -> None:
    failed(job.latest("train", name))
    counts = Corpus.open(name).counts()
    with st.container(border=True):
        st.subheader("Train an alignment")
        st.markdown(
            f"Corpus {say.plain(name)} is ready: {say.count(counts['ok'], 'clip')}, code and sound"
            " embedded. Training brings the two together; it takes about a minute."
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                f"Train on {say.plain(name)}", type="primary", icon=":material/model_training:",
                on_click=start, args=(["train", name], f"Train an alignment of {name}"),
            )  # fmt: skip
            if st.button("Choose how on Train", type="tertiary", icon=":material/tune:"):
                place.go("pages/train.py", name)


def offer_listening(name: str) -> None:
    with st.container(border=True):
        st.subheader("Listen")
        st.markdown("Write or paste code, and hear the clips that are nearest to it.")
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Find clips for code", type="primary", icon=":material/hearing:"):
                place.go("pages/listen.py", name)
            if st.button("See the map", icon=":material/scatter_plot:"):
                place.go("pages/map.py", name)
            if st.button("Make more programs", icon=":material/tune:"):
                st.switch_page("pages/generate.py")


def failed(last: jobs.Job | None) -> None:
    """Show the job that should have brought us further, if it didn't."""
    if last is not None and last.state in ("failed", "cancelled"):
        job.panel(last)


def start(argv: list[str], title: str) -> None:
    with say.errors():
        jobs.start(argv, title)


def workspace() -> None:
    """Draw what the workspace holds."""
    names = list_corpora()
    if names:
        st.subheader("Corpora")
        st.dataframe(
            pd.DataFrame([corpus_row(name) for name in names]), hide_index=True, width="stretch"
        )
    ended = [each for each in jobs.jobs() if not each.active][:5]
    if ended:
        st.subheader("Last jobs")
        st.dataframe(
            pd.DataFrame([job_row(each) for each in ended]), hide_index=True, width="stretch",
            column_config={"Ended": st.column_config.DatetimeColumn(format="distance")},
        )  # fmt: skip


def corpus_row(name: str) -> dict:
    corpus = Corpus.open(name)
    counts = corpus.counts()
    return {
        "Corpus": name,
        "Programs": counts["programs"],
        "With a clip": counts["ok"],
        "Failed": counts["failed"],
        "Not rendered yet": counts["pending"],
        "Encoders": ", ".join(encoder for encoder, _, number in corpus.encoders() if number),
        "Alignments": len(corpus.alignments()),
    }


def job_row(each: jobs.Job) -> dict:
    return {
        "Job": each.title,
        "State": job.STATES[each.state][0],
        "Ended": pd.Timestamp(each.ended, unit="s", tz="UTC"),
        "Took": say.duration(each.seconds),
        "Why": str(each.error) if each.error else "",
    }


frame.show(page)
