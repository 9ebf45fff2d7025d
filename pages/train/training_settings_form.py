"""Form of a training: its method and the fields of the config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.alignment import AlignmentConfig
from core.alignment.config import DEVICES, OBJECTIVES, PRECISIONS, PRESETS, SCHEDULES
from pages.components import session_keys

DEFAULT_METHODS = "default"
"""Option of the method: an alignment for prediction, one for suggestions and one for the map."""
UNSCOPED_METHOD = "soft_infonce"  # Its widgets have the keys of older versions.
METHOD_LABELS = {
    DEFAULT_METHODS: "Default",
    "soft_infonce": "Soft InfoNCE",
    "kernel_ridge": "Kernel ridge",
    "joint_kernel_ridge": "Joint kernel ridge",
    "whitened_joint_kernel_ridge": "Whitened joint",
    "infonce": "InfoNCE",
}
OBJECTIVE_DESCRIPTIONS = {
    "infonce": "InfoNCE: only the program's own clip counts as correct",
    "soft_infonce": "Soft InfoNCE: similar-sounding clips count as partly correct",
    "weighted_infonce": "Weighted: every clip counts in proportion to its audio similarity",
    "ridge": "Ridge: predict the clip's embedding in closed form, without training",
    "kernel_ridge": "Kernel ridge: ridge on similarities to the training programs",
    "joint_kernel_ridge": "Joint kernel ridge: kernel ridge on code and on the simulated sound",
    "whitened_joint_kernel_ridge": "Whitened joint kernel ridge: the same, for variants",
}


@dataclass(frozen=True)
class NumberField:
    """A numeric field of the config: its label, range, step and help."""

    name: str
    label: str
    minimum: float
    maximum: float
    step: float
    help_text: str


MAIN_FIELD_COLUMNS = (
    (
        NumberField(
            "temperature",
            "Temperature",
            0.01,
            1,
            0.01,
            "Divides the similarities in InfoNCE. At a low temperature, the most similar wrong"
            " clips dominate the loss.",
        ),
        NumberField(
            "epochs",
            "Epochs",
            1,
            100_000,
            10,
            "Largest number of passes over the training programs.",
        ),
        NumberField(
            "dim",
            "Embedding dimension",
            1,
            4096,
            32,
            "Number of dimensions of the shared space of code and audio.",
        ),
    ),
    (
        NumberField(
            "learning_rate",
            "Learning rate",
            1e-6,
            1,
            1e-4,
            "Step size of the optimizer. A high rate trains faster until the loss diverges.",
        ),
        NumberField(
            "batch_size",
            "Batch size",
            2,
            65_536,
            64,
            "Number of programs per optimizer step. A program is contrasted with the others of its"
            " batch.",
        ),
        NumberField(
            "dropout",
            "Dropout",
            0,
            0.9,
            0.05,
            "Share of hidden activations that are set to 0 in training, against overfitting.",
        ),
    ),
)
ADVANCED_FIELD_COLUMNS = (
    (
        NumberField(
            "layers", "Layers per head", 1, 8, 1, "Number of linear layers of each projection head."
        ),
        NumberField(
            "width", "Hidden width", 1, 16_384, 64, "Number of units of each hidden layer."
        ),
        NumberField(
            "input_dropout",
            "Input dropout",
            0,
            0.9,
            0.05,
            "Share of input values that are set to 0 in training, against overfitting.",
        ),
        NumberField(
            "whitening_components",
            "Whitening components",
            0,
            4096,
            32,
            "Above 0: the inputs are projected on this number of principal directions and scaled"
            " to equal variance, instead of being standardized column by column.",
        ),
        NumberField(
            "weight_decay",
            "Weight decay",
            0,
            10,
            0.01,
            "Strength of AdamW's decoupled decay of the weights towards 0.",
        ),
        NumberField(
            "patience",
            "Patience",
            0,
            100_000,
            5,
            "Epochs without a lower validation loss before training stops; 0 never stops.",
        ),
    ),
    (
        NumberField(
            "soft_target_weight",
            "Soft target weight",
            0,
            1,
            0.1,
            "With soft InfoNCE: share of the targets that follows audio similarity.",
        ),
        NumberField(
            "soft_target_temperature",
            "Soft target temperature",
            0.001,
            100,
            0.05,
            "With soft InfoNCE: with a lower value, fewer clips count as similar.",
        ),
        NumberField(
            "distance_weight",
            "Distance loss weight",
            0,
            1e4,
            0.1,
            "Above 0: also keeps distances between programs close to those between their clips.",
        ),
        NumberField(
            "cka_weight",
            "CKA loss weight",
            0,
            1e4,
            0.1,
            "Above 0: also maximizes the CKA of the projected code and the clips.",
        ),
        NumberField(
            "l2",
            "L2 penalty",
            1e-6,
            1e9,
            0.1,
            "With ridge and kernel ridge: with a higher value, single features of a program count"
            " for less.",
        ),
        NumberField(
            "mean_fraction",
            "Retained mean fraction",
            0,
            1,
            0.05,
            "With ridge and kernel ridge: share of the mean embedding that stays. With a higher"
            " value, clips that sound unlike most are retrieved less often.",
        ),
        NumberField(
            "warmup_fraction",
            "Warmup fraction",
            0,
            0.9,
            0.05,
            "Share of the steps in which the learning rate rises from 0.",
        ),
        NumberField(
            "grad_clip",
            "Gradient clipping norm",
            0,
            1e6,
            0.5,
            "Largest norm of a gradient; longer ones are scaled down. 0 sets no limit.",
        ),
    ),
)
CHOICE_FIELDS = (
    ("schedule", "Learning rate schedule", SCHEDULES),
    ("device", "Device", DEVICES),
    ("precision", "Precision", PRECISIONS),
)
TOGGLE_FIELDS = (
    ("standardise", "Standardize each input to mean 0 and variance 1"),
    ("learnable_temperature", "Learn the temperature"),
)


@dataclass(frozen=True)
class TrainingFormValues:
    """Values of the form.

    Attributes
    ----------
    method : str
        A key of `core.alignment.config.PRESETS`.
    field_values : dict
        Values of the config's fields, which may be invalid.
    """

    method: str
    field_values: dict[str, Any]

    def to_alignment_config(self) -> AlignmentConfig:
        """Return the config to train with.

        Raises
        ------
        EarshotError
            When a value is invalid.
        """
        return AlignmentConfig.from_dict(self.field_values)

    def format_train_command_options(self) -> list[str]:
        """Return the options of `./run train` for what differs from the method's defaults.

        Raises
        ------
        EarshotError
            When a value is invalid.
        """
        config, defaults = self.to_alignment_config(), AlignmentConfig.from_preset(self.method)
        options = ["--method", self.method.replace("_", "-")]
        for name in self.field_values:
            value = getattr(config, name)
            if value == getattr(defaults, name):
                continue
            option = name.replace("_", "-")
            if isinstance(value, bool):
                options.append(f"--{option}" if value else f"--no-{option}")
            else:
                options += [f"--{option}", str(value)]
        return options


def draw_training_method_picker() -> str:
    """Draw the choice of a method, which sets the defaults of all fields."""
    return st.segmented_control(
        "Method",
        [DEFAULT_METHODS, *PRESETS],
        default=DEFAULT_METHODS,
        required=True,
        key=session_keys.TRAINING_METHOD.name,
        persist_state="session",
        format_func=lambda option: METHOD_LABELS.get(option, option),
        help="Default trains joint kernel ridge, which Listen uses to predict, kernel ridge, which"
        " Suggest uses, and InfoNCE, which the map uses. Soft InfoNCE weights targets by audio"
        " similarity and agrees best with raw audio. Kernel ridge predicts snippets that resemble"
        " no corpus program, with the code encoder sonicpi. Joint kernel ridge adds the simulated"
        " sound and predicts them best; whitened it finds a program best among its variants."
        " InfoNCE is the paper's method.",
    )


def draw_training_config_controls(method: str) -> TrainingFormValues:
    """Draw the fields of the config; return their values.

    Parameters
    ----------
    method : str
        A key of `core.alignment.config.PRESETS`.
    """
    defaults = AlignmentConfig.from_preset(method)
    values: dict[str, Any] = {
        "objective": st.radio(
            "Objective",
            OBJECTIVES,
            OBJECTIVES.index(defaults.objective),
            key=_get_config_field_key(method, "objective"),
            format_func=lambda name: OBJECTIVE_DESCRIPTIONS.get(name, name),
            persist_state="session",
            help="The softer objectives help where many programs sound alike, as variants of a"
            " template do.",
        )
    }
    values |= _draw_number_config_fields(MAIN_FIELD_COLUMNS, method, defaults)
    expander = st.expander(
        "More settings", key=session_keys.IS_SHOWING_MORE_SETTINGS.name, on_change="rerun"
    )
    if expander.open:
        values |= _draw_advanced_config_fields(expander, method, defaults)
    else:
        # The expander has two dozen widgets, which a browser need not draw while it is closed.
        for name, default in defaults.to_dict().items():
            values.setdefault(
                name, st.session_state.get(_get_config_field_key(method, name), default)
            )
    return TrainingFormValues(method, values)


def _draw_advanced_config_fields(
    container: DeltaGenerator, method: str, defaults: AlignmentConfig
) -> dict[str, Any]:
    with container:
        values = _draw_number_config_fields(ADVANCED_FIELD_COLUMNS, method, defaults)
        values["seed"] = st.number_input(
            "Seed",
            0,
            2**31,
            defaults.seed,
            key=_get_config_field_key(method, "seed"),
            help="Seed of the initial weights, the order of programs and dropout.",
            persist_state="session",
        )
        for name, label, options in CHOICE_FIELDS:
            values[name] = st.segmented_control(
                label,
                options,
                default=getattr(defaults, name),
                required=True,
                key=_get_config_field_key(method, name),
                persist_state="session",
            )
        for name, label in TOGGLE_FIELDS:
            values[name] = st.toggle(
                label,
                getattr(defaults, name),
                key=_get_config_field_key(method, name),
                persist_state="session",
            )
    return values


def _draw_number_config_fields(
    columns: tuple[tuple[NumberField, ...], ...], method: str, defaults: AlignmentConfig
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column, fields in zip(st.columns(len(columns)), columns):
        with column:
            for field in fields:
                default = getattr(defaults, field.name)
                number_type = type(default)
                values[field.name] = st.number_input(
                    field.label,
                    number_type(field.minimum),
                    number_type(field.maximum),
                    default,
                    number_type(field.step),
                    help=field.help_text,
                    key=_get_config_field_key(method, field.name),
                    format="%d" if number_type is int else "%g",
                    persist_state="session",
                )
    return values


def _get_config_field_key(method: str, field_name: str) -> str:
    # Each method has its own widgets: a value chosen for one method does not carry over.
    scope = (field_name,) if method == UNSCOPED_METHOD else (method, field_name)
    return session_keys.TRAINING_FIELD.derive_scoped_key(*scope).name
