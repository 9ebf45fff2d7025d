"""The examples in the docstrings of core.pipeline that need no renderer run."""

from __future__ import annotations

import doctest

from core import package_versions
from core.pipeline import unique_file_names


def test_examples_run() -> None:
    for module in (unique_file_names, package_versions):
        result = doctest.testmod(module)
        assert result.attempted > 0 and result.failed == 0
