"""The benchmark command on a machine that lacks what only the tests install."""

from __future__ import annotations

import sys

import pytest

from core.cli import main
from core.cli.commands import run_benchmarks


def test_the_list_needs_no_package_of_the_tests(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "playwright", None)
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    assert main(["bench"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"pages", "render", "soak"} <= set(names) and "_dashboard" not in names


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    monkeypatch.setitem(sys.modules, "playwright", None)
    assert main(["bench", "pages"]) == 1
    error = capsys.readouterr().err
    assert "needs the package playwright" in error and "./run lint" in error
    assert "Traceback" not in error


def test_a_missing_browser_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_benchmarks.shutil, "which", lambda name: None)
    assert main(["bench", "soak"]) == 1
    assert "needs the browser Chromium" in capsys.readouterr().err
