"""The config of a training as controls, each with a line on what it does."""

from __future__ import annotations

from typing import Any, Callable

import streamlit as st

from core.alignment import AlignmentConfig
from core.alignment.config import OBJECTIVES, SCHEDULES

DEFAULT = AlignmentConfig()
OBJECTIVE = {
    "infonce": "InfoNCE: only a program's own clip is right",
    "soft": "Soft targets: clips that sound like it are partly right",
}


def config_options() -> Callable[[], list[str]]:
    """Draw the controls; return what gives the options of `./run train` that were changed."""
    given: dict[str, Any] = {}

    def number(name: str, label: str, low: float, high: float, step: float, help: str) -> None:
        kind = type(getattr(DEFAULT, name))
        given[name] = st.number_input(
            label, kind(low), kind(high), getattr(DEFAULT, name), kind(step), help=help,
            key=f"config:{name}", persist_state="session", format="%d" if kind is int else "%g",
        )  # fmt: skip

    given["objective"] = st.radio(
        "Objective", OBJECTIVES, OBJECTIVES.index(DEFAULT.objective),
        format_func=OBJECTIVE.get, key="config:objective", persist_state="session",
        help="Soft targets help where many programs sound alike, as variants of a template do.",
    )  # fmt: skip
    left, right = st.columns(2)
    with left:
        number(
            "temperature", "Temperature", 0.01, 1.0, 0.01, "Lower: only the hardest mistakes count."
        )
        number("epochs", "Epochs", 1, 100_000, 10, "Most passes over the training programs.")
        number("dim", "Shared space", 1, 4096, 32, "Dimensions in which code and audio meet.")
    with right:
        number(
            "learning_rate", "Learning rate", 1e-6, 1.0, 1e-4, "Size of a step. Too high diverges."
        )
        number(
            "batch_size", "Batch size", 2, 65_536, 64, "Pairs told apart at once; more are harder."
        )
        number(
            "dropout", "Dropout", 0.0, 0.9, 0.05, "Share of hidden values left out while training."
        )
    with st.expander("More settings"):
        left, right = st.columns(2)
        with left:
            number("layers", "Layers", 1, 8, 1, "Of each projection head.")
            number("width", "Width", 1, 16_384, 64, "Of the hidden layers.")
            number(
                "input_dropout", "Input dropout", 0.0, 0.9, 0.05, "Share of input values left out."
            )
            number("weight_decay", "Weight decay", 0.0, 10.0, 0.01, "Pulls weights towards 0.")
            number(
                "patience",
                "Patience",
                0,
                100_000,
                5,
                "Epochs without a lower validation loss before it stops; 0 never stops.",
            )
        with right:
            number(
                "soft_weight",
                "Soft weight",
                0.0,
                1.0,
                0.1,
                "Share of the soft targets that follows audio similarity.",
            )
            number(
                "soft_temperature",
                "Soft temperature",
                0.001,
                100.0,
                0.05,
                "Lower: fewer clips count as alike.",
            )
            number(
                "warmup",
                "Warm-up",
                0.0,
                0.9,
                0.05,
                "Share of the steps in which the learning rate rises.",
            )
            number(
                "grad_clip",
                "Gradient clip",
                0.0,
                1e6,
                0.5,
                "Largest norm of a step's gradient; 0 leaves it alone.",
            )
            number("seed", "Seed", 0, 2**31, 1, "Of weights, order and dropout.")
        given["schedule"] = st.segmented_control(
            "Learning rate over time", SCHEDULES, default=DEFAULT.schedule, required=True,
            key="config:schedule", persist_state="session",
        )  # fmt: skip
        given["learnable_temperature"] = st.toggle(
            "Let training move the temperature", DEFAULT.learnable_temperature,
            key="config:learnable_temperature", persist_state="session",
        )  # fmt: skip
    return lambda: _options(given)


def _options(given: dict[str, Any]) -> list[str]:
    """The options that say what differs from the defaults; checks all of it first."""
    config = AlignmentConfig.from_dict(given)
    options = []
    for name in given:
        value = getattr(config, name)
        if value == getattr(DEFAULT, name):
            continue
        option = name.replace("_", "-")
        if isinstance(value, bool):
            options.append(f"--{option}" if value else f"--no-{option}")
        else:
            options += [f"--{option}", str(value)]
    return options
