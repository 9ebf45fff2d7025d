"""The config: checked once, and the same after a journey through a file."""

from __future__ import annotations

import dataclasses
import json

import pytest

from core.alignment import AlignmentConfig
from core.errors import EarshotError


def test_both_methods_have_a_name_and_ours_is_the_default():
    assert AlignmentConfig.from_preset("soft_infonce", width=64) == AlignmentConfig(width=64)
    assert AlignmentConfig.from_preset("infonce").objective == "infonce"
    assert AlignmentConfig().objective != "infonce"
    with pytest.raises(EarshotError, match="no method"):
        AlignmentConfig.from_preset("mine")


def test_is_the_same_after_json_and_back():
    config = AlignmentConfig(layers=2, objective="soft_infonce", learnable_temperature=True, seed=7)
    assert AlignmentConfig.from_json(config.to_json()) == config
    assert json.loads(config.to_json()) == config.to_dict()


def test_part_of_a_config_keeps_the_other_defaults():
    assert AlignmentConfig.from_json('{"width": 64}') == AlignmentConfig(width=64)


def test_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        AlignmentConfig().layers = 2


def test_whole_floats_are_integers_and_integers_floats():
    config = AlignmentConfig(layers=2.0, dropout=0)
    assert config == AlignmentConfig(layers=2, dropout=0.0)
    assert config.id == AlignmentConfig(layers=2, dropout=0.0).id
    assert type(config.layers) is int and type(config.dropout) is float


def test_equal_configs_have_equal_ids_and_others_do_not():
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
def test_a_bad_value_is_named_with_what_would_do(field, value):
    with pytest.raises(EarshotError) as caught:
        AlignmentConfig(**{field: value})
    assert caught.value.where == f"config, {field}"
    assert repr(value) in caught.value.message and caught.value.remedy.startswith("Give ")


def test_an_unknown_field_is_named_with_the_nearest():
    with pytest.raises(EarshotError, match="'temprature'.*'temperature'"):
        AlignmentConfig.from_dict({"temprature": 0.1})


@pytest.mark.parametrize("text", ["{", "[1, 2]", "3"])
def test_text_that_is_no_object_is_refused(text):
    with pytest.raises(EarshotError, match="JSON"):
        AlignmentConfig.from_json(text)
