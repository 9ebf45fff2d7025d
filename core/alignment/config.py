"""Everything that decides how an alignment is trained, in one place."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from core.corpus.legacy_names import translate_alignment_fields, translate_preset
from core.errors import EarshotError

OBJECTIVES = ("infonce", "soft_infonce", "weighted_infonce", "ridge", "kernel_ridge")
CLOSED_FORM_OBJECTIVES = ("ridge", "kernel_ridge")  # for, without training
SCHEDULES = ("constant", "cosine")
PRECISIONS = ("auto", "fp32", "bf16")
# What a named method sets away from the defaults, which are Earshot's own. The paper says what is
# in the first line, and of the second that layers, width, temperature and learning rate were
# searched (`core.alignment.grid`); it names nothing of the third, so inputs keep their proportions.
PRESETS: dict[str, dict[str, Any]] = {
    "soft_infonce": {},
    # For programs that are like none of the corpus: `./run study foretelling CORPUS`.
    "kernel_ridge": {
        "objective": "kernel_ridge",
        "l2": 0.3,
        "cka_weight": 0.0,
        "distance_weight": 0.0,
    },
    "infonce": {
        "objective": "infonce",
        "cka_weight": 0.0,
        "distance_weight": 0.0,
        "layers": 3,
        "width": 512,
        "temperature": 0.2,
        "learning_rate": 1e-3,
        "dim": 128,
        "dropout": 0.3,
        "input_dropout": 0.0,
        "standardise": False,
        "whitening_components": 0,
        "weight_decay": 1e-2,
    },
}
DEVICES = ("auto", "cpu", "cuda")
TEMPERATURE_RANGE = (0.01, 1.0)


@dataclass(frozen=True)
class AlignmentConfig:
    """How two projection heads are built and trained.

    The defaults are Earshot's method: the paper's two symmetric MLPs, but with targets half
    softened by how alike clips sound, and with similarities that are held to those among the
    clips. They were chosen among a few dozen on the validation programs of a corpus of 2,700;
    `./run sweep CORPUS --grid ablation` says what each brings. The paper's own InfoNCE is
    `of_method("paper")`. Checked once, when it is made.

    Parameters
    ----------
    layers : int
        Linear layers of each head, 1 to 8. All but the last are followed by BatchNorm,
        GELU and dropout.
    width : int
        Size of the hidden layers.
    dim : int
        Size of the shared space.
    dropout, input_dropout : float
        Share of hidden values, and of input values, set to zero while training; [0, 1).
    standardise : bool
        Whether each input column is scaled to variance 1 by what was measured on the
        training programs; else all of a side have one scale. A column that hardly ever
        differs from 0, of which `sonicpi` has many, then counts as much as any other.
        Shifted to mean 0 they are in any case.
    whitening_components : int
        Above 0: the inputs of each side are turned to so many of their principal
        directions instead, as measured on the training programs, each scaled to
        variance 1.
    objective : {"infonce", "soft_infonce", "weighted_infonce", "ridge", "kernel_ridge"}
        ``infonce``: only a program's own clip is right. ``soft``: clips that sound like
        it are partly right (`core.alignment.losses.soft_infonce_loss`). ``weighted``: each
        clip as far as it sounds like it (`core.alignment.losses.weighted_infonce_loss`).
        ``ridge``: no training; the code head is one matrix, solved for, that foretells the
        clip's own embedding, and the shared space is that of the audio encoder
        (`core.alignment.kernel_ridge`). ``kernel``: likewise, by how like a program is to each that
        was taught. These two heed `l2`, `mean_fraction` and `whitening_components` alone.
    l2 : float
        With ``ridge`` and ``kernel``: how much large weights cost; 1000 is much for the one, 1
        for the other.
    mean_fraction : float
        With ``ridge`` and ``kernel``: the share that stays in the shared space of what all
        clips have in common, [0, 1]. With 0 a clip that is far from the mean is found as
        readily as one near to it, with 1 hardly ever.
    temperature : float
        Of the similarities before the softmax, 0.01 to 1. Where training starts, if it
        is learnable.
    learnable_temperature : bool
        Whether the optimiser may move the temperature, within 0.01 to 1.
    soft_target_weight : float
        With ``soft``: the share of the target that follows audio similarity, [0, 1].
        0 is InfoNCE.
    soft_target_temperature : float
        With ``soft``: temperature of the audio similarities, in their standard
        deviations; 0.001 to 100.
    distance_weight : float
        Weight of `core.alignment.losses.distance_preservation_loss`, added to any
        objective; 0 leaves it out.
    cka_weight : float
        Weight of `core.alignment.losses.cka_loss`, likewise.
    learning_rate, weight_decay : float
        Of AdamW. Biases, BatchNorm and the temperature are not decayed.
    schedule : {"constant", "cosine"}
        Of the learning rate after `warmup_fraction`: as it is, or down to 0 along half a cosine.
    warmup_fraction : float
        Share of all steps during which the learning rate rises from 0; [0, 1).
    batch_size : int
        Most pairs in a batch; at least 2. An epoch is cut into batches of nearly equal size.
    epochs : int
        Most passes over the training pairs.
    patience : int
        Stop after so many epochs without a lower validation loss; 0 never stops early.
    grad_clip : float
        Largest norm of the gradient; 0 leaves it alone.
    seed : int
        Of initial weights, order of pairs, and dropout.
    precision : {"auto", "fp32", "bf16"}
        ``auto`` uses bf16 only where the processor computes with it natively.
    device : {"auto", "cpu", "cuda"}
        ``auto`` takes a GPU if there is one.

    Raises
    ------
    EarshotError
        Naming the field, its value, and what would be accepted.
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
    mean_fraction: float = 0.1
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
            object.__setattr__(
                self, field.name, _coerce_value(field.name, getattr(self, field.name))
            )
        for name, (low, high) in _FIELD_RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise _make_field_error(name, value, f"a number from {low:g} to {high:g}")
        for name, choices in _FIELD_CHOICES.items():
            if getattr(self, name) not in choices:
                raise _make_field_error(name, getattr(self, name), "one of " + ", ".join(choices))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AlignmentConfig:
        """Make a config from some or all of its fields; the others keep their defaults.

        Raises
        ------
        EarshotError
            For a field that does not exist (with the nearest that does) or a bad value.
        """
        values = translate_alignment_fields(values)
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                near = difflib.get_close_matches(str(name), names, n=1)
                hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names)}."
                raise EarshotError(f"There is no field {name!r}.", where="config", remedy=hint)
        return cls(**values)

    @classmethod
    def from_preset(cls, preset: str, **overrides: Any) -> AlignmentConfig:
        """Make the config of a named method, with some fields changed.

        Parameters
        ----------
        preset : {"paper", "soft_infonce", "kernel_ridge"}
            ``infonce``: dual MLPs and InfoNCE alone. ``soft_infonce``: all defaults. ``kernel_ridge``:
            kernel ridge regression, for snippets that are like no program of the corpus.

        Raises
        ------
        EarshotError
            For another method, a field that does not exist, or a bad value.
        """
        preset = translate_preset(preset)
        if preset not in PRESETS:
            raise EarshotError(
                f"There is no method {preset!r}.", remedy=f"Use {' or '.join(PRESETS)}."
            )
        return cls.from_dict({**PRESETS[preset], **overrides})

    @classmethod
    def from_json(cls, text: str) -> AlignmentConfig:
        """Make a config from the JSON object that `to_json` writes, or part of one."""
        return cls.from_dict(cls.parse_json_fields(text))

    @classmethod
    def parse_json_fields(cls, text: str) -> dict[str, Any]:
        """The fields that a JSON object sets, checked as by `from_dict`."""
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
        return translate_alignment_fields(values)

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, JSON-serialisable."""
        return asdict(self)

    def to_json(self) -> str:
        """All fields as a JSON object, one a line."""
        return json.dumps(self.to_dict(), indent=2)

    @property
    def id(self) -> str:
        """12 hex digits that only an equal config has."""
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
_FIELD_CHOICES = {
    "objective": OBJECTIVES,
    "schedule": SCHEDULES,
    "precision": PRECISIONS,
    "device": DEVICES,
}
_FIELD_TYPES = {field.name: type(field.default) for field in fields(AlignmentConfig)}


def _coerce_value(field_name: str, value: Any) -> Any:
    """Return `value` as its field's type; a whole float is an int, an int is a float."""
    kind = _FIELD_TYPES[field_name]
    if kind is bool or isinstance(value, bool):
        accepted = kind is bool and isinstance(value, bool)
    elif kind is int:
        accepted = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    elif kind is float:
        accepted = isinstance(value, (int, float))
    else:
        accepted = isinstance(value, str)
    if not accepted:
        raise _make_field_error(
            field_name, value, {bool: "true or false", str: "text"}.get(kind, "a number")
        )
    return kind(value)


def _make_field_error(field_name: str, value: Any, expected: str) -> EarshotError:
    return EarshotError(
        f"{value!r} is not accepted.", where=f"config, {field_name}", remedy=f"Give {expected}."
    )
