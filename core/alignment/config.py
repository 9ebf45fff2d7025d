"""AlignmentConfig: all settings of a training, their presets, ranges and choices."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from core.corpus.legacy_saved_names import (
    translate_legacy_alignment_fields,
    translate_legacy_preset_name,
)
from core.errors import EarshotError, format_spelling_suggestions

JOINT_OBJECTIVE, WHITENED_OBJECTIVE = "joint_kernel_ridge", "whitened_joint_kernel_ridge"
JOINT_OBJECTIVES = (JOINT_OBJECTIVE, WHITENED_OBJECTIVE)  # of code and simulated sound
OBJECTIVES = (
    "infonce",
    "soft_infonce",
    "weighted_infonce",
    "ridge",
    "kernel_ridge",
    *JOINT_OBJECTIVES,
)
CLOSED_FORM_OBJECTIVES = ("ridge", "kernel_ridge", *JOINT_OBJECTIVES)  # solved, not trained
KERNEL_RIDGE_FIELDS = {"l2": 0.3, "cka_weight": 0.0, "distance_weight": 0.0}
SCHEDULES = ("constant", "cosine")
PRECISIONS = ("auto", "fp32", "bf16")
DEVICES = ("auto", "cpu", "cuda")
TEMPERATURE_RANGE = (0.01, 1.0)
PRESETS: dict[str, dict[str, Any]] = {
    "soft_infonce": {},
    # For snippets unlike any program of the corpus: `./run study retrieval CORPUS`.
    "kernel_ridge": {"objective": "kernel_ridge", **KERNEL_RIDGE_FIELDS},
    JOINT_OBJECTIVE: {"objective": JOINT_OBJECTIVE, **KERNEL_RIDGE_FIELDS},
    # For variants of programs that differ in small ways: `./run study agreement CORPUS`.
    WHITENED_OBJECTIVE: {"objective": WHITENED_OBJECTIVE, **KERNEL_RIDGE_FIELDS},
    "infonce": {
        # The paper states these.
        "objective": "infonce",
        "cka_weight": 0.0,
        "distance_weight": 0.0,
        # The paper searched these without giving their values (`core.alignment.sweep_grids`).
        "layers": 3,
        "width": 512,
        "temperature": 0.2,
        "learning_rate": 1e-3,
        # The paper does not mention these. The inputs keep their proportions.
        "dim": 128,
        "dropout": 0.3,
        "input_dropout": 0.0,
        "standardise": False,
        "whitening_components": 0,
        "weight_decay": 1e-2,
    },
}
"""What each preset changes from the defaults of `AlignmentConfig`."""


@dataclass(frozen=True)
class AlignmentConfig:
    """Architecture and training settings of two projection heads.

    The defaults are the preset "soft_infonce": the paper's two symmetric MLPs, with targets half
    of which follow the similarity of the clips, and with a CKA loss that makes the similarities in
    the shared space agree with those of the clips. They were chosen among a few dozen
    configurations on the validation programs of a corpus of 2,700; ``./run sweep CORPUS --grid
    ablation`` shows the effect of each. The paper's own method is ``from_preset("infonce")``.
    Values are validated when the config is made.

    Parameters
    ----------
    layers : int
        Linear layers of each head, 1 to 8. All but the last are followed by BatchNorm, GELU and
        dropout.
    width : int
        Size of the hidden layers.
    dim : int
        Size of the shared space.
    dropout, input_dropout : float
        Share of hidden values, and of input values, set to zero during training; [0, 1).
    standardise : bool
        Whether each input column is scaled to variance 1, as measured on the training programs;
        otherwise all columns of a modality have one scale. A column that rarely differs from 0,
        of which `sonicpi` has many, then counts as much as any other. Columns are shifted to mean
        0 in both cases.
    whitening_components : int
        If above 0, the inputs of each modality are rotated to this many principal directions of
        the training programs, each scaled to variance 1.
    objective : str
        One of `OBJECTIVES`.
        ``infonce``: only a program's own clip is a positive. ``soft_infonce``: similar clips are
        partly positive (`core.alignment.losses.soft_infonce_loss`). ``weighted_infonce``: every
        clip is a positive, weighted by similarity
        (`core.alignment.losses.weighted_infonce_loss`). ``ridge``: without training, the code head
        is one matrix, in closed form, that predicts the clip's own embedding, and the shared space
        is that of the audio encoder (`core.alignment.kernel_ridge`). ``kernel_ridge``: the same
        with a kernel over the training programs. ``joint_kernel_ridge``: the mean of that
        prediction and of one from the simulated sound (`core.alignment.joint_kernel_ridge`).
        ``whitened_joint_kernel_ridge``: the same in a space whitened by its errors. The last four
        use only `l2`, `mean_fraction` and `whitening_components`.
    l2 : float
        With ``ridge`` and the objectives with a kernel: penalty of large weights. 1000 is strong
        for the first, 1 for the others.
    mean_fraction : float
        With the same objectives: share of the clips' mean that stays in the shared space, [0, 1].
        With 0, clips far from the mean are found as readily as clips near it, with 1 rarely.
    temperature : float
        Temperature of the similarities before the softmax, 0.01 to 1; its initial value if it is
        learnable.
    learnable_temperature : bool
        Whether the optimiser may change the temperature, within 0.01 to 1.
    soft_target_weight : float
        With ``soft_infonce``: share of the target that follows audio similarity, [0, 1]. 0 is
        InfoNCE.
    soft_target_temperature : float
        With ``soft_infonce``: temperature of the audio similarities, in their standard
        deviations; 0.001 to 100.
    distance_weight : float
        Weight of `core.alignment.losses.distance_preservation_loss`, added to any objective; 0
        omits it.
    cka_weight : float
        Weight of `core.alignment.losses.cka_loss`, likewise.
    learning_rate, weight_decay : float
        Of AdamW. Biases, BatchNorm and the temperature are not decayed.
    schedule : {"constant", "cosine"}
        Learning rate after the warm-up: constant, or decreasing to 0 along half a cosine.
    warmup_fraction : float
        Share of all steps during which the learning rate rises from 0; [0, 1).
    batch_size : int
        Maximum number of pairs in a batch, at least 2. An epoch is split into batches of nearly
        equal size.
    epochs : int
        Maximum number of passes over the training pairs.
    patience : int
        Number of epochs without a lower validation loss after which training stops; 0 never stops
        early.
    grad_clip : float
        Maximum norm of the gradient; 0 does not clip.
    seed : int
        Seed of initial weights, order of pairs, and dropout.
    precision : {"auto", "fp32", "bf16"}
        ``auto`` uses bf16 only where the processor supports it natively.
    device : {"auto", "cpu", "cuda"}
        ``auto`` uses a GPU if there is one.

    Raises
    ------
    EarshotError
        Names the field, its value, and the accepted values.

    Examples
    --------
    >>> AlignmentConfig.from_preset("kernel_ridge", seed=7).objective
    'kernel_ridge'
    """

    layers: int = 3
    width: int = 512
    dim: int = 64
    dropout: float = 0.3
    input_dropout: float = 0.1
    standardise: bool = False
    whitening_components: int = 0

    objective: str = "soft_infonce"
    temperature: float = 0.2
    learnable_temperature: bool = False
    soft_target_weight: float = 0.5
    soft_target_temperature: float = 0.5
    l2: float = 1000.0
    mean_fraction: float = 0.3
    distance_weight: float = 0.0
    cka_weight: float = 1.0

    learning_rate: float = 2e-3
    weight_decay: float = 1e-1
    schedule: str = "cosine"
    warmup_fraction: float = 0.05
    batch_size: int = 512
    epochs: int = 60
    patience: int = 20
    grad_clip: float = 1.0
    seed: int = 0

    precision: str = "auto"
    device: str = "auto"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = _convert_to_config_field_type(field.name, getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        for name, (low, high) in _FIELD_RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise _make_config_field_error(name, value, f"a number from {low:g} to {high:g}")
        for name, choices in FIELD_CHOICES.items():
            if getattr(self, name) not in choices:
                raise _make_config_field_error(
                    name, getattr(self, name), "one of " + ", ".join(choices)
                )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AlignmentConfig:
        """Make a config from some or all of its fields; the others keep their defaults.

        Parameters
        ----------
        values : mapping of str to object
            Fields by name. Names of older versions are accepted
            (`core.corpus.legacy_saved_names.ALIGNMENT_FIELDS`).

        Raises
        ------
        EarshotError
            For an unknown field (with the most similar one) or a value that is not accepted.
        """
        values = translate_legacy_alignment_fields(values)
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                raise EarshotError(
                    f"There is no field {name!r}.",
                    where="config",
                    remedy=format_spelling_suggestions(str(name), names, "field"),
                )
        return cls(**values)

    @classmethod
    def from_preset(cls, preset: str, **overrides: Any) -> AlignmentConfig:
        """Make the config of a preset, with some fields changed.

        Parameters
        ----------
        preset : str
            One of `PRESETS`.
            ``infonce``: the paper's dual MLPs and InfoNCE alone. ``soft_infonce``: all defaults.
            ``kernel_ridge``: kernel ridge regression, for snippets unlike any program of the
            corpus. ``joint_kernel_ridge``: with the simulated sound.
            ``whitened_joint_kernel_ridge``: in a space that tells variants of a program apart.
        **overrides
            Fields to change.

        Raises
        ------
        EarshotError
            For an unknown preset or field, or a value that is not accepted.
        """
        preset = translate_legacy_preset_name(preset)
        if preset not in PRESETS:
            raise EarshotError(
                f"There is no method {preset!r}.", remedy=f"Use {' or '.join(PRESETS)}."
            )
        return cls.from_dict({**PRESETS[preset], **overrides})

    @classmethod
    def from_json(cls, text: str) -> AlignmentConfig:
        """Make a config from a JSON object with some or all fields, as `to_json` writes it."""
        return cls.from_dict(cls.parse_config_fields_from_json(text))

    @classmethod
    def parse_config_fields_from_json(cls, text: str) -> dict[str, Any]:
        """Return the fields that a JSON object sets, under today's names.

        Raises
        ------
        EarshotError
            If the text is not a JSON object of fields that `from_dict` accepts.
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise EarshotError(
                f"Not JSON: {error.msg}.", where=f"config, line {error.lineno}"
            ) from None
        if not isinstance(values, dict):
            raise EarshotError(
                "Not a JSON object.", where="config", remedy='Write it as {"layers": 3, …}.'
            )
        cls.from_dict(values)
        return translate_legacy_alignment_fields(values)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields by name, JSON-serialisable."""
        return asdict(self)

    def to_json(self) -> str:
        """Return all fields as a JSON object, one per line."""
        return json.dumps(self.to_dict(), indent=2)

    @property
    def id(self) -> str:
        """12 hexadecimal digits that only equal configs share."""
        canonical = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


_BELOW_ONE = 1.0 - 1e-6
_FIELD_RANGES: dict[str, tuple[float, float]] = {
    "layers": (1, 8),
    "width": (1, 16_384),
    "dim": (1, 4_096),
    "dropout": (0, _BELOW_ONE),
    "input_dropout": (0, _BELOW_ONE),
    "temperature": TEMPERATURE_RANGE,
    "soft_target_weight": (0, 1),
    "soft_target_temperature": (1e-3, 100),
    "l2": (1e-6, 1e9),
    "mean_fraction": (0, 1),
    "distance_weight": (0, 1e4),
    "cka_weight": (0, 1e4),
    "whitening_components": (0, 4_096),
    "learning_rate": (1e-8, 10),
    "weight_decay": (0, 10),
    "warmup_fraction": (0, _BELOW_ONE),
    "batch_size": (2, 1_000_000),
    "epochs": (1, 100_000),
    "patience": (0, 100_000),
    "grad_clip": (0, 1e6),
    "seed": (0, 2**63 - 1),
}
FIELD_CHOICES = {
    "objective": OBJECTIVES,
    "schedule": SCHEDULES,
    "precision": PRECISIONS,
    "device": DEVICES,
}
_FIELD_TYPES: dict[str, type] = {
    field.name: type(field.default) for field in fields(AlignmentConfig)
}


def _convert_to_config_field_type(field_name: str, value: Any) -> Any:
    """Convert a value to its field's type: a whole float to int, an int to float."""
    field_type = _FIELD_TYPES[field_name]
    if field_type is bool or isinstance(value, bool):
        is_accepted = field_type is bool and isinstance(value, bool)
    elif field_type is int:
        is_accepted = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    elif field_type is float:
        is_accepted = isinstance(value, (int, float))
    else:
        is_accepted = isinstance(value, str)
    if not is_accepted:
        expected = {bool: "true or false", str: "text"}.get(field_type, "a number")
        raise _make_config_field_error(field_name, value, expected)
    return field_type(value)


def _make_config_field_error(field_name: str, value: Any, expected: str) -> EarshotError:
    return EarshotError(
        f"{value!r} is not accepted.", where=f"config, {field_name}", remedy=f"Use {expected}."
    )
