"""The examples in the docstrings of core.encoders run and print what they state."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "module_name",
    [
        "core.encoders",
        "core.encoders.encoder_loading",
        "core.encoders.mel_filters",
        "core.encoders.encoder_presets",
        "core.encoders.encoder_spec_lookup",
        "core.encoders.score_feature_layout",
        "core.encoders.overlapping_windows",
    ],
)
def test_examples_run(module_name):
    result = doctest.testmod(importlib.import_module(module_name))
    assert result.attempted > 0 and result.failed == 0
