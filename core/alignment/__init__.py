"""Projection heads that bring code and audio into one shared space: tensors in, tensors out.

Importing this package loads no torch, so a command can show a config's fields at no cost;
what computes is loaded when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from core.alignment.config import AlignmentConfig

if TYPE_CHECKING:
    from core.alignment.heads import ProjectionHeads
    from core.alignment.trainer import TrainingResult, train

__all__ = ["AlignmentConfig", "ProjectionHeads", "TrainingResult", "train"]
_LAZY_EXPORTS = {"ProjectionHeads": "heads", "TrainingResult": "trainer", "train": "trainer"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY_EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY_EXPORTS[name]}"), name)
