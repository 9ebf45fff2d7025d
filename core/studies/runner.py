"""Run a study on a corpus and keep what it found."""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from typing import Any, Mapping

from core.corpus import Corpus
from core.errors import EarshotError
from core.progress import Progress, ignore_progress
from core.studies import resolve_options, store, load_study
from core.studies.store import StudyRun
from core.workspace import refuse_if_read_only

VERSIONED_PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "umap-learn", "pandas", "plotly")


def run_study(
    study_name: str,
    corpus: Corpus,
    options: Mapping[str, Any] | None = None,
    progress: Progress = ignore_progress,
) -> StudyRun:
    """Run one study.

    Parameters
    ----------
    study_name : str
        One of `core.studies.STUDY_MODULES`.
    corpus : Corpus
    options : mapping, optional
        What is not given keeps its default.
    progress : Progress

    Returns
    -------
    StudyRun
        As it lies in the corpus, with versions, the corpus's card and the time it took.

    Raises
    ------
    EarshotError
        When the study isn't there, or the study can't be run on it; says what
        is missing.
    """
    refuse_if_read_only("Running a study")
    module = load_study(study_name)
    chosen = resolve_options(study_name, options)
    begun = time.monotonic()
    result = module.run(corpus, chosen, progress)
    result.settings = {
        **result.settings,
        "options": chosen,
        "corpus": describe_corpus(corpus),
        "versions": collect_versions(),
        "seconds_taken": round(time.monotonic() - begun, 1),
    }
    about = {"study": study_name, "title": module.TITLE, "question": module.QUESTION}
    return store.save_run(corpus, about, result)


def describe_corpus(corpus: Corpus) -> dict[str, Any]:
    """What a corpus is, for a result's reader."""
    settings, programs = corpus.settings, corpus.load_programs()
    templates = programs["template"][programs["template"] != ""]
    return {
        "name": corpus.name,
        "created": settings["created"],
        **corpus.count_programs_by_state(),
        "templates": int(templates.nunique()),
        "without_template": int((programs["template"] == "").sum()),
        "clip_seconds": settings["seconds"],
        "audio_format": settings["audio_format"],
        "split_seed": settings["seed"],
        "splits": programs["split"].value_counts().to_dict(),
        "embeddings": {encoder: count for encoder, _, count in corpus.list_encoders()},
    }


def collect_versions() -> dict[str, str]:
    """Versions of all that a result depends on besides the corpus."""
    from core import sonicpi

    found = {"python": platform.python_version()}
    found.update((package, version(package)) for package in VERSIONED_PACKAGES)
    found["renderer"] = str(sonicpi.RENDERER_VERSION)
    for name, ask in (("sonic pi", sonicpi.get_sonic_pi_version), ("scsynth", sonicpi.get_scsynth_version)):
        try:
            found[name] = ask()
        except EarshotError:  # what is rendered already can be studied without them
            found[name] = "not installed"
    return found
