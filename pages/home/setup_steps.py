"""The three steps of page Home: build a corpus, train an alignment, listen."""

from __future__ import annotations

import streamlit as st

from core import workspace
from core.alignment.config import AlignmentConfig
from core.corpus import Corpus
from core.corpus.corpus import DEFAULT_CLIP_SECONDS
from core.pipeline.cost_estimates import estimate_build_cost, estimate_training_seconds
from core.pipeline.next_step_hint import (
    NextStep,
    list_default_methods,
    make_build_resume_command,
    make_train_command,
)
from core.pipeline.starter_corpus_recipe import STARTER_CORPUS_NAME, create_starter_recipe
from pages.components import (
    corpus_and_alignment_picker,
    job_panel,
    markdown_and_errors,
    page_cache,
    page_switch,
    session_keys,
)


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
            page_switch.switch_to_page("pages/generate/page.py")
        if st.button(
            "Compose programs by the grammar", type="tertiary", icon=":material/library_add:"
        ):
            session_keys.TEMPLATE.remove_from_url_and_session()
            session_keys.IS_SHOWING_GRAMMAR_FORM.set_value(True)
            session_keys.GRAMMAR_CORPUS.set_value(next_step.corpus.name)
            page_switch.switch_to_page("pages/generate/page.py")


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
        "Brings code and sound together: joint kernel ridge for predictions, kernel ridge for"
        f" suggestions, InfoNCE for the map. {estimate_and_format_training_time(corpus)}"
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
        for method in list_default_methods(corpus)
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
