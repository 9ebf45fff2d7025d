"""The paper's studies: each a question, asked of any corpus, answered beside the paper's numbers.

A study is a module of this package with

    NAME, TITLE, QUESTION   what the command calls it, and what it asks, for people
    OPTIONS                 tuple of `Option`: what can be set besides the corpus; its entry in
                            `core.studies.options.STUDY_OPTIONS`
    run(corpus, options, progress) -> StudyResult
                            options: a mapping with a value for each of OPTIONS

and a line in `STUDY_MODULES`. `core.studies.runner` runs one and keeps what it found.
Modules are imported when they are asked for, so they may import what takes a while.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any, Mapping

from core.errors import EarshotError
from core.studies.options import STUDY_OPTIONS, StudyOption

# In the order in which a report tells them.
STUDY_MODULES = {
    "correlation": "core.studies.correlation",
    "perturbation": "core.studies.perturbation",
    "sweep": "core.studies.sweep",
    "completion": "core.studies.completion",
    "umap": "core.studies.umap",
    "foretelling": "core.studies.snippet_retrieval",
}


def load_study(study_name: str) -> ModuleType:
    """The module of a study.

    Raises
    ------
    EarshotError
        When there is none of that name.
    """
    if study_name not in STUDY_MODULES:
        raise EarshotError(
            f"There is no study {str(study_name)[:60]!r}.", remedy=f"There are: {', '.join(STUDY_MODULES)}."
        )
    return importlib.import_module(STUDY_MODULES[study_name])


def get_study_options(study_name: str) -> tuple[StudyOption, ...]:
    """What can be set for a study."""
    return STUDY_OPTIONS[study_name] if study_name in STUDY_OPTIONS else tuple(getattr(load_study(study_name), "OPTIONS", ()))


def resolve_options(study_name: str, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A value for each of a study's options: as given, else its default.

    Raises
    ------
    EarshotError
        When an option is given that the study doesn't have.
    """
    known = {option.name: option.default for option in get_study_options(study_name)}
    overrides = {key: value for key, value in (overrides or {}).items() if value is not None}
    for key in overrides:
        if key not in known:
            raise EarshotError(
                f"Study {study_name} has no option {key!r}.",
                remedy=f"It has: {', '.join(known)}." if known else "It has none.",
            )
    return {**known, **overrides}
