"""Samples are selected by names, filters and indices."""

from __future__ import annotations

from typing import Any

import pytest

from core.sonicpi.interpreter.sample_selection import is_path_of_user_sample, select_sample
from core.sonicpi.interpreter.string_methods import Pattern
from core.sonicpi.interpreter.values import UNKNOWN, Symbol


def call_first(_value: Any, args: list[Any]) -> Any:
    """Stand for a lambda that returns the first name."""
    return args[0][0]


@pytest.mark.parametrize(
    ("args", "name"),
    [
        ([Symbol("bd_haus")], "bd_haus"),
        ([Symbol("bd")], None),
        (["HAUS"], "bd_haus"),
        (["tabla", 2], "tabla_ghe1"),
        ([Symbol("hat_tap")], "hat_tap"),
        ([Pattern("^loop_a")], "loop_amen"),
        ([], None),
        ([None], None),
        ([[]], None),
        ([UNKNOWN], "unknown"),
        (["tabla", UNKNOWN], "unknown"),
        ([Pattern("(a+)+$")], "unknown"),
        (["C:/mine/kick.wav"], "C:/mine/kick.wav"),
        (["~/mine", Symbol("kick")], "~/mine"),
        (["kick.WAV"], "kick.WAV"),
        (["loop", ([], {})], "loop_3d_printer"),
    ],
)
def test_selected_sample(args: list[Any], name: str | None):
    assert select_sample(args, call_first) == name


def test_symbols_are_no_files():
    assert not is_path_of_user_sample(Symbol("a/b")) and not is_path_of_user_sample(3)
