"""Text edits of one parameter."""

from __future__ import annotations

import pytest

from core.studies.parameter_text_edits import edit_parameter_values_in_source


@pytest.mark.parametrize(
    ("source", "parameter_type", "strength", "expected"),
    [
        ("sleep 0.5", "sleep", 2.0, "sleep 1"),
        ("play 60, amp: 2", "amp", 0.5, "play 60, amp: 1"),
        ("play 60", "bpm", 2.0, "use_bpm 120\nplay 60"),
        ("play 60", "note", 12, "play 72"),
        ("use_synth :beep", "synth", 1, "use_synth :saw"),
        ("play :e4", "note", 1, None),
    ],
)
def test_an_edit_changes_the_requested_parameter(source, parameter_type, strength, expected):
    assert edit_parameter_values_in_source(source, parameter_type, strength) == expected
