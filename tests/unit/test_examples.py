"""The examples in docstrings of core itself and of its packages without tests of examples run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

from core import alignment, cli, evaluation, jobs, plots

MODULE_NAMES = [
    "core.errors",
    "core.text_formatting",
    "core.package_versions",
    "core.workspace",
    "core.cli",
    *(
        f"{package.__name__}.{module.name}"
        for package in (alignment, cli, evaluation, jobs, plots)
        for module in pkgutil.iter_modules(package.__path__)
    ),
]


@pytest.mark.parametrize("module_name", MODULE_NAMES)
def test_examples_run(module_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    assert doctest.testmod(importlib.import_module(module_name)).failed == 0


def test_the_entry_points_have_examples() -> None:
    for name in (
        "core.alignment.trainer",
        "core.alignment.config",
        "core.evaluation.cka",
        "core.evaluation.neighbour_agreement",
        "core.evaluation.null_calibration",
    ):
        assert doctest.testmod(importlib.import_module(name)).attempted > 0
