"""Home: what this is, what is here, and the one next step."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core import play_history, jobs, workspace
from core.corpus import Corpus, list_corpora
from core.play_history import PlayedClip
from core.pipeline.estimate import estimate_build
from core.pipeline.default_method import choose_default_method
from pages.components import cache, layout, job_panel, selection, audio_player, formatting
from pages.home import starter_corpus


@dataclass(frozen=True)
class NextStep:
    """What decides the next step.

    Attributes
    ----------
    action : {"build", "finish", "train", "listen"}
    corpus_name : str
        The corpus that the step is about; "" before the first.
    """

    action: str
    corpus_name: str = ""


MAX_RECENT_ITEMS = 5  # clips and jobs
MISSING_CLIP_LABELS = {"failed": "failed", "pending": "not rendered yet"}


def draw_page() -> None:
    st.title("Hear what a program will sound like")
    st.markdown(
        "Earshot makes variants of Sonic Pi programs, renders them to clips, and learns to bring"
        " code and sound together in one space. Then it finds, for any code, the clips nearest"
        " to it, without rendering it."
    )
    with formatting.catch_and_show_errors():
        warn_missing_requirements()
        active = [each for each in jobs.list_jobs() if each.is_active]
        corpora = open_readable_corpora(list_corpora())
        state = find_next_step(corpora)
        draw_setup_steps(state, is_busy=bool(active))
        for each in reversed(active):
            job_panel.draw_job_panel(each)
        if not active:
            draw_failed_job(state)
        ended = [each for each in jobs.list_jobs() if not each.is_active][:MAX_RECENT_ITEMS]
        clips = play_history.load_play_history()[:MAX_RECENT_ITEMS]
        if corpora or ended or clips:  # else there is the first step alone to see
            here, sounds = st.columns([7, 6], gap="large")
            with here:
                draw_corpora_and_jobs(corpora, ended)
            with sounds:
                draw_play_history(clips)


def open_readable_corpora(corpus_names: list[str]) -> list[Corpus]:
    """Open the corpora; one that is damaged is shown as that and keeps nobody from the others."""
    found = []
    for name in corpus_names:
        with formatting.catch_and_show_errors():
            corpus = Corpus.open(name)
            corpus.count_programs_by_state()
            found.append(corpus)
    return found


def warn_missing_requirements() -> None:
    """What is missing on this machine that Earshot can't do without."""
    for row in cache.run_doctor_checks():
        if row.is_required and not row.is_ok:
            st.warning(
                f"**{formatting.escape_markdown(row.name)}**: {formatting.escape_markdown(row.state)}.",
                icon=":material/build:",
            )
            if row.remedy:
                st.code(row.remedy, language="bash", wrap_lines=True)


def find_next_step(corpora: list[Corpus]) -> NextStep:
    """How far the workspace is; the starter corpus goes before others that are as far."""
    corpora = sorted(corpora, key=lambda corpus: corpus.name != starter_corpus.STARTER_NAME)
    for corpus in corpora:
        if corpus.load_newest_alignment() is not None:
            return NextStep("listen", corpus.name)
    for corpus in corpora:
        counts = cache.count_programs_by_state(corpus)
        if counts["ok"] and not counts["pending"]:
            return NextStep("train", corpus.name)
    return NextStep("finish", corpora[0].name) if corpora else NextStep("build")


def draw_setup_steps(next_step: NextStep, is_busy: bool) -> None:
    """Draw the way: what is done, the next step with its button, and what comes then."""
    build, train, listen = st.columns(3, gap="small")
    with build.container(border=True, height="stretch", key="step-build"):
        being_made = job_panel.find_latest_job("build")
        if being_made is not None and being_made.is_active:
            draw_step_heading(1, "Build a corpus")
            st.caption(
                f"{formatting.escape_markdown(being_made.argv[1])} is being made; how far it is stands below."
            )
        elif next_step.action == "build":
            draw_step_heading(1, "Build a corpus")
            draw_build_step(is_busy)
        elif next_step.action == "finish":
            draw_step_heading(1, "Finish the corpus")
            draw_finish_step(next_step.corpus_name, is_busy)
        else:
            draw_step_heading(1, "Build a corpus", is_done=True)
            counts = cache.count_programs_by_state(Corpus.open(next_step.corpus_name))
            st.caption(
                f"{formatting.escape_markdown(next_step.corpus_name)} holds {formatting.format_count(counts['ok'], 'clip')}."
            )
            if st.button("Make more programs", type="tertiary", icon=":material/tune:"):
                st.switch_page("pages/generate/page.py")
    with train.container(border=True, height="stretch", key="step-train"):
        draw_step_heading(2, "Train an alignment", is_done=next_step.action == "listen")
        draw_train_step(next_step, is_busy)
    with listen.container(border=True, height="stretch", key="step-listen"):
        draw_step_heading(3, "Listen")
        draw_listen_step(next_step)


def draw_step_heading(number: int, title: str, is_done: bool = False) -> None:
    mark = ":green[:material/check_circle:]" if is_done else f"**{number}.**"
    st.markdown(f"{mark} **{title}**")


def draw_build_step(is_busy: bool) -> None:
    recipe = starter_corpus.create_starter_recipe()
    if workspace.is_read_only():
        st.caption("This workspace holds no corpus yet.")
        return
    with st.spinner("Looking for encoders …"):
        preset, why = cache.get_default_preset()
    expected = estimate_build(recipe.program_count, preset=preset)
    st.caption(
        f"The starter corpus: {recipe.variants_per_template} variants of each of"
        f" {formatting.format_count(len(recipe.template_ids), 'template')}, which go through Sonic Pi's tutorial;"
        f" {formatting.format_count(recipe.program_count, 'program')} with a clip of 18 s."
    )
    st.markdown(
        f":material/schedule: {formatting.format_duration(expected.seconds).capitalize()}"
        f" &ensp; :material/hard_drive: {formatting.format_bytes(expected.size_bytes)} of"
        f" {formatting.format_bytes(cache.get_free_disk_bytes())} free"
    )
    st.button(
        "Build the starter corpus",
        type="primary",
        icon=":material/library_music:",
        disabled=is_busy,
        on_click=start_job,
        args=(recipe.build_argv, "Build the starter corpus"),
    )
    st.caption(formatting.escape_markdown(why))


def draw_finish_step(corpus_name: str, is_busy: bool) -> None:
    counts = cache.count_programs_by_state(Corpus.open(corpus_name))
    st.caption(
        f"{formatting.escape_markdown(corpus_name)} has {formatting.format_count(counts['ok'], 'clip')};"
        f" {formatting.format_count(counts['pending'], 'program')} are not rendered yet."
        " Building goes on where it was stopped."
    )
    if workspace.is_read_only():
        return
    st.button(
        "Go on building",
        type="primary",
        icon=":material/play_arrow:",
        disabled=is_busy,
        on_click=start_job,
        args=(find_resume_argv(corpus_name), f"Build corpus {corpus_name}"),
    )


def find_resume_argv(corpus_name: str) -> list[str]:
    """The command that goes on with a corpus: its newest build's, else the starter's."""
    before = job_panel.find_latest_job("build", corpus_name)
    if before is not None:
        return list(before.argv)
    return starter_corpus.create_starter_recipe().build_argv if corpus_name == starter_corpus.STARTER_NAME else ["build", corpus_name]


def draw_train_step(next_step: NextStep, is_busy: bool) -> None:
    if next_step.action == "listen":
        corpus = Corpus.open(next_step.corpus_name)
        number = len(corpus.list_alignment_ids())
        st.caption(f"{formatting.escape_markdown(next_step.corpus_name)} has {formatting.format_count(number, 'alignment')}.")
        if st.button("See what it changed", type="tertiary", icon=":material/query_stats:"):
            selection.open_page_with_corpus("pages/train/page.py", next_step.corpus_name)
        return
    st.caption("Brings code and sound together in one space. It takes about a minute.")
    if next_step.action == "train" and not workspace.is_read_only():
        st.button(
            f"Train on {formatting.escape_markdown(next_step.corpus_name)}",
            type="primary",
            disabled=is_busy,
            icon=":material/model_training:",
            on_click=start_job,
            args=(build_train_argv(next_step.corpus_name), f"Train an alignment of {next_step.corpus_name}"),
        )
        if st.button("Choose how", type="tertiary", icon=":material/tune:"):
            selection.open_page_with_corpus("pages/train/page.py", next_step.corpus_name)


def build_train_argv(corpus_name: str) -> list[str]:
    """The command that trains a corpus, by the method that foretells most with one like it."""
    method = choose_default_method(cache.load_programs(Corpus.open(corpus_name)))
    if method == "soft_infonce":
        return ["train", corpus_name]
    return ["train", corpus_name, "--method", method.replace("_", "-")]


def draw_listen_step(next_step: NextStep) -> None:
    st.caption("Write or paste code, and hear the clips that are nearest to it.")
    if next_step.action != "listen":
        return
    if st.button("Find clips for code", type="primary", icon=":material/hearing:"):
        selection.open_page_with_corpus("pages/listen/page.py", next_step.corpus_name)
    if st.button("See the map", type="tertiary", icon=":material/scatter_plot:"):
        selection.open_page_with_corpus("pages/map/page.py", next_step.corpus_name)


def draw_failed_job(next_step: NextStep) -> None:
    """Show the job that should have brought us further, if it didn't."""
    name = next_step.corpus_name or starter_corpus.STARTER_NAME
    last = job_panel.find_latest_job("train" if next_step.action == "train" else "build", name)
    if next_step.action != "listen" and last is not None and last.state in ("failed", "cancelled"):
        job_panel.draw_job_panel(last)


def start_job(argv: list[str], title: str) -> None:
    with formatting.catch_and_show_errors():
        jobs.start_job(argv, title)


def draw_corpora_and_jobs(corpora: list[Corpus], ended_jobs: list[jobs.Job]) -> None:
    """Draw the corpora with their alignments, and the jobs that ended last."""
    if corpora:
        st.subheader("Corpora")
        for corpus in corpora:
            draw_corpus_summary(corpus)
    if ended_jobs:
        st.subheader("Last jobs")
        rows = pd.DataFrame([build_job_row(each) for each in ended_jobs])
        if not rows["Why"].any():
            rows = rows.drop(columns="Why")
        st.dataframe(
            rows,
            hide_index=True,
            alt="The jobs that ended last, a row each",
            column_config={"Ended": st.column_config.DatetimeColumn(format="distance")},
        )
        st.page_link("pages/jobs/page.py", label="All jobs", icon=":material/list:")


def draw_corpus_summary(corpus: Corpus) -> None:
    """Draw a corpus: what it holds, and the ways into it."""
    counts = cache.count_programs_by_state(corpus)
    newest = corpus.load_newest_alignment()
    programs = formatting.format_count(counts["programs"], "program")
    without = [f"{counts[key]:,} {word}" for key, word in MISSING_CLIP_LABELS.items() if counts[key]]
    with st.container(border=True, gap="small", key=f"corpus-line-{corpus.name}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{formatting.escape_markdown(corpus.name)}**", width="stretch")
            if st.button(
                "Programs",
                key=f"see-{corpus.name}",
                type="tertiary",
                icon=":material/library_music:",
            ):
                selection.open_page_with_corpus("pages/corpus/page.py", corpus.name)
            if newest is not None and st.button(
                "Listen", key=f"listen-{corpus.name}", type="tertiary", icon=":material/hearing:"
            ):
                selection.open_page_with_corpus("pages/listen/page.py", corpus.name)
        st.caption(
            f"{programs}{', ' if without else ''}{', '.join(without)} · "
            + (
                f"{formatting.format_count(len(corpus.list_alignment_ids()), 'alignment')}, the newest"
                f" {formatting.escape_markdown(selection.format_alignment_label(newest))}"
                if newest is not None
                else "no alignment yet"
            )
        )


def draw_play_history(played_clips: list[PlayedClip]) -> None:
    """Draw the clips that were played last, to be played again."""
    st.subheader("Last heard")
    if not played_clips:
        st.caption("What you play on any page stands here afterwards.")
        return
    for number, each in enumerate(played_clips):
        with st.container(gap=None, key=f"last-{number}"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(
                    f"{formatting.escape_markdown(each.name)} · {formatting.escape_markdown(each.corpus_name or 'rendered')}",
                    width="stretch",
                )
                if each.corpus_name and st.button(
                    "See it",
                    key=f"see-heard-{number}",
                    type="tertiary",
                    help=f"In corpus {formatting.escape_markdown(each.corpus_name)}",
                ):
                    open_played_program(each)
            audio_player.draw_file_player(str(each.path), each.name, f"heard-{number}")


def open_played_program(played_clip: PlayedClip) -> None:
    """Open a clip's program on the page Corpus."""
    rows = cache.load_programs(Corpus.open(played_clip.corpus_name))
    found = rows.loc[rows["audio"] == str(played_clip.path), "program"]
    st.session_state["filter:text"] = played_clip.name
    selection.set_url_param("program", None if found.empty else str(found.iloc[0]))
    selection.open_page_with_corpus("pages/corpus/page.py", played_clip.corpus_name)


def build_job_row(ended_job: jobs.Job) -> dict:
    return {
        "Job": ended_job.title,
        "State": job_panel.STATE_BADGES[ended_job.state][0],
        "Ended": pd.Timestamp(ended_job.ended or ended_job.created, unit="s", tz="UTC"),
        "Took": formatting.format_duration(ended_job.elapsed_seconds),
        "Why": str(ended_job.error) if ended_job.error else "",
    }


layout.run_page(draw_page)
