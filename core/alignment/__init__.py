"""Training of projection heads from code and audio embeddings into one shared space.

Importing this package loads no torch, so that a command can list the fields of a config at once.
The other exports load their modules at the first access.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from core.alignment.config import AlignmentConfig

if TYPE_CHECKING:
    from core.alignment.projection_heads import ProjectionHeads
    from core.alignment.trainer import TrainingResult, train
    from core.alignment.training_pair_types_and_batches import TrainingPairs, ValidationPairs

__all__ = [
    "AlignmentConfig",
    "ProjectionHeads",
    "TrainingPairs",
    "TrainingResult",
    "ValidationPairs",
    "train",
]
_LAZY_EXPORTS = {
    "ProjectionHeads": "projection_heads",
    "TrainingPairs": "training_pair_types_and_batches",
    "TrainingResult": "trainer",
    "ValidationPairs": "training_pair_types_and_batches",
    "train": "trainer",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY_EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY_EXPORTS[name]}"), name)
