"""Results of `core` that pages need on every run, cached until their inputs change."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.runtime.caching.hashing import UserHashError

from core import encoders, programs, system_requirement_checks, workspace
from core.corpus import (
    AlignmentRecord,
    Corpus,
    disagreement_pair_storage,
    get_local_clip_file,
    program_filtering,
)
from core.errors import EarshotError
from core.pipeline import template_gallery_rendering
from core.plots.metrics_before_after import build_metrics_before_after_figure
from core.plots.spectrogram import build_waveform_and_spectrogram_figure
from core.plots.training_curves import build_training_curves_figure
from core.programs import Program, Template
from core.search.aspect_similarity import AspectIndex
from core.sonicpi import Clip
from core.studies.study_run_storage import StudyRun

P = ParamSpec("P")
R = TypeVar("R")

HOUR_S = 3600.0
# Whole tables of large corpora take hundreds of megabytes, so they are dropped sooner.
TABLE_TTL_S = 600.0


def _build_corpus_cache_key(corpus: Corpus) -> tuple[str, ...]:
    return str(corpus.path), corpus.change_stamp


def _build_alignment_cache_key(alignment: AlignmentRecord) -> tuple[Any, ...]:
    # The metrics, the map and the pairs can be written after the training.
    return (
        str(alignment.path),
        alignment.created,
        *map(_get_mtime_ns, _list_post_training_files(alignment)),
    )


def _list_post_training_files(alignment: AlignmentRecord) -> tuple[Path, ...]:
    names = ("metrics.json", "map.parquet", disagreement_pair_storage.PAIRS_FILE)
    return tuple(alignment.path / name for name in names)


def _get_mtime_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _build_study_run_cache_key(run: StudyRun) -> tuple[str, ...]:
    return str(run.path), run.created


# What a cache compares instead of the object: it changes whenever the object's data do.
_HASH_FUNCTIONS: dict[str | type[Any], Callable[[Any], Any]] = {
    Corpus: _build_corpus_cache_key,
    AlignmentRecord: _build_alignment_cache_key,
    StudyRun: _build_study_run_cache_key,
}


def cache_until_inputs_change(
    max_entries: int, *, ttl_s: float | None = HOUR_S, spinner: str | bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Cache a function until a corpus, alignment or study run among its arguments changes.

    All sessions share the results, so callers must not modify them. Arguments whose names begin
    with an underscore are not compared.

    Parameters
    ----------
    max_entries : int
        Number of results to keep.
    ttl_s : float, optional
        Seconds after which a result is dropped; None keeps it.
    spinner : str or bool
        Text to show during the computation.
    """
    store = st.cache_resource(
        max_entries=max_entries, ttl=ttl_s, show_spinner=spinner, hash_funcs=_HASH_FUNCTIONS
    )

    def add_cache_to_function(function: Callable[P, R]) -> Callable[P, R]:
        # Streamlit names a cache by the function's module, name and source. It must therefore
        # get the function itself: a common inner function would share one cache.
        cached = store(function)

        @functools.wraps(function)
        def call_cached_function(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return cached(*args, **kwargs)
            except UserHashError as error:
                # Reading the change stamp of a damaged corpus fails.
                if isinstance(error.__cause__, EarshotError):
                    raise error.__cause__ from None
                raise

        return call_cached_function

    return add_cache_to_function


@cache_until_inputs_change(1, ttl_s=120)
def run_doctor_checks() -> list[system_requirement_checks.RequirementCheck]:
    """Check what Earshot needs on this machine."""
    return system_requirement_checks.check_system_requirements()


@cache_until_inputs_change(1, ttl_s=600)
def get_default_encoder_preset() -> tuple[str, str]:
    """Return the preset of a new corpus and the reason for it. May ask the model hub."""
    preset, reason = encoders.choose_encoder_preset()
    return preset.name, reason


@cache_until_inputs_change(64, ttl_s=None)
def plot_waveform_and_spectrogram(audio_path: str) -> go.Figure:
    """Plot the waveform and spectrogram of a clip's file."""
    clip = Clip.load(get_local_clip_file(audio_path))
    return build_waveform_and_spectrogram_figure(clip.samples, clip.sample_rate)


@cache_until_inputs_change(3, ttl_s=TABLE_TTL_S, spinner="Reading the corpus …")
def load_programs(corpus: Corpus) -> pd.DataFrame:
    """Load all programs of a corpus, as `Corpus.load_programs` does."""
    return corpus.load_programs()


@cache_until_inputs_change(3, ttl_s=TABLE_TTL_S)
def load_programs_with_forecast(corpus: Corpus) -> pd.DataFrame:
    """Load all programs of a corpus with the columns of its forecast, if it has one."""
    # Imports scipy, which other pages do without.
    from core.search.sound_property_forecast_columns import forecast_corpus_programs

    programs = load_programs(corpus)
    forecast = forecast_corpus_programs(corpus, programs["program"].tolist())
    return pd.concat([programs, forecast.set_axis(programs.index)], axis=1)


@cache_until_inputs_change(3, ttl_s=TABLE_TTL_S)
def load_aspect_index(corpus: Corpus) -> AspectIndex | None:
    """Load the measured aspects of all clips of a corpus; None if they are not measured."""
    from core.search.aspect_similarity import load_aspect_index_of_programs

    return load_aspect_index_of_programs(corpus, load_programs(corpus)["program"].tolist())


@cache_until_inputs_change(3, ttl_s=TABLE_TTL_S)
def load_program_search_texts(corpus: Corpus) -> pd.Series:
    """Build the text that a query is matched with, one per row of `load_programs`."""
    return program_filtering.build_program_search_texts(load_programs(corpus))


@cache_until_inputs_change(3, ttl_s=TABLE_TTL_S)
def load_program_filter_options(corpus: Corpus) -> dict[str, list[str]]:
    """List the templates, roles, states and kinds of warnings of a corpus's programs, sorted."""
    rows = load_programs(corpus)
    options = {name: sorted(rows[name].unique()) for name in ("template", "role", "state")}
    return {**options, "warning": program_filtering.find_warning_kinds(rows)}


@cache_until_inputs_change(16, ttl_s=TABLE_TTL_S)
def count_programs_by_state(corpus: Corpus) -> dict[str, int]:
    """Count a corpus's programs, as `Corpus.count_programs_by_state` does."""
    return corpus.count_programs_by_state()


@cache_until_inputs_change(3, ttl_s=TABLE_TTL_S)
def load_parameter_domains_of_corpus(
    corpus: Corpus,
) -> dict[str, program_filtering.ValueRange | list[str]]:
    """Return the values of each parameter over a corpus's programs."""
    return program_filtering.find_parameter_domains(load_programs(corpus))


@cache_until_inputs_change(8, ttl_s=TABLE_TTL_S)
def load_disagreement_pairs(alignment: AlignmentRecord) -> pd.DataFrame | None:
    """Load the pairs whose code and sound disagree; None before they are computed."""
    return disagreement_pair_storage.load_disagreement_pairs(alignment)


def load_first_template_variants() -> list[tuple[Template, Program, str]]:
    """List the first variant of each template, as `gallery.list_first_template_variants` does."""
    paths = (template.path for template in programs.list_templates())
    return _load_first_variant_of_each_template(
        tuple((str(path), _get_mtime_ns(path)) for path in paths)
    )


@cache_until_inputs_change(2, ttl_s=None)
def _load_first_variant_of_each_template(
    template_stamps: tuple[tuple[str, int], ...],  # noqa: ARG001 (the cache compares it)
) -> list[tuple[Template, Program, str]]:
    return template_gallery_rendering.list_first_template_variants()


@cache_until_inputs_change(1, ttl_s=60)
def load_template_titles() -> dict[str, str]:
    """Return the title of each template and grammar style by id."""
    return programs.get_title_by_template_id()


@cache_until_inputs_change(16)
def list_corpus_templates(corpus: Corpus) -> list[str]:
    """List the ids of the templates in a corpus, sorted."""
    return sorted(set(load_programs(corpus)["template"]) - {""})


@cache_until_inputs_change(8, ttl_s=None)
def plot_metrics_before_after(alignment: AlignmentRecord, split: str) -> go.Figure:
    """Plot the metrics before and after alignment."""
    return build_metrics_before_after_figure(pd.DataFrame(alignment.metrics["readings"]), split)


@cache_until_inputs_change(8, ttl_s=None)
def plot_training_curves(alignment: AlignmentRecord) -> go.Figure:
    """Plot loss, CKA and recall by epoch."""
    return build_training_curves_figure(
        alignment.load_training_history(), alignment.metrics.get("best_epoch")
    )


def get_free_disk_bytes() -> int:
    """Return the free bytes of the disk that holds the workspace."""
    return workspace.get_free_bytes(workspace.get_workspace_root())
