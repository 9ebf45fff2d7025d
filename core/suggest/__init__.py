"""Suggest the next idea: variants of a program, picked by their predicted sound.

Importing this package loads no torch; the exports load their modules at the first access.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.suggest.candidates import Candidate, CandidateOptions
    from core.suggest.sensitivity import LiteralSensitivity, measure_sensitivity
    from core.suggest.suggest_and_pick_variants import (
        Pick,
        SuggestOptions,
        suggest,
        suggest_with_candidates,
    )
    from core.suggest.target import SoundTarget, read_target_from_text

__all__ = [
    "Candidate",
    "CandidateOptions",
    "LiteralSensitivity",
    "Pick",
    "SoundTarget",
    "SuggestOptions",
    "measure_sensitivity",
    "read_target_from_text",
    "suggest",
    "suggest_with_candidates",
]
_LAZY_EXPORTS = {
    "Candidate": "candidates",
    "CandidateOptions": "candidates",
    "LiteralSensitivity": "sensitivity",
    "Pick": "suggest_and_pick_variants",
    "SoundTarget": "target",
    "SuggestOptions": "suggest_and_pick_variants",
    "measure_sensitivity": "sensitivity",
    "read_target_from_text": "target",
    "suggest": "suggest_and_pick_variants",
    "suggest_with_candidates": "suggest_and_pick_variants",
}

if not TYPE_CHECKING:  # A type checker would accept any name from a module's __getattr__.

    def __getattr__(name: str) -> Any:
        if name not in _LAZY_EXPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_LAZY_EXPORTS[name]}"), name)
