"""The grids of configurations that a sweep trains."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

from core.alignment.config import AlignmentConfig
from core.errors import EarshotError

SEED_COUNT = 5
# The paper searched 24 configurations without giving their values: these are a choice.
LAYER_COUNTS = (2, 3)
HIDDEN_WIDTHS = (256, 512)
TEMPERATURES = (0.07, 0.2, 0.5)
LEARNING_RATES = (3e-4, 1e-3)
COMMON_SETTINGS = {"epochs": 60, "patience": 8}
"""Settings of all trials: enough epochs for the slowest, with early stopping."""


@dataclass(frozen=True)
class Trial:
    """One configuration of a sweep.

    Attributes
    ----------
    name : str
        Label for people, unique in its grid.
    preset : str
        Preset of `AlignmentConfig`.
    overrides : dict
        Fields that differ from the preset.
    code_encoder : str, optional
        Code encoder of the trial; by default the one of the sweep.
    """

    name: str
    preset: str
    overrides: dict[str, Any] = field(default_factory=dict)
    code_encoder: str | None = None

    def build_alignment_config(self, seed: int) -> AlignmentConfig:
        """Return the config to train with."""
        settings = {**COMMON_SETTINGS, **self.overrides, "seed": seed}
        return AlignmentConfig.from_preset(self.preset, **settings)


def _list_paper_grid_trials() -> list[Trial]:
    names = ("layers", "width", "temperature", "learning_rate")
    return [
        Trial(
            ", ".join(f"{name} {value:g}" for name, value in zip(names, values)),
            "infonce",
            dict(zip(names, values)),
        )
        for values in product(LAYER_COUNTS, HIDDEN_WIDTHS, TEMPERATURES, LEARNING_RATES)
    ]


def _list_ablation_grid_trials() -> list[Trial]:
    minilm, sonicpi = "sentence-transformers/all-MiniLM-L6-v2", "sonicpi"
    code_encoders = {
        "MiniLM": minilm,
        "sonicpi": sonicpi,
        "MiniLM + sonicpi": f"{minilm}+{sonicpi}",
        "MiniLM + sonicpi + score": f"{minilm}+{sonicpi}+score",  # `score` runs the program
    }
    # Variants of the objective use the narrowest input, on which a run takes least time.
    objective_variants: dict[str, dict[str, Any]] = {
        "InfoNCE with the CKA loss": {"soft_target_weight": 0.0},
        "soft targets (SoftCLIP) alone": {"cka_weight": 0.0},
        "weighted targets (CWCL) alone": {"objective": "weighted_infonce", "cka_weight": 0.0},
        "soft targets with distance preservation (RKD)": {
            "distance_weight": 10.0,
            "cka_weight": 0.0,
        },
        "heads of 2 layers": {"layers": 2},
        "shared space of 256": {"dim": 256},
        "no dropout": {"dropout": 0.0, "input_dropout": 0.0},
    }
    input_variants: dict[str, dict[str, Any]] = {
        "standardised": {"standardise": True},
        "whitened to 128": {"whitening_components": 128},
    }
    return [
        Trial("InfoNCE, MiniLM", "infonce", {}, minilm),
        Trial("InfoNCE, sonicpi", "infonce", {}, sonicpi),
        *(
            Trial(f"soft InfoNCE, {name}", "soft_infonce", {}, code_encoder)
            for name, code_encoder in code_encoders.items()
        ),
        *(
            Trial(f"soft InfoNCE, sonicpi, {name}", "soft_infonce", overrides, sonicpi)
            for name, overrides in input_variants.items()
        ),
        *(
            Trial(f"soft InfoNCE, MiniLM, {name}", "soft_infonce", overrides, minilm)
            for name, overrides in objective_variants.items()
        ),
        Trial(
            "ridge, sonicpi",
            "kernel_ridge",
            {"objective": "ridge", "l2": 1000.0, "mean_fraction": 0.0},
            sonicpi,
        ),
        Trial("kernel ridge, sonicpi", "kernel_ridge", {}, sonicpi),
    ]


def _list_tradeoff_grid_trials() -> list[Trial]:
    """List trials from low temperatures (near neighbours) to high ones (global structure)."""
    warm = {"temperature": 0.5}
    variants: dict[str, dict[str, Any]] = {
        f"temperature {value:g}": {"temperature": value} for value in (0.1, 0.2, 0.5, 1.0)
    } | {
        "temperature 0.5, CKA weight 0.3": {**warm, "cka_weight": 0.3},
        "temperature 0.5, soft target weight 0.25": {**warm, "soft_target_weight": 0.25},
    }
    return [
        *(
            Trial(f"soft InfoNCE, {name}", "soft_infonce", overrides)
            for name, overrides in variants.items()
        ),
        Trial(
            "InfoNCE, temperature 0.5, learning rate 0.002",
            "infonce",
            {**warm, "learning_rate": 2e-3, "width": 512},
        ),
    ]


GRIDS = {
    "paper": _list_paper_grid_trials,
    "ablation": _list_ablation_grid_trials,
    "tradeoff": _list_tradeoff_grid_trials,
}


def list_grid_trials(grid_name: str) -> list[Trial]:
    """List the trials of a grid.

    Parameters
    ----------
    grid_name : {"paper", "ablation", "tradeoff"}

    Raises
    ------
    EarshotError
        If there is no such grid.
    """
    if grid_name not in GRIDS:
        raise EarshotError(f"There is no grid {grid_name!r}.", remedy=f"Use {' or '.join(GRIDS)}.")
    return GRIDS[grid_name]()
