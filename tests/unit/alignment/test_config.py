"""AlignmentConfig: validated when made, and unchanged by JSON; older names are accepted."""

from __future__ import annotations

import dataclasses
import json

import pytest

from core.alignment import AlignmentConfig
from core.errors import EarshotError


def test_presets_have_names_and_soft_infonce_is_the_default() -> None:
    assert AlignmentConfig.from_preset("soft_infonce", width=64) == AlignmentConfig(width=64)
    assert AlignmentConfig.from_preset("infonce").objective == "infonce"
    assert AlignmentConfig().objective != "infonce"
    with pytest.raises(EarshotError, match="no method"):
        AlignmentConfig.from_preset("mine")


def test_json_round_trip_changes_nothing() -> None:
    config = AlignmentConfig(layers=2, objective="soft_infonce", learnable_temperature=True, seed=7)
    assert AlignmentConfig.from_json(config.to_json()) == config
    assert json.loads(config.to_json()) == config.to_dict()


def test_missing_fields_keep_their_defaults() -> None:
    assert AlignmentConfig.from_json('{"width": 64}') == AlignmentConfig(width=64)


def test_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        AlignmentConfig().layers = 2  # type: ignore[misc]  # the point of the test


def test_whole_floats_become_integers_and_integers_floats() -> None:
    config = AlignmentConfig(layers=2.0, dropout=0)
    assert config == AlignmentConfig(layers=2, dropout=0.0)
    assert config.id == AlignmentConfig(layers=2, dropout=0.0).id
    assert type(config.layers) is int and type(config.dropout) is float


def test_only_equal_configs_have_equal_ids() -> None:
    assert AlignmentConfig().id == AlignmentConfig().id
    changed = {"seed": 1, "temperature": 0.1, "objective": "infonce"}
    ids = {AlignmentConfig(**{name: value}).id for name, value in changed.items()}
    assert len(ids | {AlignmentConfig().id}) == 4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("layers", 0),
        ("layers", 2.5),
        ("width", 0),
        ("dim", -1),
        ("dropout", 1.0),
        ("input_dropout", -0.1),
        ("temperature", 0.0),
        ("temperature", float("nan")),
        ("temperature", "hot"),
        ("objective", "mse"),
        ("schedule", ""),
        ("batch_size", 1),
        ("epochs", 0),
        ("patience", -1),
        ("learning_rate", 0),
        ("seed", -1),
        ("seed", True),
        ("standardise", 1),
        ("precision", "fp8"),
        ("device", "tpu"),
        ("soft_target_weight", 1.1),
        ("width", None),
        ("objective", 3),
        ("epochs", float("inf")),
    ],
)
def test_a_bad_value_is_named_with_the_accepted_values(field: str, value: object) -> None:
    with pytest.raises(EarshotError) as caught:
        AlignmentConfig(**{field: value})
    assert caught.value.where == f"config, {field}"
    assert repr(value) in caught.value.message and caught.value.remedy.startswith("Use ")


def test_an_unknown_field_is_named_with_the_most_similar() -> None:
    with pytest.raises(EarshotError, match="'temprature'.*Did you mean temperature"):
        AlignmentConfig.from_dict({"temprature": 0.1})


@pytest.mark.parametrize("text", ["{", "[1, 2]", "3"])
def test_text_that_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(EarshotError, match="JSON"):
        AlignmentConfig.from_json(text)


def test_older_names_of_fields_objectives_and_presets_are_accepted() -> None:
    older = {"penalty": 0.3, "kernel_weight": 0.0, "whiten": 8, "objective": "kernel"}
    today = {"l2": 0.3, "cka_weight": 0.0, "whitening_components": 8, "objective": "kernel_ridge"}
    assert AlignmentConfig.from_dict(older) == AlignmentConfig.from_dict(today)
    assert AlignmentConfig.parse_config_fields_from_json(json.dumps(older)) == today
    assert AlignmentConfig.from_preset("foretell") == AlignmentConfig.from_preset("kernel_ridge")


def test_a_field_under_both_its_older_and_its_new_name_is_refused() -> None:
    with pytest.raises(EarshotError, match="set twice.*Remove 'penalty'"):
        AlignmentConfig.from_dict({"penalty": 0.3, "l2": 0.3})
