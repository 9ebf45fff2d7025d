"""The trainings that page Train starts where no method is chosen."""

from __future__ import annotations

from core.alignment.config import JOINT_OBJECTIVE, AlignmentConfig
from core.corpus import Corpus
from core.pipeline.next_step_hint import list_default_methods


def list_default_configs(corpus: Corpus, code_encoder: str | None) -> list[AlignmentConfig]:
    """List the configs of the default trainings; None is the corpus's code encoder."""
    methods = list_default_methods(corpus, code_encoder)
    return [AlignmentConfig.from_preset(method) for method in methods]


def describe_default_trainings(corpus: Corpus, code_encoder: str | None) -> str:
    """Describe which alignments the default trainings make, and what for."""
    change_hint = "Choose one method to change its settings."
    if JOINT_OBJECTIVE in list_default_methods(corpus, code_encoder):
        return (
            "Three trainings with their default settings: joint kernel ridge for predictions on"
            f" Listen, kernel ridge for Suggest, InfoNCE for the map. {change_hint}"
        )
    return (
        "Two trainings with their default settings: kernel ridge for predictions on Listen,"
        f" InfoNCE for the map. {change_hint}"
    )
