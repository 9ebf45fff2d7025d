"""Values of interpreted programs."""

from __future__ import annotations

import pytest

from core.sonicpi.interpreter.values import UNKNOWN, Symbol, to_midi_note, to_number_or_default


@pytest.mark.parametrize(
    ("value", "note"),
    [(60, 60.0), (Symbol("e3"), 52.0), ("Fs", 66.0), ("cb5", 71.0), ("r", None), (True, None)],
)
def test_notes_become_midi_notes(value, note):
    assert to_midi_note(value) == note


def test_values_without_a_number_become_the_default():
    values = (None, True, "r", float("nan"), UNKNOWN)
    assert [to_number_or_default(value, 3.0) for value in values] == [3.0] * len(values)


def test_the_unknown_value_has_no_memory_address_in_its_text():
    # Its text may become the name of a synth, which the encoder hashes.
    assert f"{UNKNOWN}" == "unknown"
