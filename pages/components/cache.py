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
def doctor_rows() -> list[doctor.DoctorRow]:
    """What is there and what is missing on this machine."""
    return doctor.doctor_rows()


@st.cache_data(ttl=600, show_spinner=False)
def preset() -> tuple[str, str]:
    """Name of the preset that a new corpus gets, and why. May ask the model hub."""
    chosen, why = encoders.choose_preset()
    return chosen.name, why


@st.cache_data(max_entries=2000, show_spinner=False)
def waveform(path: str) -> tuple[str, float]:
    """The `outline` of a clip's file, and its seconds; such a file never changes."""
    clip = Clip.load(path)
    return outline(clip), clip.seconds


def outline(clip: Clip) -> str:
    """A clip's waveform as SVG, quoted as in an address."""
    return quote(charts.waveform_svg(charts.envelope(clip.samples)))


@st.cache_resource(max_entries=64, show_spinner=False)
def sound_figure(path: str) -> go.Figure:
    """Waveform and spectrogram of a clip's file; such a file never changes."""
    clip = Clip.load(path)
    return charts.sound_figure(clip.samples, clip.sample_rate)


def programs_of(corpus: Corpus) -> pd.DataFrame:
    """All programs of a corpus, as `Corpus.programs`; not to be changed."""
    return _programs_of(str(workspace.root()), corpus.name, corpus.change_stamp)


@st.cache_resource(max_entries=3, ttl=600, show_spinner="Reading the corpus …")
def _programs_of(root: str, corpus_name: str, stamp: str) -> pd.DataFrame:
    return Corpus.open(corpus_name).programs()


def searched(corpus: Corpus) -> pd.Series:
    """What words are looked for in, of each row of `programs_of`."""
    return _searched(str(workspace.root()), corpus.name, corpus.change_stamp)


@st.cache_resource(max_entries=3, ttl=600, show_spinner=False)
def _searched(root: str, corpus_name: str, stamp: str) -> pd.Series:
    return filtering.texts(_programs_of(root, corpus_name, stamp))


def facets(corpus: Corpus) -> dict[str, list[str]]:
    """What templates, roles and states the programs of a corpus have, each sorted."""
    return _facets(str(workspace.root()), corpus.name, corpus.change_stamp)


@st.cache_resource(max_entries=3, ttl=600, show_spinner=False)
def _facets(root: str, corpus_name: str, stamp: str) -> dict[str, list[str]]:
    rows = _programs_of(root, corpus_name, stamp)
    return {name: sorted(rows[name].unique()) for name in ("template", "role", "state")}


def counts(corpus: Corpus) -> dict[str, int]:
    """As `Corpus.counts`; not to be changed."""
    return _counts(str(workspace.root()), corpus.name, corpus.change_stamp)


@st.cache_resource(max_entries=16, ttl=600, show_spinner=False)
def _counts(root: str, corpus_name: str, stamp: str) -> dict[str, int]:
    return Corpus.open(corpus_name).counts()


def domains(corpus: Corpus) -> dict[str, filtering.Span | list[str]]:
    """What values each parameter of a corpus's programs has; not to be changed."""
    return _domains(str(workspace.root()), corpus.name, corpus.change_stamp)


@st.cache_resource(max_entries=3, ttl=600, show_spinner=False)
def _domains(root: str, corpus_name: str, stamp: str) -> dict[str, filtering.Span | list[str]]:
    return filtering.domains(_programs_of(root, corpus_name, stamp))


def pairs_of(record: AlignmentRecord) -> pd.DataFrame | None:
    """As `core.corpus.disagreement_pairs.load_pairs`; not to be changed."""
    path = record.path / disagreement_pairs.FILE
    return _pairs_of(str(path), path.stat().st_mtime_ns, record) if path.exists() else None


@st.cache_resource(max_entries=8, ttl=600, show_spinner=False)
def _pairs_of(path: str, made: int, _record: AlignmentRecord) -> pd.DataFrame | None:
    return disagreement_pairs.load_pairs(_record)


def first_variants() -> list[tuple[Template, Program, str]]:
    """As `core.pipeline.gallery.variants`."""
    known = tuple((each.path, each.path.stat().st_mtime_ns) for each in programs.templates())
    return _first_variants(known)


@st.cache_resource(max_entries=2, show_spinner=False)
def _first_variants(known: tuple) -> list[tuple[Template, Program, str]]:
    return gallery.variants()


@st.cache_resource(ttl=60, show_spinner=False)
def titles() -> dict[str, str]:
    """Title of each template, and of each style of composed programs, by its id."""
    return programs.titles()


def templates_of(corpus: Corpus) -> list[str]:
    """Ids of the templates whose programs a corpus holds, sorted."""
    counted = tuple(counts(corpus).values())
    return _templates_of(str(workspace.root()), corpus.name, counted)


@st.cache_data(max_entries=16, show_spinner=False)
def _templates_of(root: str, corpus_name: str, counts: tuple) -> list[str]:
    return sorted(set(Corpus.open(corpus_name).programs()["template"]) - {""})


def compared_figure(record: AlignmentRecord, split: str) -> go.Figure:
    """Metrics before and after alignment, drawn."""
    return _compared_figure(str(record.path), record.created, split, record)


@st.cache_resource(max_entries=8, show_spinner=False)
def _compared_figure(path: str, created: str, split: str, _record: AlignmentRecord) -> go.Figure:
    return charts.before_after(pd.DataFrame(_record.metrics["readings"]), split)


def curves_figure(record: AlignmentRecord) -> go.Figure:
    """Loss, CKA and recall of a training, drawn."""
    return _curves_figure(str(record.path), record.created, record)


@st.cache_resource(max_entries=8, show_spinner=False)
def _curves_figure(path: str, created: str, _record: AlignmentRecord) -> go.Figure:
    return charts.training_curves(_record.history(), _record.metrics.get("best_epoch"))


def free_bytes() -> int:
    """Free bytes where the workspace lies."""
    place = workspace.root()
    while not place.exists():
        place = Path(place).parent
    return shutil.disk_usage(place).free
