"""Errors and warnings name what a program did not find, in fields of their own."""

from __future__ import annotations

import pytest

from core.sonicpi import render_programs_in_parallel

MISSING_THINGS = {
    "play 60\nfoo 3": ("missing_function", "foo"),
    "play bar": ("missing_function", "bar"),
    "SCALES.each { |n| play n }": ("missing_function", "SCALES"),
    "run_file '/songs/drums.rb'": ("missing_file", "/songs/drums.rb"),
    "load '~/drums.rb'": ("missing_file", "~/drums.rb"),
    "require 'midilib'": ("missing_file", "midilib"),
    "eval File.read('/songs/drums.rb')": ("missing_file", "/songs/drums.rb"),
    "synth :no_such_synth": ("unknown_synth", "no_such_synth"),
    "with_fx(:no_such_fx) { play 60 }": ("unknown_synth", "no_such_fx"),
    "load_sample '/songs/kick.wav'": ("missing_sample", None),
    "play nil.pitch": (None, None),
    "[1].no_such_method": (None, None),
}
WARNINGS = {
    "sample '/songs/kick.wav'": ("missing_sample", '"/songs/kick.wav"'),
    "sync :drums; play 60": ("waiting", "drums"),
    "sync '/midi*/note_on'; play 60": ("waiting", "/midi*/note_on"),
    "midi_note_on 60": ("ignored", "midi_note_on"),
}


@pytest.fixture(scope="module")
def results_by_source() -> dict:
    sources = [*MISSING_THINGS, *WARNINGS]
    return {
        sources[index]: result
        for index, result in render_programs_in_parallel(sources, seconds=0.5)
    }


@pytest.mark.parametrize("source", MISSING_THINGS)
def test_error_names_what_is_missing(source: str, results_by_source: dict) -> None:
    result = results_by_source[source]
    error = result.error or result.thread_errors[0]  # A program that sounds has a clip.
    assert (error.cause, error.name) == MISSING_THINGS[source]


@pytest.mark.parametrize("source", WARNINGS)
def test_warning_names_its_subject(source: str, results_by_source: dict) -> None:
    warning = results_by_source[source].warnings[0]
    assert (warning.kind, warning.name) == WARNINGS[source]
