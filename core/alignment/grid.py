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
        Trial(
            ", ".join(f"{n} {v:g}" for n, v in zip(names, values)),
            "paper",
            dict(zip(names, values)),
        )
        for values in product(LAYERS, WIDTHS, TEMPERATURES, LEARNING_RATES)
    ]


def _ablation() -> list[Trial]:
    mini, sonicpi = "sentence-transformers/all-MiniLM-L6-v2", "sonicpi"
    inputs = {
        "MiniLM": mini,
        "sonicpi": sonicpi,
        "MiniLM + sonicpi": f"{mini}+{sonicpi}",
        "MiniLM + sonicpi + score": f"{mini}+{sonicpi}+score",  # which runs the program
    }
    # What is learnt, on the narrowest input, for there a run takes least.
    learnt: dict[str, dict[str, Any]] = {
        "InfoNCE, kernels aligned": {"soft_weight": 0.0},
        "soft targets (SoftCLIP) alone": {"kernel_weight": 0.0},
        "weighted targets (CWCL) alone": {"objective": "weighted", "kernel_weight": 0.0},
        "soft targets, distances preserved (RKD)": {"distance_weight": 10.0, "kernel_weight": 0.0},
        "heads of 2 layers": {"layers": 2},
        "shared space of 256": {"dim": 256},
        "no dropout": {"dropout": 0.0, "input_dropout": 0.0},
    }
    read: dict[str, dict[str, Any]] = {
        "standardised": {"standardise": True},
        "whitened to 128": {"whiten": 128},
    }
    return [
        Trial("the paper's, MiniLM", "paper", {}, mini),
        Trial("the paper's, sonicpi", "paper", {}, sonicpi),
        *(Trial(f"Earshot's, {name}", "earshot", {}, code) for name, code in inputs.items()),
        *(
            Trial(f"Earshot's, sonicpi, {name}", "earshot", more, sonicpi)
            for name, more in read.items()
        ),
        *(
            Trial(f"Earshot's, MiniLM, {name}", "earshot", more, mini)
            for name, more in learnt.items()
        ),
        Trial(
            "solved for (ridge), sonicpi",
            "foretell",
            {"objective": "ridge", "penalty": 1000.0, "kept_mean": 0.0},
            sonicpi,
        ),
        Trial("solved for (kernel ridge), sonicpi", "foretell", {}, sonicpi),
    ]


def _trade() -> list[Trial]:
    """From neighbours (cold) to structure (warm): what one wins, and what it costs."""
    warm = {"temperature": 0.5}
    earshots: dict[str, dict[str, Any]] = {
        f"temperature {value:g}": {"temperature": value} for value in (0.1, 0.2, 0.5, 1.0)
    } | {
        "temperature 0.5, kernels weighed 0.3": {**warm, "kernel_weight": 0.3},
        "temperature 0.5, a quarter of the target soft": {**warm, "soft_weight": 0.25},
    }
    longest = {**warm, "learning_rate": 2e-3, "width": 512}
    return [
        *(Trial(f"Earshot's, {name}", "earshot", more) for name, more in earshots.items()),
        Trial("the paper's, temperature 0.5, learning rate 0.002", "paper", longest),
    ]


GRIDS = {"paper": _paper, "ablation": _ablation, "trade": _trade}


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
