"""The examples in the docstrings of core.sonicpi run and give the documented results."""

from __future__ import annotations

import doctest

import pytest

from core import sonicpi
from core.sonicpi import audio_clip_and_render_result, interpreter, render_pool, single_render
from core.sonicpi.interpreter import ruby_parser_process


@pytest.mark.parametrize(
    "module",
    [
        sonicpi,
        audio_clip_and_render_result,
        interpreter,
        ruby_parser_process,
        render_pool,
        single_render,
    ],
)
def test_examples_run(module):
    result = doctest.testmod(module, raise_on_error=False)
    assert result.attempted > 0 and result.failed == 0
