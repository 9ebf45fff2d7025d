"""The configurations that a sweep tries: all of them, and nothing else, are in this file."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

from core.alignment.config import AlignmentConfig
from core.errors import EarshotError

SEEDS = 5
# The paper names 24 configurations and none of their values: these are ours.
LAYERS = (2, 3)
WIDTHS = (256, 512)
TEMPERATURES = (0.07, 0.2, 0.5)
LEARNING_RATES = (3e-4, 1e-3)
# What is alike for all: enough passes for the slowest, and stopped early.
COMMON = {"epochs": 60, "patience": 8}


@dataclass(frozen=True)
class Trial:
    """One configuration of a sweep: its name and what it changes of the method's.

    `code` names a code encoder, where it isn't the one that the sweep was asked to use.
    """

    name: str
    method: str
    changes: dict[str, Any] = field(default_factory=dict)
    code: str | None = None

    def config(self, seed: int) -> AlignmentConfig:
        """The config to train with."""
        return AlignmentConfig.of_method(self.method, **{**COMMON, **self.changes, "seed": seed})


def _paper() -> list[Trial]:
    names = ("layers", "width", "temperature", "learning_rate")
    return [
        Trial(", ".join(f"{n} {v:g}" for n, v in zip(names, values)), "paper",
              dict(zip(names, values)))
        for values in product(LAYERS, WIDTHS, TEMPERATURES, LEARNING_RATES)
    ]  # fmt: skip


def _ablation() -> list[Trial]:
    changes: dict[str, tuple[str, dict[str, Any]]] = {
        "the paper's: InfoNCE": ("paper", {}),
        "  raw inputs": ("paper", {"standardise": False}),
        "  inputs whitened to 64": ("paper", {"whiten": 64}),
        "  weighted targets instead (CWCL)": ("paper", {"objective": "weighted"}),
        "  and distances preserved (RKD)": ("paper", {"distance_weight": 10.0}),
        "  and kernels aligned": ("paper", {"kernel_weight": 5.0}),
        "Earshot's: soft targets (SoftCLIP)": ("earshot", {}),
        "  and kernels aligned too": ("earshot", {"kernel_weight": 5.0}),
        "  and distances preserved too (RKD)": ("earshot", {"distance_weight": 10.0}),
        "  sharper soft targets": ("earshot", {"soft_temperature": 0.3, "temperature": 0.1}),
        "  raw inputs of Earshot's": ("earshot", {"standardise": False}),
        "  inputs of Earshot's whitened to 64": ("earshot", {"whiten": 64}),
        "  heads of 1 layer": ("earshot", {"layers": 1}),
        "  heads of 2 layers": ("earshot", {"layers": 2}),
        "  heads of width 1024": ("earshot", {"width": 1024}),
        "  no dropout": ("earshot", {"dropout": 0.0, "input_dropout": 0.0}),
    }
    return [Trial(name, method, values) for name, (method, values) in changes.items()]


GRIDS = {"paper": _paper, "ablation": _ablation}


def trials(grid: str) -> list[Trial]:
    """The configurations of a grid.

    Raises
    ------
    EarshotError
        When there is none of that name.
    """
    if grid not in GRIDS:
        raise EarshotError(f"There is no grid {grid!r}.", remedy=f"Use {' or '.join(GRIDS)}.")
    return GRIDS[grid]()
