"""The configurations that a sweep tries: all of them, and nothing else, are in this file."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

from core.alignment.config import AlignmentConfig
from core.errors import EarshotError

SEED_COUNT = 5
# The paper names 24 configurations and none of their values: these are ours.
LAYER_COUNTS = (2, 3)
HIDDEN_WIDTHS = (256, 512)
TEMPERATURES = (0.07, 0.2, 0.5)
LEARNING_RATES = (3e-4, 1e-3)
# What is alike for all: enough passes for the slowest, and stopped early.
COMMON_SETTINGS = {"epochs": 60, "patience": 8}


@dataclass(frozen=True)
class Trial:
    """One configuration of a sweep: its name and what it changes of the method's.

    `code_encoder` names a code encoder, where it isn't the one that the sweep was asked to use.
    """

    name: str
    preset: str
    overrides: dict[str, Any] = field(default_factory=dict)
    code_encoder: str | None = None

    def build_config(self, seed: int) -> AlignmentConfig:
        """The config to train with."""
        return AlignmentConfig.from_preset(
            self.preset, **{**COMMON_SETTINGS, **self.overrides, "seed": seed}
        )


def _list_paper_trials() -> list[Trial]:
    names = ("layers", "width", "temperature", "learning_rate")
    return [
        Trial(
            ", ".join(f"{n} {v:g}" for n, v in zip(names, values)),
            "paper",
            dict(zip(names, values)),
        )
        for values in product(LAYER_COUNTS, HIDDEN_WIDTHS, TEMPERATURES, LEARNING_RATES)
    ]


def _list_ablation_trials() -> list[Trial]:
    mini, sonicpi = "sentence-transformers/all-MiniLM-L6-v2", "sonicpi"
    inputs = {
        "MiniLM": mini,
        "sonicpi": sonicpi,
        "MiniLM + sonicpi": f"{mini}+{sonicpi}",
        "MiniLM + sonicpi + score": f"{mini}+{sonicpi}+score",  # which runs the program
    }
    # What is learnt, on the narrowest input, for there a run takes least.
    learnt: dict[str, dict[str, Any]] = {
        "InfoNCE, kernels aligned": {"soft_target_weight": 0.0},
        "soft targets (SoftCLIP) alone": {"cka_weight": 0.0},
        "weighted targets (CWCL) alone": {"objective": "weighted_infonce", "cka_weight": 0.0},
        "soft targets, distances preserved (RKD)": {"distance_weight": 10.0, "cka_weight": 0.0},
        "heads of 2 layers": {"layers": 2},
        "shared space of 256": {"dim": 256},
        "no dropout": {"dropout": 0.0, "input_dropout": 0.0},
    }
    read: dict[str, dict[str, Any]] = {
        "standardised": {"standardise": True},
        "whitened to 128": {"whitening_components": 128},
    }
    return [
        Trial("the paper's, MiniLM", "infonce", {}, mini),
        Trial("the paper's, sonicpi", "infonce", {}, sonicpi),
        *(Trial(f"Earshot's, {name}", "soft_infonce", {}, code) for name, code in inputs.items()),
        *(
            Trial(f"Earshot's, sonicpi, {name}", "soft_infonce", more, sonicpi)
            for name, more in read.items()
        ),
        *(
            Trial(f"Earshot's, MiniLM, {name}", "soft_infonce", more, mini)
            for name, more in learnt.items()
        ),
        Trial(
            "solved for (ridge), sonicpi",
            "kernel_ridge",
            {"objective": "ridge", "l2": 1000.0, "mean_fraction": 0.0},
            sonicpi,
        ),
        Trial("solved for (kernel ridge), sonicpi", "kernel_ridge", {}, sonicpi),
    ]


def _list_tradeoff_trials() -> list[Trial]:
    """From neighbours (cold) to structure (warm): what one wins, and what it costs."""
    warm = {"temperature": 0.5}
    earshots: dict[str, dict[str, Any]] = {
        f"temperature {value:g}": {"temperature": value} for value in (0.1, 0.2, 0.5, 1.0)
    } | {
        "temperature 0.5, kernels weighed 0.3": {**warm, "cka_weight": 0.3},
        "temperature 0.5, a quarter of the target soft": {**warm, "soft_target_weight": 0.25},
    }
    longest = {**warm, "learning_rate": 2e-3, "width": 512}
    return [
        *(Trial(f"Earshot's, {name}", "soft_infonce", more) for name, more in earshots.items()),
        Trial("the paper's, temperature 0.5, learning rate 0.002", "infonce", longest),
    ]


GRIDS = {
    "paper": _list_paper_trials,
    "ablation": _list_ablation_trials,
    "trade": _list_tradeoff_trials,
}


def list_trials(grid_name: str) -> list[Trial]:
    """The configurations of a grid.

    Raises
    ------
    EarshotError
        When there is none of that name.
    """
    if grid_name not in GRIDS:
        raise EarshotError(f"There is no grid {grid_name!r}.", remedy=f"Use {' or '.join(GRIDS)}.")
    return GRIDS[grid_name]()
