"""Tests of the groups of tests that one process runs together."""

import ast
from pathlib import Path

import pytest

from core.workspace import PROJECT_FOLDER
from tests.process_distribution import GROUPS, get_group

# Fixtures of the whole session that take minutes to make.
COSTLY_FIXTURES = {
    "fork_server",
    "reference_run",
    "starter_workspace",
    "stocked",
    "studied_workspace",
}
FILES = sorted(PROJECT_FOLDER.glob("tests/*/**/test_*.py"))


def list_parameters(file: Path) -> set[str]:
    """Return the parameters of all functions in a file, among them the fixtures it uses."""
    functions = [
        node
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    return {argument.arg for function in functions for argument in function.args.args}


@pytest.mark.parametrize("fixture", sorted(COSTLY_FIXTURES))
def test_one_process_makes_a_costly_fixture(fixture: str):
    files = [file for file in FILES if fixture in list_parameters(file)]
    groups = {get_group(f"{file.relative_to(PROJECT_FOLDER)}::test_a") for file in files}
    assert files and groups <= set(GROUPS.values()) and len(groups) == 1


def test_other_modules_are_distributed_one_by_one():
    assert get_group("tests/unit/a/test_a.py::TestA::test[a::b]") == "tests/unit/a/test_a.py"
