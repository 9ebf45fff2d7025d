"""Page Home: the next step, the corpora, recent jobs and recently played clips."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core import jobs, play_history, workspace
from core.alignment.config import AlignmentConfig
from core.corpus import Corpus, list_corpora
from core.corpus.corpus import DEFAULT_CLIP_SECONDS
from core.pipeline.cost_estimates import estimate_build_cost, estimate_training_seconds
from core.pipeline.next_step_hint import (
    DEFAULT_METHODS,
    NextStep,
    find_next_workspace_step,
    make_build_resume_command,
    make_train_command,
)
from core.pipeline.starter_corpus_recipe import STARTER_CORPUS_NAME, create_starter_recipe
from core.play_history import PlayedClip
from pages.components import (
    audio_player,
    corpus_and_alignment_picker,
    job_panel,
    markdown_and_errors,
    page_cache,
    page_header_and_sidebar,
    session_keys,
)
from pages.components.table_height import compute_table_height_px

MAX_RECENT_ITEMS = 5  # Clips and jobs.
MISSING_CLIP_LABELS = {"failed": "failed", "pending": "not rendered yet"}


def draw_page() -> None:
    """Draw the page."""
    st.title("Hear what a program will sound like")
    st.markdown(
        "Earshot generates variants of Sonic Pi programs, renders them to clips and trains a"
        " shared space of code and sound. For any code it predicts the sound: it finds the"
        " nearest clips without rendering."
    )
    with markdown_and_errors.catch_and_show_errors():
        if not workspace.is_workspace_read_only():  # Visitors cannot install anything.
            warn_about_missing_requirements()
        active_jobs = [job for job in jobs.list_jobs() if job.is_active]
        corpora = open_readable_corpora(list_corpora())
        next_step = find_next_workspace_step(corpora)
        draw_setup_steps(next_step, is_busy=bool(active_jobs))
        for job in reversed(active_jobs):
            job_panel.draw_job_panel(job)
        if not active_jobs and not workspace.is_workspace_read_only():
            draw_failed_job(next_step)
        ended_jobs = [job for job in jobs.list_jobs() if not job.is_active][:MAX_RECENT_ITEMS]
        played_clips = play_history.load_play_history()[:MAX_RECENT_ITEMS]
        if corpora or ended_jobs or played_clips:  # An empty workspace shows only the steps.
            left, right = st.columns([7, 6], gap="large")
            with left:
                draw_corpus_summaries(corpora)
                draw_recent_jobs(ended_jobs)
            with right:
                if not workspace.is_workspace_read_only():
                    draw_play_history(played_clips)


def open_readable_corpora(corpus_names: list[str]) -> list[Corpus]:
    """Open the corpora; draw the error of each damaged one and leave it out."""
    corpora = []
    for name in corpus_names:
        with markdown_and_errors.catch_and_show_errors():
            corpus = Corpus.open(name)
            corpus.count_programs_by_state()
            corpora.append(corpus)
    return corpora


def warn_about_missing_requirements() -> None:
    """Draw each requirement that this machine does not meet, with its remedy."""
    for check in page_cache.run_doctor_checks():
        if check.is_required and not check.is_ok:
            st.warning(
                f"**{markdown_and_errors.escape_markdown(check.name)}**:"
                f" {markdown_and_errors.escape_markdown(check.state)}.",
                icon=":material/build:",
            )
            if check.remedy:
                with st.container(key=f"requirement-remedy-{check.name}"):
                    st.code(check.remedy, language="bash", wrap_lines=True)


# -- the three steps --------------------------------------------------------------------------


def draw_setup_steps(next_step: NextStep, is_busy: bool) -> None:
    """Draw the three steps side by side; the next one has a button."""
    build, train, listen = st.columns(3, gap="small")
    with build.container(border=True, height="stretch", key="step-build"):
        draw_corpus_build_step(next_step, is_busy)
    with train.container(border=True, height="stretch", key="step-train"):
        draw_setup_step_heading(2, "Train an alignment", is_done=next_step.action == "listen")
        draw_train_step(next_step, is_busy)
    with listen.container(border=True, height="stretch", key="step-listen"):
        draw_setup_step_heading(3, "Listen")
        draw_listen_step(next_step)


def draw_setup_step_heading(number: int, title: str, is_done: bool = False) -> None:
    """Draw the heading of a step."""
    mark = ":green[:material/check_circle:]" if is_done else f"**{number}.**"
    st.markdown(f"{mark} **{title}**")


def draw_corpus_build_step(next_step: NextStep, is_busy: bool) -> None:
    """Draw the first step: build a corpus, or finish building one."""
    build_job = job_panel.find_latest_job_of_command("build")
    if build_job is not None and build_job.is_active:
        draw_setup_step_heading(1, "Build a corpus")
        name = markdown_and_errors.escape_markdown(build_job.argv[1])
        st.caption(f"Building {name}. Progress is shown below.")
    elif next_step.corpus is None:
        draw_setup_step_heading(1, "Build a corpus")
        draw_starter_corpus_offer(is_busy)
    elif next_step.action == "finish":
        draw_setup_step_heading(1, "Finish the corpus")
        draw_build_resume_offer(next_step.corpus, is_busy)
    else:
        draw_setup_step_heading(1, "Build a corpus", is_done=True)
        clip_count = page_cache.count_programs_by_state(next_step.corpus)["ok"]
        st.caption(
            f"{markdown_and_errors.escape_markdown(next_step.corpus.name)} has"
            f" {markdown_and_errors.pluralize(clip_count, 'clip')}."
        )
        if workspace.is_workspace_read_only():
            return
        if st.button("Generate more programs", type="tertiary", icon=":material/tune:"):
            st.switch_page("pages/generate/page.py")
        if st.button(
            "Compose programs by the grammar", type="tertiary", icon=":material/library_add:"
        ):
            session_keys.TEMPLATE.remove_from_url_and_session()
            session_keys.IS_SHOWING_GRAMMAR_FORM.set_value(True)
            session_keys.GRAMMAR_CORPUS.set_value(next_step.corpus.name)
            st.switch_page("pages/generate/page.py")


def draw_starter_corpus_offer(is_busy: bool) -> None:
    """Draw what the starter corpus holds and costs, and the button that builds it."""
    recipe = create_starter_recipe()
    if workspace.is_workspace_read_only():
        st.caption("This workspace has no corpus yet.")
        return
    with st.spinner("Looking for encoders …"):
        preset_name, preset_reason = page_cache.get_default_encoder_preset()
    estimate = estimate_build_cost(recipe.program_count, preset=preset_name)
    grammar_count = recipe.grammar_program_count
    grammar_text = (
        f" and {markdown_and_errors.pluralize(grammar_count, 'program')} of the grammar's"
        " styles, at tempos"
        " from 60 to 180"
        if grammar_count
        else ""
    )
    st.caption(
        f"The starter corpus: {recipe.variants_per_template} variants of each of"
        f" {markdown_and_errors.pluralize(len(recipe.template_ids), 'template')} that"
        " follow Sonic Pi's"
        f" tutorial{grammar_text};"
        f" {markdown_and_errors.pluralize(recipe.program_count, 'program')} with"
        f" {DEFAULT_CLIP_SECONDS:g} s clips."
    )
    duration = job_panel.estimate_and_format_work_duration("build", estimate.seconds)
    st.markdown(
        f":material/schedule: {duration.capitalize()}"
        f" &ensp; :material/hard_drive: {markdown_and_errors.format_bytes(estimate.size_bytes)} of"
        f" {markdown_and_errors.format_bytes(page_cache.get_free_disk_bytes())} free"
    )
    st.button(
        "Build the starter corpus",
        type="primary",
        icon=":material/library_music:",
        disabled=is_busy,
        on_click=job_panel.start_background_job,
        args=(recipe.build_argv, "Build the starter corpus"),
    )
    st.caption(markdown_and_errors.escape_markdown(preset_reason))


def draw_build_resume_offer(corpus: Corpus, is_busy: bool) -> None:
    """Draw what a corpus still lacks, and the button that continues to build it."""
    counts = page_cache.count_programs_by_state(corpus)
    st.caption(
        f"{markdown_and_errors.escape_markdown(corpus.name)} has"
        f" {markdown_and_errors.pluralize(counts['ok'], 'clip')};"
        f" {markdown_and_errors.pluralize(counts['pending'], 'program is', 'programs are')}"
        " not rendered yet. Resume continues where it stopped."
    )
    if workspace.is_workspace_read_only():
        return
    build_job = job_panel.find_latest_job_of_command("build", corpus.name)
    argv = build_job.argv if build_job is not None else make_build_resume_command(corpus.name)
    st.button(
        "Resume build",
        type="primary",
        icon=":material/play_arrow:",
        disabled=is_busy,
        on_click=job_panel.start_background_job,
        args=(argv, f"Build corpus {corpus.name}"),
    )


def draw_train_step(next_step: NextStep, is_busy: bool) -> None:
    """Draw the second step: train an alignment."""
    corpus = next_step.corpus
    if corpus is not None and next_step.action == "listen":
        alignment_count = len(corpus.list_alignment_ids())
        st.caption(
            f"{markdown_and_errors.escape_markdown(corpus.name)} has"
            f" {markdown_and_errors.pluralize(alignment_count, 'alignment')}."
        )
        if st.button("View results", type="tertiary", icon=":material/query_stats:"):
            corpus_and_alignment_picker.open_page_with_corpus("pages/train/page.py", corpus.name)
        return
    st.caption(
        "Brings code and sound together: kernel ridge for predictions, InfoNCE for the map."
        f" {estimate_and_format_training_time(corpus)}"
    )
    if corpus is None or next_step.action != "train" or workspace.is_workspace_read_only():
        return
    st.button(
        f"Train on {markdown_and_errors.escape_markdown(corpus.name)}",
        type="primary",
        disabled=is_busy,
        icon=":material/model_training:",
        on_click=job_panel.start_background_job,
        args=(
            make_train_command(corpus.name),
            f"Train alignments of {corpus.name}",
        ),
    )
    if st.button("Training options", type="tertiary", icon=":material/tune:"):
        corpus_and_alignment_picker.open_page_with_corpus("pages/train/page.py", corpus.name)


def estimate_and_format_training_time(corpus: Corpus | None) -> str:
    """Return how long the default trainings take, for a corpus or the starter corpus."""
    if corpus is None:
        clip_count = create_starter_recipe().program_count
    else:
        clip_count = page_cache.count_programs_by_state(corpus)["ok"]
    seconds = sum(
        estimate_training_seconds(clip_count, AlignmentConfig.from_preset(method))
        for method in DEFAULT_METHODS
    )
    duration = markdown_and_errors.format_duration(seconds)
    return (
        f"For {markdown_and_errors.pluralize(clip_count, 'clip')}: {duration} with"
        " evaluation and map, and"
        " longer while the machine is busy."
    )


def draw_listen_step(next_step: NextStep) -> None:
    """Draw the third step: search clips by code."""
    st.caption("Write or paste code, and hear the clips that are nearest to it.")
    if next_step.corpus is None or next_step.action != "listen":
        return
    if st.button("Find clips for code", type="primary", icon=":material/hearing:"):
        corpus_and_alignment_picker.open_page_with_corpus(
            "pages/listen/page.py", next_step.corpus.name
        )
    if st.button("Open map", type="tertiary", icon=":material/scatter_plot:"):
        corpus_and_alignment_picker.open_page_with_corpus(
            "pages/map/page.py", next_step.corpus.name
        )


def draw_failed_job(next_step: NextStep) -> None:
    """Draw the job that should have led to the next step, if it failed or was cancelled."""
    if next_step.action == "listen":
        return
    corpus_name = next_step.corpus.name if next_step.corpus else STARTER_CORPUS_NAME
    command = "train" if next_step.action == "train" else "build"
    job = job_panel.find_latest_job_of_command(command, corpus_name)
    if job is not None and job.state in ("failed", "cancelled"):
        job_panel.draw_job_panel(job)


# -- corpora, jobs, clips ---------------------------------------------------------------------


def draw_corpus_summaries(corpora: list[Corpus]) -> None:
    """Draw a summary of each corpus."""
    if corpora:
        st.subheader("Corpora")
    for corpus in corpora:
        draw_corpus_summary(corpus)


def draw_corpus_summary(corpus: Corpus) -> None:
    """Draw what a corpus holds, and buttons that open it."""
    alignment_labels = corpus_and_alignment_picker.list_alignment_labels(corpus)
    with st.container(border=True, gap="small", key=f"corpus-summary-{corpus.name}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f"**{markdown_and_errors.escape_markdown(corpus.name)}**",
                width="stretch",
            )
            if st.button(
                "Programs",
                key=f"open-programs-{corpus.name}",
                type="tertiary",
                icon=":material/library_music:",
            ):
                corpus_and_alignment_picker.open_page_with_corpus(
                    "pages/corpus/page.py", corpus.name
                )
            if alignment_labels and st.button(
                "Listen",
                key=f"open-listen-{corpus.name}",
                type="tertiary",
                icon=":material/hearing:",
            ):
                corpus_and_alignment_picker.open_page_with_corpus(
                    "pages/listen/page.py", corpus.name
                )
        st.caption(
            f"{count_and_format_programs(corpus)} · {format_alignment_summary(alignment_labels)}"
        )


def count_and_format_programs(corpus: Corpus) -> str:
    """Return the number of programs, and of those without a clip."""
    counts = page_cache.count_programs_by_state(corpus)
    missing = [
        f"{counts[key]:,} {label}" for key, label in MISSING_CLIP_LABELS.items() if counts[key]
    ]
    return ", ".join([markdown_and_errors.pluralize(counts["programs"], "program"), *missing])


def format_alignment_summary(alignment_labels: dict[str, str]) -> str:
    """Return the number of alignments and the label of the newest."""
    if not alignment_labels:
        return "no alignment yet"
    newest_label = markdown_and_errors.escape_markdown(next(iter(alignment_labels.values())))
    return (
        f"{markdown_and_errors.pluralize(len(alignment_labels), 'alignment')}, newest:"
        f" {newest_label}"
    )


def draw_recent_jobs(ended_jobs: list[jobs.Job]) -> None:
    """Draw a table of the jobs that ended last."""
    if not ended_jobs:
        return
    st.subheader("Recent jobs")
    table = pd.DataFrame([build_job_row(job) for job in ended_jobs])
    if not table["Error"].any():
        table = table.drop(columns="Error")
    st.dataframe(
        table,
        hide_index=True,
        height=compute_table_height_px(len(table)),
        alt="The jobs that ended last, one per row",
        column_config={"Ended": st.column_config.DatetimeColumn(format="distance")},
    )
    st.page_link("pages/jobs/page.py", label="All jobs", icon=":material/list:")


def build_job_row(job: jobs.Job) -> dict[str, Any]:
    """Return the row of an ended job."""
    return {
        "Job": job.title,
        "State": job_panel.STATE_BADGES[job.state][0],
        "Ended": pd.Timestamp(job.ended or job.created, unit="s", tz="UTC"),
        "Duration": markdown_and_errors.format_duration(job.elapsed_seconds),
        "Error": str(job.error) if job.error else "",
    }


def draw_play_history(played_clips: list[PlayedClip]) -> None:
    """Draw players of the clips that were played last."""
    st.subheader("Recently played")
    if not played_clips:
        st.caption("Clips you play appear here.")
        return
    for number, clip in enumerate(played_clips):
        with st.container(gap=None, key=f"played-{number}"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(
                    f"{markdown_and_errors.escape_markdown(clip.name)} ·"
                    f" {markdown_and_errors.escape_markdown(clip.corpus_name or 'rendered')}",
                    width="stretch",
                )
                if clip.corpus_name and st.button(
                    "Open",
                    key=f"open-played-{number}",
                    type="tertiary",
                    help=f"Open in corpus {markdown_and_errors.escape_markdown(clip.corpus_name)}",
                ):
                    open_played_program(clip)
            audio_player.draw_audio_file_player(str(clip.path), clip.name, f"played-{number}")


def open_played_program(clip: PlayedClip) -> None:
    """Open a clip's program on the page Corpus."""
    programs = page_cache.load_programs(Corpus.open(clip.corpus_name))
    program_ids = programs.loc[programs["audio"] == str(clip.path), "program"]
    session_keys.FILTER_TEXT.set_value(clip.name)
    session_keys.PROGRAM.set_value(None if program_ids.empty else str(program_ids.iloc[0]))
    corpus_and_alignment_picker.open_page_with_corpus("pages/corpus/page.py", clip.corpus_name)


page_header_and_sidebar.run_page(draw_page)
