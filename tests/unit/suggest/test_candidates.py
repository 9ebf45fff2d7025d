"""Candidates of a program: what changes, and what stays."""

from __future__ import annotations

from itertools import islice

import pytest

from core.errors import EarshotError
from core.programs.grammar.seeded_rng import SeededRandom
from core.sonicpi.interpreter import ProgramInterpreter, parse_program
from core.sonicpi.interpreter.ruby_parser_process import parse_program_and_error
from core.suggest.candidates import (
    Candidate,
    CandidateOptions,
    apply_edits_to_make_candidate,
    iterate_candidates,
    list_single_program_edits,
    parse_line_ranges,
)
from core.suggest.code_edit import EDIT_KINDS
from core.suggest.program_literals_calls_and_blocks import build_program_outline
from tests.unit.suggest.programs import BASS_AND_DRUMS


def list_candidates(source: str, **options: object) -> list[Candidate]:
    outline = build_program_outline(source)
    assert outline is not None
    return list(islice(iterate_candidates(outline, CandidateOptions(**options)), 400))


def list_single_edits(source: str, *kinds: str) -> list[Candidate]:
    outline = build_program_outline(source)
    assert outline is not None
    edits = list_single_program_edits(outline, CandidateOptions(kinds=kinds), SeededRandom("test"))
    return [apply_edits_to_make_candidate(source, [edit]) for edit in edits]


def list_sources(source: str, *kinds: str) -> set[str]:
    return {candidate.source for candidate in list_single_edits(source, *kinds)}


def test_every_kind_of_edit_occurs_and_parses() -> None:
    candidates = list_single_edits(BASS_AND_DRUMS)
    assert {candidate.kind for candidate in candidates} == set(EDIT_KINDS)
    for candidate in candidates[::5]:
        assert parse_program_and_error(candidate.source).error_line is None, candidate.change


def test_comments_and_layout_stay() -> None:
    for candidate in list_candidates(BASS_AND_DRUMS, seed=3):
        if candidate.kind != "layer":
            for comment in ("# A bass and drums", "# wet", "   # low é"):
                assert comment in candidate.source, candidate.change


def test_candidates_are_distinct_and_deterministic() -> None:
    first, second = (list_candidates(BASS_AND_DRUMS, seed=1) for _ in range(2))
    assert first == second and len({candidate.source for candidate in first}) == 400
    assert list_candidates(BASS_AND_DRUMS, seed=2) != first


def test_one_change_touches_one_place() -> None:
    assert all("; " not in item.change.words for item in list_candidates(BASS_AND_DRUMS))


def test_wildness_makes_several_changes_that_parse() -> None:
    candidates = list_candidates(BASS_AND_DRUMS, wildness=1.0)
    counts = [candidate.change.words.count("; ") + 1 for candidate in candidates]
    assert max(counts) == 6 and min(counts) == 1
    for candidate in candidates[::10]:
        assert parse_program_and_error(candidate.source).error_line is None, candidate.change


def test_kept_lines_stay() -> None:
    lines = BASS_AND_DRUMS.split("\n")[:15]
    for candidate in list_candidates(BASS_AND_DRUMS, kept_lines=frozenset(range(1, 16))):
        assert candidate.source.split("\n")[:15] == lines


def test_only_the_chosen_kinds_are_made() -> None:
    kinds = {item.kind for item in list_candidates(BASS_AND_DRUMS, kinds=("tempo", "synth"))}
    assert kinds == {"tempo", "synth"}


@pytest.mark.parametrize("options", [{"kinds": ("colour",)}, {"wildness": 1.5}])
def test_invalid_options_are_refused(options: dict) -> None:
    with pytest.raises(EarshotError):
        CandidateOptions(**options)


def test_notes_stay_in_the_scale_that_the_program_names() -> None:
    source = "notes = scale(:c3, :minor)\nplay :c4\nplay notes.tick"
    c_minor = {0, 2, 3, 5, 7, 8, 10}
    for changed in list_sources(source, "note"):
        for event in ProgramInterpreter(parse_program(changed)).events:
            assert event.options["note"] % 12 in c_minor


def test_a_note_keeps_its_notation() -> None:
    assert "play 64" in list_sources("play 60", "note")
    assert "play :Eb4" not in list_sources("play :C4", "note")
    assert "play :E4" in list_sources("play :C4", "note")
    assert "play :eb4; play :bb3" in list_sources("play :d4; play :bb3", "note")


def count_beats_until_time(source: str) -> float:
    """Time of the last event, which is at the start of a bar of its own."""
    return ProgramInterpreter(parse_program(source)).events[-1].time


@pytest.mark.parametrize(
    "bar",
    [
        "play 60\nsleep 0.5\nplay 62\nsleep 0.25\nplay 64\nsleep 0.25",
        "4.times do\n  play 60\n  sleep 0.25\nend",
        "play 60; sleep 1",
        "8.times do\n  play 60 if spread(3, 8).tick\n  sleep 0.125\nend",
    ],
)
def test_rhythm_keeps_the_length_of_the_bar(bar: str) -> None:
    source = f"{bar}\nsynth :fm"
    changed = list_sources(source, "rhythm")
    assert len(changed) > 2
    for candidate in changed:
        assert count_beats_until_time(candidate) == pytest.approx(count_beats_until_time(source)), (
            candidate
        )


def test_an_fx_can_be_removed_with_its_lines() -> None:
    source = "with_fx :echo, mix: 0.3 do\n  # soft\n  play 60\nend\nplay 62\n"
    assert "  # soft\n  play 60\nplay 62\n" in list_sources(source, "fx")
    inline = "with_fx(:echo) { play 60 }"
    assert any(changed.strip() == "play 60" for changed in list_sources(inline, "fx"))


def test_an_fx_whose_block_uses_it_is_not_removed() -> None:
    source = "with_fx :echo do |fx|\n  control fx, mix: 0.2\n  play 60\nend"
    assert all("with_fx" in changed for changed in list_sources(source, "fx"))


def test_an_fx_is_added_around_a_layer_without_changing_its_lines() -> None:
    source = "live_loop :a do\n  play 60\n  sleep 1\nend # loop\n"
    wrapped = [text for text in list_sources(source, "fx") if text.startswith("with_fx :reverb")]
    assert wrapped and all(source.removesuffix(" # loop\n") in text for text in wrapped)
    assert all(text.endswith("end\nend # loop\n") for text in wrapped)


def test_a_layer_that_others_wait_for_is_not_removed() -> None:
    source = (
        "live_loop :a do\n  play 60\n  sleep 1\nend\n"
        "live_loop :b, sync: :a do\n  play 62\n  sleep 1\nend\n"
    )
    removed = {text for text in list_sources(source, "layer") if len(text) < len(source)}
    assert removed == {"live_loop :a do\n  play 60\n  sleep 1\nend\n"}


def test_a_new_layer_plays_in_tempo_beside_the_others() -> None:
    source = "use_bpm 90\nloop do\n  play 60\n  sleep 1\nend"
    added = [text for text in list_sources(source, "layer") if "live_loop" in text]
    assert len(added) > 8
    for text in added:
        events = ProgramInterpreter(parse_program(text)).events
        assert len({event.layer for event in events}) == 2, text


def test_a_program_without_a_tempo_gets_one() -> None:
    assert "# hi\nuse_bpm 90\nplay 60" in list_sources("# hi\nplay 60", "tempo")


def test_samples_of_files_stay() -> None:
    assert list_sources('sample "/home/me/kick.wav"', "sample") == set()
    assert 'sample "bd_zum"' in list_sources('sample "bd_haus"', "sample")


def test_a_change_has_its_lines_and_words() -> None:
    candidates = list_single_edits(BASS_AND_DRUMS, "option")
    change = next(item.change for item in candidates if item.change.words.startswith("cutoff 100"))
    assert change.line == 10
    assert change.before == "    play :eb2, cutoff: 100   # low é"
    assert change.words.endswith("in live_loop :bass")


@pytest.mark.parametrize("text", ["", "a", "5-3", "0", "1,,2", "-3"])
def test_invalid_lines_are_refused(text: str) -> None:
    with pytest.raises(EarshotError, match="names no lines"):
        parse_line_ranges(text)
