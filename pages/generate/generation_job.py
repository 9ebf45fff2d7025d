"""Cost and progress of a job that adds generated programs to a corpus."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.clip_length_limits import DEFAULT_CLIP_SECONDS
from core.corpus import Corpus
from core.pipeline.cost_estimates import estimate_build_cost, find_cost_preset_name
from pages.components import job_panel, markdown_and_errors, page_cache, session_keys


def draw_generation_job(corpus_name: str) -> None:
    """Draw the job that builds a corpus, or a link to the corpus once it is done."""
    job = job_panel.draw_latest_job_unless_done("build", corpus_name)
    if job is not None:
        return
    done_job = job_panel.find_latest_job_of_command("build", corpus_name)
    if done_job is not None and done_job.id == session_keys.GENERATION_JOB.get_value():
        st.success(
            f"{markdown_and_errors.escape_markdown(corpus_name)} is done.",
            icon=":material/check:",
        )
        st.caption("Train again, so that Listen and the map know the new programs.")
        with st.container(horizontal=True):
            st.page_link(
                "pages/train/page.py",
                label="Train",
                icon=":material/model_training:",
                query_params={"corpus": corpus_name},
            )
            st.page_link(
                "pages/corpus/page.py",
                label="Open",
                icon=":material/library_music:",
                query_params={"corpus": corpus_name},
            )


def estimate_and_format_generation_cost(
    corpus_name: str | None, program_count: int, seed: int, fixed_count: int
) -> str:
    """Return the time and disk space that generating the programs takes.

    Parameters
    ----------
    corpus_name : str or None
        None for a new corpus.
    program_count : int
    seed : int
    fixed_count : int
        Number of parameters that are not sampled freely.
    """
    settings = Corpus.open(corpus_name).settings if corpus_name else {}
    estimate = estimate_build_cost(
        program_count,
        settings.get("seconds", DEFAULT_CLIP_SECONDS),
        get_cost_estimate_preset(settings.get("encoders")),
        audio_format=settings.get("audio_format", "flac"),
    )
    fixed = (
        f" and {markdown_and_errors.pluralize(fixed_count, 'parameter')} set" if fixed_count else ""
    )
    return (
        f"{markdown_and_errors.pluralize(program_count, 'program')} with seed {seed}{fixed}:"
        f" {job_panel.estimate_and_format_work_duration('build', estimate.seconds)},"
        f" {markdown_and_errors.format_bytes(estimate.size_bytes)} of disk"
        f" ({markdown_and_errors.format_bytes(page_cache.get_free_disk_bytes())} free)."
    )


def get_cost_estimate_preset(corpus_encoders: Mapping[str, str] | None) -> str:
    """Return the preset whose speed applies to a corpus; for a new corpus, the default."""
    if not corpus_encoders:
        return page_cache.get_default_encoder_preset()[0]
    return find_cost_preset_name(corpus_encoders["code"], corpus_encoders["audio"])
