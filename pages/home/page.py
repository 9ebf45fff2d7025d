"""Page Home: the next step, the corpora, recent jobs and recently played clips."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core import jobs, play_history, workspace
from core.corpus import Corpus, list_corpora
from core.pipeline.next_step_hint import find_next_workspace_step
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
from pages.home import setup_steps

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
        setup_steps.draw_setup_steps(next_step, is_busy=bool(active_jobs))
        for job in reversed(active_jobs):
            job_panel.draw_job_panel(job)
        if not active_jobs and not workspace.is_workspace_read_only():
            setup_steps.draw_failed_job(next_step)
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
