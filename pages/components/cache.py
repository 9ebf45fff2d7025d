"""What pages ask of core on every run, remembered for as long as it stays true.

Streamlit tells what is cached apart by a function's arguments alone: so each of them takes,
besides what it needs, something that changes with what it returns. The workspace's folder is one.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core import doctor, encoders, programs, workspace
from core.plots import charts
from core.corpus import AlignmentRecord, Corpus, disagreement_pairs, filtering
from core.programs import Program, Template
from core.sonicpi import Clip
from core.pipeline import gallery


@st.cache_data(ttl=120, show_spinner=False)
def run_doctor_checks() -> list[doctor.RequirementCheck]:
    """What is there and what is missing on this machine."""
    return doctor.check_requirements()


@st.cache_data(ttl=600, show_spinner=False)
def get_default_preset() -> tuple[str, str]:
    """Name of the preset that a new corpus gets, and why. May ask the model hub."""
    chosen, why = encoders.choose_preset()
    return chosen.name, why


@st.cache_data(max_entries=2000, show_spinner=False)
def load_waveform_svg(audio_path: str) -> tuple[str, float]:
    """The `outline` of a clip's file, and its seconds; such a file never changes."""
    clip = Clip.load(audio_path)
    return encode_waveform_svg(clip), clip.seconds


def encode_waveform_svg(clip: Clip) -> str:
    """A clip's waveform as SVG, quoted as in an address."""
    return quote(charts.draw_waveform_svg(charts.compute_envelope(clip.samples)))


@st.cache_resource(max_entries=64, show_spinner=False)
def plot_waveform_and_spectrogram(audio_path: str) -> go.Figure:
    """Waveform and spectrogram of a clip's file; such a file never changes."""
    clip = Clip.load(audio_path)
    return charts.draw_waveform_and_spectrogram(clip.samples, clip.sample_rate)


def load_programs(corpus: Corpus) -> pd.DataFrame:
    """All programs of a corpus, as `Corpus.programs`; not to be changed."""
    return _load_programs(str(workspace.get_workspace_root()), corpus.name, corpus.change_stamp)


@st.cache_resource(max_entries=3, ttl=600, show_spinner="Reading the corpus …")
def _load_programs(workspace_root: str, corpus_name: str, change_stamp: str) -> pd.DataFrame:
    return Corpus.open(corpus_name).load_programs()


def load_search_texts(corpus: Corpus) -> pd.Series:
    """What words are looked for in, of each row of `programs_of`."""
    return _load_search_texts(str(workspace.get_workspace_root()), corpus.name, corpus.change_stamp)


@st.cache_resource(max_entries=3, ttl=600, show_spinner=False)
def _load_search_texts(workspace_root: str, corpus_name: str, change_stamp: str) -> pd.Series:
    return filtering.build_search_texts(_load_programs(workspace_root, corpus_name, change_stamp))


def load_filter_options(corpus: Corpus) -> dict[str, list[str]]:
    """What templates, roles and states the programs of a corpus have, each sorted."""
    return _load_filter_options(str(workspace.get_workspace_root()), corpus.name, corpus.change_stamp)


@st.cache_resource(max_entries=3, ttl=600, show_spinner=False)
def _load_filter_options(workspace_root: str, corpus_name: str, change_stamp: str) -> dict[str, list[str]]:
    rows = _load_programs(workspace_root, corpus_name, change_stamp)
    return {name: sorted(rows[name].unique()) for name in ("template", "role", "state")}


def count_programs_by_state(corpus: Corpus) -> dict[str, int]:
    """As `Corpus.counts`; not to be changed."""
    return _count_programs_by_state(str(workspace.get_workspace_root()), corpus.name, corpus.change_stamp)


@st.cache_resource(max_entries=16, ttl=600, show_spinner=False)
def _count_programs_by_state(workspace_root: str, corpus_name: str, change_stamp: str) -> dict[str, int]:
    return Corpus.open(corpus_name).count_programs_by_state()


def load_parameter_domains(corpus: Corpus) -> dict[str, filtering.ValueRange | list[str]]:
    """What values each parameter of a corpus's programs has; not to be changed."""
    return _load_parameter_domains(str(workspace.get_workspace_root()), corpus.name, corpus.change_stamp)


@st.cache_resource(max_entries=3, ttl=600, show_spinner=False)
def _load_parameter_domains(workspace_root: str, corpus_name: str, change_stamp: str) -> dict[str, filtering.ValueRange | list[str]]:
    return filtering.find_parameter_domains(_load_programs(workspace_root, corpus_name, change_stamp))


def load_disagreement_pairs(alignment: AlignmentRecord) -> pd.DataFrame | None:
    """As `core.corpus.disagreement_pairs.load_disagreement_pairs`; not to be changed."""
    path = alignment.path / disagreement_pairs.PAIRS_FILE
    return _load_disagreement_pairs(str(path), path.stat().st_mtime_ns, alignment) if path.exists() else None


@st.cache_resource(max_entries=8, ttl=600, show_spinner=False)
def _load_disagreement_pairs(pairs_path: str, modified_ns: int, _alignment: AlignmentRecord) -> pd.DataFrame | None:
    return disagreement_pairs.load_disagreement_pairs(_alignment)


def load_first_variants() -> list[tuple[Template, Program, str]]:
    """As `core.pipeline.gallery.list_first_variants`."""
    known = tuple((each.path, each.path.stat().st_mtime_ns) for each in programs.list_templates())
    return _load_first_variants(known)


@st.cache_resource(max_entries=2, show_spinner=False)
def _load_first_variants(template_stamps: tuple) -> list[tuple[Template, Program, str]]:
    return gallery.list_first_variants()


@st.cache_resource(ttl=60, show_spinner=False)
def load_template_titles() -> dict[str, str]:
    """Title of each template, and of each style of composed programs, by its id."""
    return programs.get_template_titles()


def list_corpus_templates(corpus: Corpus) -> list[str]:
    """Ids of the templates whose programs a corpus holds, sorted."""
    counted = tuple(count_programs_by_state(corpus).values())
    return _list_corpus_templates(str(workspace.get_workspace_root()), corpus.name, counted)


@st.cache_data(max_entries=16, show_spinner=False)
def _list_corpus_templates(workspace_root: str, corpus_name: str, program_counts: tuple) -> list[str]:
    return sorted(set(Corpus.open(corpus_name).load_programs()["template"]) - {""})


def plot_metrics_before_after(alignment: AlignmentRecord, split: str) -> go.Figure:
    """Metrics before and after alignment, drawn."""
    return _plot_metrics_before_after(str(alignment.path), alignment.created, split, alignment)


@st.cache_resource(max_entries=8, show_spinner=False)
def _plot_metrics_before_after(alignment_path: str, created: str, split: str, _alignment: AlignmentRecord) -> go.Figure:
    return charts.draw_metrics_before_after(pd.DataFrame(_alignment.metrics["readings"]), split)


def plot_training_curves(alignment: AlignmentRecord) -> go.Figure:
    """Loss, CKA and recall of a training, drawn."""
    return _plot_training_curves(str(alignment.path), alignment.created, alignment)


@st.cache_resource(max_entries=8, show_spinner=False)
def _plot_training_curves(alignment_path: str, created: str, _alignment: AlignmentRecord) -> go.Figure:
    return charts.draw_training_curves(_alignment.load_history(), _alignment.metrics.get("best_epoch"))


def get_free_disk_bytes() -> int:
    """Free bytes where the workspace lies."""
    place = workspace.get_workspace_root()
    while not place.exists():
        place = Path(place).parent
    return shutil.disk_usage(place).free
