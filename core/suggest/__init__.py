"""Suggest the next idea: variants of a program, picked by their predicted sound.

Importing this package loads no torch; the exports load their modules at the first access.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.suggest.candidate_sound_map import CandidateMap, build_candidate_map
    from core.suggest.candidates import Candidate, CandidateOptions
    from core.suggest.changed_source_ranges import SourceRange, locate_source_range
    from core.suggest.literal_sensitivity import LiteralSensitivity, measure_sensitivity_to_literals
    from core.suggest.picks_and_dropped_candidate_counts import Pick
    from core.suggest.prediction_with_changed_literal import LiteralPrediction, LiteralPredictor
    from core.suggest.slider_prediction import SliderPrediction, SliderPredictor
    from core.suggest.sound_target import SoundTarget, read_target_from_text
    from core.suggest.suggest_and_pick_variants import (
        SuggestOptions,
        suggest,
        suggest_and_return_all_candidates,
    )

__all__ = [
    "Candidate",
    "CandidateMap",
    "CandidateOptions",
    "LiteralPrediction",
    "LiteralPredictor",
    "LiteralSensitivity",
    "Pick",
    "SliderPrediction",
    "SliderPredictor",
    "SoundTarget",
    "SourceRange",
    "SuggestOptions",
    "build_candidate_map",
    "locate_source_range",
    "measure_sensitivity_to_literals",
    "read_target_from_text",
    "suggest",
    "suggest_and_return_all_candidates",
]
_LAZY_EXPORTS = {
    "Candidate": "candidates",
    "CandidateMap": "candidate_sound_map",
    "CandidateOptions": "candidates",
    "LiteralPrediction": "prediction_with_changed_literal",
    "LiteralPredictor": "prediction_with_changed_literal",
    "LiteralSensitivity": "literal_sensitivity",
    "Pick": "picks_and_dropped_candidate_counts",
    "SliderPrediction": "slider_prediction",
    "SliderPredictor": "slider_prediction",
    "SoundTarget": "sound_target",
    "SourceRange": "changed_source_ranges",
    "SuggestOptions": "suggest_and_pick_variants",
    "build_candidate_map": "candidate_sound_map",
    "locate_source_range": "changed_source_ranges",
    "measure_sensitivity_to_literals": "literal_sensitivity",
    "read_target_from_text": "sound_target",
    "suggest": "suggest_and_pick_variants",
    "suggest_and_return_all_candidates": "suggest_and_pick_variants",
}

if not TYPE_CHECKING:  # A type checker would accept any name from a module's __getattr__.

    def __getattr__(name: str) -> Any:
        if name not in _LAZY_EXPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_LAZY_EXPORTS[name]}"), name)
