"""The paper's studies: each a question, asked of any corpus, answered beside the paper's numbers.

A study is a module of this package with

    NAME, TITLE, QUESTION   what the command calls it, and what it asks, for people
    OPTIONS                 tuple of `Option`: what can be set besides the corpus; its entry in
                            `core.studies.options.OF`
    run(corpus, options, progress) -> StudyResult
                            options: a mapping with a value for each of OPTIONS

and a line in `STUDIES`. `core.studies.runner` runs one and keeps what it found.
Modules are imported when they are asked for, so they may import what takes a while.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any, Mapping

from core.errors import EarshotError
from core.studies.options import OF, Option

# In the order in which a report tells them.
STUDIES = {
    "correlation": "core.studies.correlation",
    "perturbation": "core.studies.perturbation",
    "sweep": "core.studies.sweep",
    "completion": "core.studies.completion",
    "umap": "core.studies.umap",
    "foretelling": "core.studies.snippet_retrieval",
}


def study(name: str) -> ModuleType:
    """The module of a study.

    Raises
    ------
    EarshotError
        When there is none of that name.
    """
    if name not in STUDIES:
        raise EarshotError(
            f"There is no study {str(name)[:60]!r}.", remedy=f"There are: {', '.join(STUDIES)}."
        )
    return importlib.import_module(STUDIES[name])


def options_of(name: str) -> tuple[Option, ...]:
    """What can be set for a study."""
    return OF[name] if name in OF else tuple(getattr(study(name), "OPTIONS", ()))


def settled(name: str, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A value for each of a study's options: as given, else its default.

    Raises
    ------
    EarshotError
        When an option is given that the study doesn't have.
    """
    known = {option.name: option.default for option in options_of(name)}
    given = {key: value for key, value in (given or {}).items() if value is not None}
    for key in given:
        if key not in known:
            raise EarshotError(
                f"Study {name} has no option {key!r}.",
                remedy=f"It has: {', '.join(known)}." if known else "It has none.",
            )
    return {**known, **given}
