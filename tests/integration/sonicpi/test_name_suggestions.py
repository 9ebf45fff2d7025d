"""Messages about misspelt sounds, scales and chords name the ones that were probably meant."""

from __future__ import annotations

import pytest

from core.sonicpi import RenderResult, render_programs_in_parallel

SUGGESTIONS = {
    "synth :paino": ":piano",
    "synth :rodoe": ":rodeo",
    "use_synth :organ_tonewheal\nplay 60": ":organ_tonewheel",
    "with_fx(:revrb) { play 60 }": ":reverb",
    "sample :drum_cumbal_pedal": ":drum_cymbal_pedal",
    "sample :hat_zep": ":hat_zap",
    "play scale(:c, :majr)": ":major",
    "play chord(:c, :minorr)": ":minor",
}
WITHOUT_SUGGESTION = (
    "synth :qqqqqqqq",
    "sample :qqqqqqqq",
    "sample '/songs/kick.wav'",
    "sample [:loop_amen, :bd_haus], 1",  # Names that exist, in a filter that finds nothing.
)


@pytest.fixture(scope="module")
def results_by_source() -> dict[str, RenderResult]:
    sources = [*SUGGESTIONS, *WITHOUT_SUGGESTION]
    return {
        sources[index]: result
        for index, result in render_programs_in_parallel(sources, seconds=0.5)
    }


@pytest.mark.parametrize("source", SUGGESTIONS)
def test_the_meant_name_is_suggested(
    source: str, results_by_source: dict[str, RenderResult]
) -> None:
    assert f"Did you mean {SUGGESTIONS[source]}" in str(results_by_source[source].error)


@pytest.mark.parametrize("source", WITHOUT_SUGGESTION)
def test_nothing_is_suggested_for_other_names(
    source: str, results_by_source: dict[str, RenderResult]
) -> None:
    assert "Did you mean" not in str(results_by_source[source].error)
