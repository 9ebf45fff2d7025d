"""The examples in the docstrings of core.suggest run on a small corpus named starter."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from core import suggest
from core.search.aligned_corpus import AlignedCorpus


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(suggest.__path__)])
def test_examples_run(aligned_corpus: AlignedCorpus, name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"core.suggest.{name}")).failed == 0
