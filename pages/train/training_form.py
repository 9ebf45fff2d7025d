"""The config of a training as controls, each with a line on what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.alignment import AlignmentConfig
from core.alignment.config import DEVICES, PRESETS, OBJECTIVES, PRECISIONS, SCHEDULES

METHOD_LABELS = {"soft_infonce": "Earshot's", "kernel_ridge": "For any snippet", "infonce": "The paper's"}
OBJECTIVE_DESCRIPTIONS = {
    "infonce": "InfoNCE: only a program's own clip is right",
    "soft_infonce": "Soft targets: clips that sound like it are partly right",
    "weighted_infonce": "Weighted: each clip is right as far as it sounds like it",
    "ridge": "Ridge: foretell the clip's own embedding, solved for instead of trained",
    "kernel_ridge": "Kernel ridge: the same by how like a program is to each that is known",
}


@dataclass(frozen=True)
class NumberField:
    """A field of the config that is a number: what it is called, its range, step and effect."""

    name: str
    label: str
    minimum: float
    maximum: float
    step: float
    help_text: str


MAIN_FIELD_COLUMNS = (
    (
        NumberField("temperature", "Temperature", 0.01, 1, 0.01, "Lower: only hard mistakes count."),
        NumberField("epochs", "Epochs", 1, 100_000, 10, "Most passes over the training programs."),
        NumberField("dim", "Shared space", 1, 4096, 32, "Dimensions in which code and audio meet."),
    ),
    (
        NumberField("learning_rate", "Learning rate", 1e-6, 1, 1e-4, "Of a step. Too high diverges."),
        NumberField("batch_size", "Batch size", 2, 65_536, 64, "Pairs told apart at once."),
        NumberField("dropout", "Dropout", 0, 0.9, 0.05, "Share of hidden values left out."),
    ),
)
ADVANCED_FIELD_COLUMNS = (
    (
        NumberField("layers", "Layers", 1, 8, 1, "Of each projection head."),
        NumberField("width", "Width", 1, 16_384, 64, "Of the hidden layers."),
        NumberField("input_dropout", "Input dropout", 0, 0.9, 0.05, "Share of input values left out."),
        NumberField(
            "whitening_components",
            "Whitened directions",
            0,
            4096,
            32,
            "Above 0: the inputs are turned to so many of their principal directions, of equal"
            " variance, instead of being shifted and scaled column by column.",
        ),
        NumberField("weight_decay", "Weight decay", 0, 10, 0.01, "Pulls weights towards 0."),
        NumberField(
            "patience",
            "Patience",
            0,
            100_000,
            5,
            "Epochs without a lower validation loss before it stops; 0 never stops.",
        ),
    ),
    (
        NumberField(
            "soft_target_weight",
            "Soft weight",
            0,
            1,
            0.1,
            "With soft targets: the share of them that follows audio similarity.",
        ),
        NumberField(
            "soft_target_temperature",
            "Soft temperature",
            0.001,
            100,
            0.05,
            "With soft targets: lower, and fewer clips count as alike.",
        ),
        NumberField(
            "distance_weight",
            "Distance weight",
            0,
            1e4,
            0.1,
            "Above 0: also keeps programs as far from one another as their clips are.",
        ),
        NumberField(
            "cka_weight",
            "Kernel weight",
            0,
            1e4,
            0.1,
            "Above 0: also makes all similarities agree with those among the clips, as CKA"
            " measures them.",
        ),
        NumberField(
            "l2",
            "Penalty",
            1e-6,
            1e9,
            0.1,
            "With ridge and kernel ridge: higher, and single words of a program count for less.",
        ),
        NumberField(
            "mean_fraction",
            "Mean kept",
            0,
            1,
            0.05,
            "With ridge and kernel ridge: higher, and clips that sound unlike most are found less.",
        ),
        NumberField("warmup_fraction", "Warm-up", 0, 0.9, 0.05, "Share of steps with a rising learning rate."),
        NumberField(
            "grad_clip",
            "Gradient clip",
            0,
            1e6,
            0.5,
            "Largest norm of a step's gradient; 0 leaves it alone.",
        ),
    ),
)


def choose_training_method() -> str:
    """Draw the choice of a method, on which the other controls' defaults depend."""
    return st.segmented_control(
        "Method",
        list(PRESETS),
        default="soft_infonce",
        required=True,
        key="config:method",
        persist_state="session",
        format_func=METHOD_LABELS.get,
        help="Earshot's softens the targets by how alike clips sound, and agrees best with raw"
        " audio. For snippets that are like no program of the corpus another one foretells more,"
        " best on the code encoder sonicpi. The paper's is InfoNCE alone.",
    )


@dataclass(frozen=True)
class TrainingFormValues:
    """What the controls say: a method, its own config, and the values by field.

    Both methods raise an EarshotError for values that cannot be.
    """

    method: str
    method_defaults: AlignmentConfig
    field_values: dict[str, Any]

    def to_config(self) -> AlignmentConfig:
        """The config to train with."""
        return AlignmentConfig.from_dict(self.field_values)

    def to_cli_options(self) -> list[str]:
        """The options of `./run train` that say what differs from the method's own."""
        config = self.to_config()
        options = [] if self.method == "soft_infonce" else ["--method", self.method]
        for name in self.field_values:
            value = getattr(config, name)
            if value == getattr(self.method_defaults, name):
                continue
            option = name.replace("_", "-")
            if isinstance(value, bool):
                options.append(f"--{option}" if value else f"--no-{option}")
            else:
                options += [f"--{option}", str(value)]
        return options


def choose_training_config(method: str) -> TrainingFormValues:
    """Draw the controls of all fields; return what they say."""
    base = AlignmentConfig.from_preset(method)
    given: dict[str, Any] = {}
    # Each method's controls are its own: what was set for one says nothing of the other.
    own = "config:" if method == "soft_infonce" else f"config:{method}:"
    keep = {"persist_state": "session"}

    def draw_number_fields(columns: tuple[tuple[NumberField, ...], ...]) -> None:
        for column, fields in zip(st.columns(len(columns)), columns, strict=True):
            with column:
                for field in fields:
                    default = getattr(base, field.name)
                    kind = type(default)
                    given[field.name] = st.number_input(
                        field.label,
                        kind(field.minimum),
                        kind(field.maximum),
                        default,
                        kind(field.step),
                        help=field.help_text,
                        key=own + field.name,
                        format="%d" if kind is int else "%g",
                        **keep,
                    )

    given["objective"] = st.radio(
        "Objective",
        OBJECTIVES,
        OBJECTIVES.index(base.objective),
        key=f"{own}objective",
        format_func=lambda name: OBJECTIVE_DESCRIPTIONS.get(name, name),
        **keep,
        help="The softer ones help where many programs sound alike, as variants of a template do.",
    )
    draw_number_fields(MAIN_FIELD_COLUMNS)
    more = st.expander("More settings", key="config-more", on_change="rerun")
    if not more.open:  # two dozen controls that a browser need not draw
        for name, default in base.to_dict().items():
            given.setdefault(name, st.session_state.get(own + name, default))
        return TrainingFormValues(method, base, given)
    with more:
        draw_number_fields(ADVANCED_FIELD_COLUMNS)
        given["seed"] = st.number_input(
            "Seed",
            0,
            2**31,
            base.seed,
            key=f"{own}seed",
            help="Of weights, order and dropout.",
            **keep,
        )
        for name, label, choices in (
            ("schedule", "Learning rate over time", SCHEDULES),
            ("device", "Trained on", DEVICES),
            ("precision", "Precision", PRECISIONS),
        ):
            given[name] = st.segmented_control(
                label, choices, default=getattr(base, name), required=True, key=own + name, **keep
            )
        for name, label in (
            ("standardise", "Shift and scale each input to mean 0 and variance 1"),
            ("learnable_temperature", "Let training move the temperature"),
        ):
            given[name] = st.toggle(label, getattr(base, name), key=own + name, **keep)
    return TrainingFormValues(method, base, given)
