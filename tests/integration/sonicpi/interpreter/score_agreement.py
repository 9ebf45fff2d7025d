"""Comparison of the reader's sounds with the rendered score of a program."""

from __future__ import annotations

from core.sonicpi import collect_osc_messages
from core.sonicpi.interpreter import ProgramInterpreter, parse_program
from core.sonicpi.score_events import ScoreEvent, parse_score_events_from_osc_messages


def list_sounds(events: list[ScoreEvent]) -> list[tuple[float, str, float]]:
    """Return onset, synth or sample, and MIDI note of all sounds in the first 18 s."""
    return sorted(
        (
            round(event.time, 3),
            event.name,
            round(event.options.get("note", 0.0), 3) if event.kind == "synth" else 0.0,
        )
        for event in events
        if event.time < 17.9
    )


def assert_read_as_rendered(source: str) -> None:
    """Fail unless the reader finds exactly the sounds that the program plays."""
    rendered = list_sounds(parse_score_events_from_osc_messages(collect_osc_messages(source)))
    assert rendered
    assert list_sounds(ProgramInterpreter(parse_program(source)).events) == rendered
