"""Run a study on a corpus and keep what it found."""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from typing import Any, Mapping

from core.corpus import Corpus
from core.errors import EarshotError
from core.progress import Progress, silent
from core.studies import settled, store, study
from core.studies.store import StudyRun
from core.workspace import refuse_if_read_only

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "umap-learn", "pandas", "plotly")


def run_study(
    name: str,
    corpus_name: str,
    options: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> StudyRun:
    """Run one study.

    Parameters
    ----------
    name : str
        One of `core.studies.STUDIES`.
    corpus_name : str
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
        When the study or the corpus isn't there, or the study can't be run on it; says what
        is missing.
    """
    refuse_if_read_only("Running a study")
    module = study(name)
    chosen = settled(name, options)
    corpus = Corpus.open(corpus_name)
    begun = time.monotonic()
    result = module.run(corpus, chosen, progress)
    result.settings = {
        **result.settings,
        "options": chosen,
        "corpus": corpus_card(corpus),
        "versions": versions(),
        "seconds_taken": round(time.monotonic() - begun, 1),
    }
    about = {"study": name, "title": module.TITLE, "question": module.QUESTION}
    return store.save(corpus, about, result)


def corpus_card(corpus: Corpus) -> dict[str, Any]:
    """What a corpus is, for a result's reader."""
    settings, programs = corpus.settings, corpus.programs()
    templates = programs["template"][programs["template"] != ""]
    return {
        "name": corpus.name,
        "created": settings["created"],
        **corpus.counts(),
        "templates": int(templates.nunique()),
        "without_template": int((programs["template"] == "").sum()),
        "clip_seconds": settings["seconds"],
        "audio_format": settings["audio_format"],
        "split_seed": settings["seed"],
        "splits": programs["split"].value_counts().to_dict(),
        "embeddings": {encoder: count for encoder, _, count in corpus.encoders()},
    }


def versions() -> dict[str, str]:
    """Versions of all that a result depends on besides the corpus."""
    from core import sonicpi

    found = {"python": platform.python_version()}
    found.update((package, version(package)) for package in PACKAGES)
    found["renderer"] = str(sonicpi.RENDERER_VERSION)
    for name, ask in (("sonic pi", sonicpi.sonic_pi_version), ("scsynth", sonicpi.scsynth_version)):
        try:
            found[name] = ask()
        except EarshotError:  # what is rendered already can be studied without them
            found[name] = "not installed"
    return found
