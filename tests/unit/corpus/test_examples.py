"""The examples in the docstrings of core.corpus run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import core.corpus

MODULES = [module.name for module in pkgutil.iter_modules(core.corpus.__path__)]


@pytest.mark.parametrize("module_name", MODULES)
def test_the_examples_of_a_module_run(
    module_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    module = importlib.import_module(f"core.corpus.{module_name}")
    assert doctest.testmod(module).failed == 0
