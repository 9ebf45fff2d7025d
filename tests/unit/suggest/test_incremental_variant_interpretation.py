"""Readings of variants are those of whole programs."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from core.encoders.score_features import compute_score_features, reuse_layer_features
from core.sonicpi.interpreter.program_interpretation import ProgramReading, interpret_program
from core.suggest.candidates import CandidateOptions, iterate_candidates
from core.suggest.code_edit import Replacement, apply_source_replacements
from core.suggest.incremental_variant_interpretation import Variant, VariantReader
from core.suggest.program_literals_calls_and_blocks import build_program_outline
from tests.unit.suggest.programs import BASS_AND_DRUMS

PROGRAMS = {
    "loops": BASS_AND_DRUMS,
    "cues": (
        "live_loop :a do\n  cue :x, n: rrand(50, 60)\n  play 50\n  sleep 0.5\nend\n"
        "live_loop :b do\n  v = sync :x\n  play v[:n]\n  sleep 0.25\nend\n"
        "live_loop :c, sync: :a do\n  play 70\n  sleep 1\nend\n"
    ),
    "shared values": (
        "set :root, 50\nlive_loop :a do\n  set :root, [52, 55].choose\n  sleep 1\nend\n"
        "live_loop :b do\n  play get[:root]\n  sleep 0.5\nend\n"
    ),
    "functions": (
        "n = (ring 60, 64)\ndefine :hit do |x|\n  play x, amp: 0.5\n  play n.tick -1\nend\n"
        "live_loop :a do\n  hit 50\n  sleep 0.5\nend\n"
        "in_thread do\n  loop do\n    hit rrand_i(70, 80)\n    sleep 0.5\n  end\nend\n"
    ),
    "main thread": "use_synth :fm\n8.times do\n  play 60\n  sleep 0.25\nend\nsample :bd_haus\n",
    "late start": "sleep 2\nlive_loop :a do\n  play 60\n  control get, note: 62\n  sleep 1\nend\n",
    "control": (
        "live_loop :a do\n  s = play 60, sustain: 1\n  control s, note: 65\n  sleep 1\nend\n"
        "live_loop :b do\n  play 40\n  sleep 2\nend\n"
    ),
}


def interpret_variants(source: str, variants: list[Variant]) -> list[ProgramReading]:
    outline = build_program_outline(source)
    assert outline is not None
    return VariantReader(outline).interpret_variants(variants)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("wildness", [0.0, 0.6])
def test_variants_are_read_as_whole_programs_are(name: str, wildness: float) -> None:
    outline = build_program_outline(PROGRAMS[name])
    assert outline is not None
    options = CandidateOptions(wildness=wildness, seed=4)
    candidates = list(islice(iterate_candidates(outline, options), 30))
    variants = [Variant(item.source, item.replacements) for item in candidates]
    readings = interpret_variants(PROGRAMS[name], variants)
    with reuse_layer_features():
        shared_features = [compute_score_features(reading.events) for reading in readings]
    for candidate, reading, features in zip(candidates, readings, shared_features):
        alone = interpret_program(candidate.source)
        assert reading == alone, candidate.change
        assert np.array_equal(features, compute_score_features(alone.events)), candidate.change


def test_events_of_unchanged_loops_are_shared() -> None:
    start = BASS_AND_DRUMS.index(":bd_haus")
    replacements = (Replacement(start, start + len(":bd_haus"), ":bd_zum"),)
    variant = Variant(apply_source_replacements(BASS_AND_DRUMS, replacements), replacements)
    first, second = interpret_variants(BASS_AND_DRUMS, [Variant(BASS_AND_DRUMS, ()), variant])[:2]
    third = interpret_variants(BASS_AND_DRUMS, [variant, variant])
    bass = [[event for event in reading.events if event.layer == "bass"] for reading in third]
    assert bass[0] and all(a is b for a, b in zip(*bass))
    assert first.events != second.events


@pytest.mark.parametrize("code", ["play )", "play (", "'"])
def test_a_syntax_error_has_its_line_in_the_program(code: str) -> None:
    replacements = (Replacement(0, 0, f"{code}\n"),)
    source = apply_source_replacements(BASS_AND_DRUMS, replacements)
    (reading,) = interpret_variants(BASS_AND_DRUMS, [Variant(source, replacements)])
    assert reading.line is not None and reading == interpret_program(source)


def test_a_program_that_does_not_divide_into_statements_is_read_whole() -> None:
    source = "play 60; ;; play 62 if true\nBEGIN { }\n"
    start = source.index("62")
    replacements = (Replacement(start, start + 2, "64"),)
    variant = Variant(apply_source_replacements(source, replacements), replacements)
    (reading,) = interpret_variants(source, [variant])
    assert reading == interpret_program(variant.source)
