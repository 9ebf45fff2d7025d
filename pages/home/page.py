"""Home: what this is, what is here, and the one next step."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core import play_history, jobs, workspace
from core.corpus import Corpus, list_corpora
from core.play_history import Heard
from core.pipeline.estimate import estimate
from core.pipeline.default_method import method_for
from pages.components import cache, layout, job_panel, selection, audio_player, formatting
from pages.home import starter_corpus


@dataclass(frozen=True)
class State:
    """What decides the next step.

    Attributes
    ----------
    step : {"build", "finish", "train", "listen"}
    corpus : str
        The corpus that the step is about; "" before the first.
    """

    step: str
    corpus: str = ""


LAST = 5  # clips and jobs
WITHOUT = {"failed": "failed", "pending": "not rendered yet"}


def page() -> None:
    st.title("Hear what a program will sound like")
    st.markdown(
        "Earshot makes variants of Sonic Pi programs, renders them to clips, and learns to bring"
        " code and sound together in one space. Then it finds, for any code, the clips nearest"
        " to it, without rendering it."
    )
    with formatting.errors():
        troubles()
        active = [each for each in jobs.jobs() if each.active]
        corpora = readable(list_corpora())
        state = state_of(corpora)
        steps(state, busy=bool(active))
        for each in reversed(active):
            job_panel.panel(each)
        if not active:
            failed(state)
        ended = [each for each in jobs.jobs() if not each.active][:LAST]
        clips = play_history.last()[:LAST]
        if corpora or ended or clips:  # else there is the first step alone to see
            here, sounds = st.columns([7, 6], gap="large")
            with here:
                what_is_here(corpora, ended)
            with sounds:
                last_heard(clips)


def readable(names: list[str]) -> list[Corpus]:
    """Open the corpora; one that is damaged is shown as that and keeps nobody from the others."""
    found = []
    for name in names:
        with formatting.errors():
            corpus = Corpus.open(name)
            corpus.counts()
            found.append(corpus)
    return found


def troubles() -> None:
    """What is missing on this machine that Earshot can't do without."""
    for row in cache.doctor_rows():
        if row.needed and not row.ok:
            st.warning(
                f"**{formatting.plain(row.what)}**: {formatting.plain(row.state)}.",
                icon=":material/build:",
            )
            if row.remedy:
                st.code(row.remedy, language="bash", wrap_lines=True)


def state_of(corpora: list[Corpus]) -> State:
    """How far the workspace is; the starter corpus goes before others that are as far."""
    corpora = sorted(corpora, key=lambda corpus: corpus.name != starter_corpus.NAME)
    for corpus in corpora:
        if corpus.newest_alignment() is not None:
            return State("listen", corpus.name)
    for corpus in corpora:
        counts = cache.counts(corpus)
        if counts["ok"] and not counts["pending"]:
            return State("train", corpus.name)
    return State("finish", corpora[0].name) if corpora else State("build")


def steps(state: State, busy: bool) -> None:
    """Draw the way: what is done, the next step with its button, and what comes then."""
    build, train, listen = st.columns(3, gap="small")
    with build.container(border=True, height="stretch", key="step-build"):
        being_made = job_panel.latest("build")
        if being_made is not None and being_made.active:
            heading(1, "Build a corpus")
            st.caption(
                f"{formatting.plain(being_made.argv[1])} is being made; how far it is stands below."
            )
        elif state.step == "build":
            heading(1, "Build a corpus")
            build_step(busy)
        elif state.step == "finish":
            heading(1, "Finish the corpus")
            finish_step(state.corpus, busy)
        else:
            heading(1, "Build a corpus", done=True)
            counts = cache.counts(Corpus.open(state.corpus))
            st.caption(
                f"{formatting.plain(state.corpus)} holds {formatting.count(counts['ok'], 'clip')}."
            )
            if st.button("Make more programs", type="tertiary", icon=":material/tune:"):
                st.switch_page("pages/generate/page.py")
    with train.container(border=True, height="stretch", key="step-train"):
        heading(2, "Train an alignment", done=state.step == "listen")
        train_step(state, busy)
    with listen.container(border=True, height="stretch", key="step-listen"):
        heading(3, "Listen")
        listen_step(state)


def heading(number: int, title: str, done: bool = False) -> None:
    mark = ":green[:material/check_circle:]" if done else f"**{number}.**"
    st.markdown(f"{mark} **{title}**")


def build_step(busy: bool) -> None:
    recipe = starter_corpus.recipe()
    if workspace.read_only():
        st.caption("This workspace holds no corpus yet.")
        return
    with st.spinner("Looking for encoders …"):
        preset, why = cache.preset()
    expected = estimate(recipe.programs, preset=preset)
    st.caption(
        f"The starter corpus: {recipe.per_template} variants of each of"
        f" {formatting.count(len(recipe.templates), 'template')}, which go through Sonic Pi's tutorial;"
        f" {formatting.count(recipe.programs, 'program')} with a clip of 18 s."
    )
    st.markdown(
        f":material/schedule: {formatting.duration(expected.seconds).capitalize()}"
        f" &ensp; :material/hard_drive: {formatting.size(expected.bytes)} of"
        f" {formatting.size(cache.free_bytes())} free"
    )
    st.button(
        "Build the starter corpus",
        type="primary",
        icon=":material/library_music:",
        disabled=busy,
        on_click=start,
        args=(recipe.argv, "Build the starter corpus"),
    )
    st.caption(formatting.plain(why))


def finish_step(name: str, busy: bool) -> None:
    counts = cache.counts(Corpus.open(name))
    st.caption(
        f"{formatting.plain(name)} has {formatting.count(counts['ok'], 'clip')};"
        f" {formatting.count(counts['pending'], 'program')} are not rendered yet."
        " Building goes on where it was stopped."
    )
    if workspace.read_only():
        return
    st.button(
        "Go on building",
        type="primary",
        icon=":material/play_arrow:",
        disabled=busy,
        on_click=start,
        args=(again(name), f"Build corpus {name}"),
    )


def again(name: str) -> list[str]:
    """The command that goes on with a corpus: its newest build's, else the starter's."""
    before = job_panel.latest("build", name)
    if before is not None:
        return list(before.argv)
    return starter_corpus.recipe().argv if name == starter_corpus.NAME else ["build", name]


def train_step(state: State, busy: bool) -> None:
    if state.step == "listen":
        corpus = Corpus.open(state.corpus)
        number = len(corpus.alignment_ids())
        st.caption(f"{formatting.plain(state.corpus)} has {formatting.count(number, 'alignment')}.")
        if st.button("See what it changed", type="tertiary", icon=":material/query_stats:"):
            selection.go("pages/train/page.py", state.corpus)
        return
    st.caption("Brings code and sound together in one space. It takes about a minute.")
    if state.step == "train" and not workspace.read_only():
        st.button(
            f"Train on {formatting.plain(state.corpus)}",
            type="primary",
            disabled=busy,
            icon=":material/model_training:",
            on_click=start,
            args=(train_argv(state.corpus), f"Train an alignment of {state.corpus}"),
        )
        if st.button("Choose how", type="tertiary", icon=":material/tune:"):
            selection.go("pages/train/page.py", state.corpus)


def train_argv(name: str) -> list[str]:
    """The command that trains a corpus, by the method that foretells most with one like it."""
    method = method_for(cache.programs_of(Corpus.open(name)))
    return ["train", name] if method == "earshot" else ["train", name, "--method", method]


def listen_step(state: State) -> None:
    st.caption("Write or paste code, and hear the clips that are nearest to it.")
    if state.step != "listen":
        return
    if st.button("Find clips for code", type="primary", icon=":material/hearing:"):
        selection.go("pages/listen/page.py", state.corpus)
    if st.button("See the map", type="tertiary", icon=":material/scatter_plot:"):
        selection.go("pages/map/page.py", state.corpus)


def failed(state: State) -> None:
    """Show the job that should have brought us further, if it didn't."""
    name = state.corpus or starter_corpus.NAME
    last = job_panel.latest("train" if state.step == "train" else "build", name)
    if state.step != "listen" and last is not None and last.state in ("failed", "cancelled"):
        job_panel.panel(last)


def start(argv: list[str], title: str) -> None:
    with formatting.errors():
        jobs.start(argv, title)


def what_is_here(corpora: list[Corpus], ended: list[jobs.Job]) -> None:
    """Draw the corpora with their alignments, and the jobs that ended last."""
    if corpora:
        st.subheader("Corpora")
        for corpus in corpora:
            corpus_line(corpus)
    if ended:
        st.subheader("Last jobs")
        rows = pd.DataFrame([job_row(each) for each in ended])
        if not rows["Why"].any():
            rows = rows.drop(columns="Why")
        st.dataframe(
            rows,
            hide_index=True,
            alt="The jobs that ended last, a row each",
            column_config={"Ended": st.column_config.DatetimeColumn(format="distance")},
        )
        st.page_link("pages/jobs/page.py", label="All jobs", icon=":material/list:")


def corpus_line(corpus: Corpus) -> None:
    """Draw a corpus: what it holds, and the ways into it."""
    counts = cache.counts(corpus)
    newest = corpus.newest_alignment()
    programs = formatting.count(counts["programs"], "program")
    without = [f"{counts[key]:,} {word}" for key, word in WITHOUT.items() if counts[key]]
    with st.container(border=True, gap="small", key=f"corpus-line-{corpus.name}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{formatting.plain(corpus.name)}**", width="stretch")
            if st.button(
                "Programs",
                key=f"see-{corpus.name}",
                type="tertiary",
                icon=":material/library_music:",
            ):
                selection.go("pages/corpus/page.py", corpus.name)
            if newest is not None and st.button(
                "Listen", key=f"listen-{corpus.name}", type="tertiary", icon=":material/hearing:"
            ):
                selection.go("pages/listen/page.py", corpus.name)
        st.caption(
            f"{programs}{', ' if without else ''}{', '.join(without)} · "
            + (
                f"{formatting.count(len(corpus.alignment_ids()), 'alignment')}, the newest"
                f" {formatting.plain(selection.label(newest))}"
                if newest is not None
                else "no alignment yet"
            )
        )


def last_heard(clips: list[Heard]) -> None:
    """Draw the clips that were played last, to be played again."""
    st.subheader("Last heard")
    if not clips:
        st.caption("What you play on any page stands here afterwards.")
        return
    for number, each in enumerate(clips):
        with st.container(gap=None, key=f"last-{number}"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(
                    f"{formatting.plain(each.name)} · {formatting.plain(each.corpus or 'rendered')}",
                    width="stretch",
                )
                if each.corpus and st.button(
                    "See it",
                    key=f"see-heard-{number}",
                    type="tertiary",
                    help=f"In corpus {formatting.plain(each.corpus)}",
                ):
                    see(each)
            audio_player.clip_file(str(each.path), each.name, f"heard-{number}")


def see(clip: Heard) -> None:
    """Open a clip's program on the page Corpus."""
    rows = cache.programs_of(Corpus.open(clip.corpus))
    found = rows.loc[rows["audio"] == str(clip.path), "program"]
    st.session_state["filter:text"] = clip.name
    selection.keep("program", None if found.empty else str(found.iloc[0]))
    selection.go("pages/corpus/page.py", clip.corpus)


def job_row(each: jobs.Job) -> dict:
    return {
        "Job": each.title,
        "State": job_panel.STATES[each.state][0],
        "Ended": pd.Timestamp(each.ended or each.created, unit="s", tz="UTC"),
        "Took": formatting.duration(each.seconds),
        "Why": str(each.error) if each.error else "",
    }


layout.show(page)
