"""Metrics of embedding spaces, calibration of confidence, and layout of the map.

Importing this package loads no torch. The exports load their modules at the first access.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.evaluation.neighbour_agreement import mutual_knn
    from core.evaluation.null_calibration import NullCalibration, calibrated

__all__ = ["NullCalibration", "calibrated", "mutual_knn"]
_LAZY_EXPORTS = {
    "NullCalibration": "null_calibration",
    "calibrated": "null_calibration",
    "mutual_knn": "neighbour_agreement",
}

if not TYPE_CHECKING:  # A type checker would accept any name from a module's __getattr__.

    def __getattr__(name: str) -> Any:
        if name not in _LAZY_EXPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_LAZY_EXPORTS[name]}"), name)
