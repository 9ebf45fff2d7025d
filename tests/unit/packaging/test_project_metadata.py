"""The package metadata agrees with the code: version, entry point, package data."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import core
from core.system_requirement_checks import SUPPORTED_PYTHONS

PROJECT = Path(__file__).resolve().parents[3]
METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def test_entry_point_is_the_command_line():
    module, _, name = METADATA["project"]["scripts"]["earshot"].partition(":")
    assert callable(getattr(importlib.import_module(module), name))


def test_command_line_prints_the_version():
    done = subprocess.run(
        [sys.executable, "-m", "core", "--version"], capture_output=True, text=True, cwd=PROJECT
    )
    assert (done.returncode, done.stdout) == (0, f"Earshot {core.__version__}\n")


def test_version_is_the_same_everywhere():
    citation = (PROJECT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {core.__version__}\n" in citation
    assert f"\n## {core.__version__}\n" in (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_licence_is_the_same_everywhere():
    assert METADATA["project"]["license"] == "MIT"
    text = (PROJECT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("MIT License") and "The Earshot authors" in text


def test_package_data_contains_every_file_of_core_that_is_no_module():
    patterns = {
        PROJECT / package.replace(".", "/") / pattern
        for package, names in METADATA["tool"]["setuptools"]["package-data"].items()
        for pattern in names
    }
    files = [
        path
        for path in (PROJECT / "core").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    missing = [path for path in files if not any(path.match(str(glob)) for glob in patterns)]
    assert files and missing == []


def test_supported_pythons_are_those_of_the_launcher():
    low, high = SUPPORTED_PYTHONS
    assert METADATA["project"]["requires-python"] == f">={low[0]}.{low[1]},<{high[0]}.{high[1] + 1}"
    script = (PROJECT / "run").read_text(encoding="utf-8")
    assert re.search(rf"\({low[0]}, {low[1]}\) <= .* <= \({high[0]}, {high[1]}\)", script)
