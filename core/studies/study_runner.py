"""Run a study on a corpus and save its result."""

from __future__ import annotations

import os
import platform
import re
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core import sonicpi
from core.corpus import Corpus
from core.corpus.legacy_saved_names import (
    translate_legacy_study_name,
    translate_legacy_study_options,
)
from core.errors import EarshotError
from core.package_versions import collect_package_versions
from core.pipeline.executors.executor_interface import Executor
from core.pipeline.executors.executor_of_enclosing_block import use_executor
from core.progress_callback import Progress, ignore_progress
from core.studies import study_run_storage
from core.studies.study_registry import fill_default_study_options, get_study
from core.studies.study_run_storage import StudyRun
from core.workspace import require_writable_workspace

VERSIONED_PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "umap-learn",
    "pandas",
    "plotly",
)


def run_study(
    study_name: str,
    corpus: Corpus,
    options: Mapping[str, Any] | None = None,
    progress: Progress = ignore_progress,
    executor: Executor | None = None,
) -> StudyRun:
    """Run one study on a corpus and save its result there.

    Parameters
    ----------
    study_name : str
        One of `core.studies.study_registry.STUDIES`.
    corpus : Corpus
    options : mapping, optional
        Options that differ from their defaults.
    progress : Progress
    executor : Executor, optional
        Where the study renders programs and trains the runs of a sweep. Default: this machine.

    Returns
    -------
    StudyRun
        The saved run. Its settings also hold versions, a description of the corpus and the
        seconds taken.

    Raises
    ------
    EarshotError
        When there is no such study or option, or the corpus lacks what the study needs.

    Examples
    --------
    >>> run = run_study("correlation", Corpus.open("starter"), {"resamples": 10})
    >>> list(run.load_paper_comparison())[:5]
    ['measure', 'measured', 'low', 'high', 'paper']
    """
    require_writable_workspace("Running a study")
    study_name, options = translate_former_study_names(study_name, options or {})
    study = get_study(study_name)
    all_options = fill_default_study_options(study_name, options)
    started = time.monotonic()
    with use_executor(executor):
        result = study.import_study_module().compute_study_result(corpus, all_options, progress)
    result.settings = {
        **result.settings,
        "options": all_options,
        "corpus": collect_corpus_facts(corpus),
        "versions": collect_software_versions(),
        "seconds_taken": round(time.monotonic() - started, 1),
    }
    study_info = {"study": study_name, "title": study.title, "question": study.question}
    return study_run_storage.save_study_run(corpus, study_info, result)


def translate_former_study_names(
    study_name: str, options: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Translate former names of a study, its options and their values, with a warning for each."""
    new_study_name = translate_legacy_study_name(study_name)
    new_options = translate_legacy_study_options(options)
    renamed = {study_name: new_study_name, **dict(zip(options, new_options))}
    for (name, value), new_value in zip(options.items(), new_options.values()):
        if value != new_value:
            renamed[f"{name}={value}"] = new_value
    for former, present in renamed.items():
        if former != present:
            warnings.warn(
                f"{former!r} is now called {present!r}; the former name will be removed.",
                FutureWarning,
                stacklevel=3,
            )
    return new_study_name, new_options


def collect_corpus_facts(corpus: Corpus) -> dict[str, Any]:
    """Describe a corpus for the readers of a result: its size, splits and embeddings."""
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
        "embeddings": {
            encoder_id: count for encoder_id, _, count in corpus.count_embeddings_by_encoder()
        },
    }


def collect_software_versions() -> dict[str, str]:
    """Return versions of all software that a result depends on."""
    versions = collect_package_versions(VERSIONED_PACKAGES)
    versions["machine"] = describe_machine()
    versions["renderer"] = str(sonicpi.RENDERER_VERSION)
    for name, get_version in (
        ("sonic pi", sonicpi.get_sonic_pi_version),
        ("scsynth", sonicpi.get_scsynth_version),
    ):
        try:
            versions[name] = get_version()
        except EarshotError:  # Existing clips can be studied without Sonic Pi.
            versions[name] = "not installed"
    return versions


def describe_machine() -> str:
    """Return the number of cores, the processor and its architecture, for captions of results."""
    try:
        names = re.findall(
            r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE
        )
    except OSError:  # not Linux
        names = []
    processor = names[0].strip() if names else platform.processor() or "unknown processor"
    return f"{os.cpu_count()} cores, {processor}, {platform.machine()}"
