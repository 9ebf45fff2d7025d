"""Variants with another literal in a call of a sound are read as whole programs are."""

from __future__ import annotations

from itertools import islice

import pytest

from core.sonicpi.interpreter.program_interpretation import interpret_program
from core.sonicpi.interpreter.program_thread import ProgramThread
from core.sonicpi.interpreter.ruby_parser_process import parse_programs_and_errors
from core.suggest.candidates import CandidateOptions, iterate_candidates
from core.suggest.code_edit import Replacement, apply_source_replacements
from core.suggest.incremental_variant_interpretation import Variant, VariantReader
from core.suggest.program_literals_calls_and_blocks import build_program_outline
from core.suggest.sound_call_changes import find_sound_call_change
from core.suggest.thread_reusing_interpreter import VariantInterpreter

# Each literal of these programs gets each of the values below.
PROGRAMS = {
    "loops": (
        "use_bpm 97\nlive_loop :a do\n  use_synth :saw\n  play 50, cutoff: 70, release: 0.3\n"
        "  sleep 0.5\n  play [52, 55].choose, amp: rand\n  synth :fm, note: 40, duration: 1\n"
        "  sleep 0.5\nend\nlive_loop :b do\n  play 72\n  sleep 1\nend\n"
    ),
    "samples": (
        "live_loop :a do\n  sample :bd_haus, amp: 0.5\n  sample :sn_dub\n  sleep 0.5\n"
        "  play rrand(50, 70)\n  sample :bd_haus, rate: 2\n  sleep 0.5\nend\n"
        "live_loop :b do\n  sample :elec_tick, beat_stretch: 2\n  play rrand(50, 70)\n"
        "  sleep 2\nend\n"
    ),
    "preloaded samples": (
        "load_sample :elec_tick\nlive_loop :a do\n  load_sample :bd_haus\n  sample :bd_haus\n"
        "  sample :perc_bell, on: false\n  sample :perc_bell\n  play rrand(50, 70)\n"
        "  sleep 1\nend\n"
    ),
    "settings": (
        "with_fx :reverb, room: 0.9 do\n  live_loop :a do\n    with_fx :echo do\n"
        "      with_transpose 5 do\n        play 50, sustain: 1\n      end\n    end\n"
        "    use_synth_defaults amp: 0.5, cutoff: 80\n    play 60\n    with_bpm 120 do\n"
        "      synth :tb303, note: 45, attack: 1\n    end\n    density 2 do\n      play 70\n"
        "      sleep 0.5\n    end\n    sleep 0.5\n  end\nend\n"
    ),
    "control": (
        "live_loop :a do\n  s = play 60, sustain: 2, amp: 0.3\n  control s, amp: 1\n  play 55\n"
        "  sleep 1\n  kill s\n  play 57, amp: 0.3\n  control amp: 0.7\n  sleep 1\nend\n"
    ),
    "values": (
        "live_loop :a do\n  x = play 50\n  if x\n    play 60\n  else\n    play 70\n  end\n"
        "  y = (play 50, on: 1) || 3\n  sleep 1\nend\n"
        "live_loop :b, init: 1 do |v|\n  play 40, amp: 0.5\n  sleep 1\nend\n"
    ),
    "defined functions": (
        "define :play do |n|\n  sample :bd_haus\nend\ndefine :hit do\n  synth :fm, note: 60\nend\n"
        "live_loop :a do\n  play 50\n  hit\n  sleep 1\nend\n"
    ),
    "rescue and late sounds": (
        "in_thread do\n  begin\n    play 50, amp: 1\n    foo 3\n  rescue\n    play 60\n  end\n"
        "  4.times do\n    play 70\n    sleep 0.25\n  end\n  stop\n  play 80\nend\n"
    ),
    "many steps": (
        "live_loop :a do\n  play 50, amp: 1\n  12.times do\n    x = tick + look\n  end\n"
        "  sleep 0.015625\nend\n"
    ),
}
VALUES = ("0", "-1", "61.5", ":r", ":saw", ":bd_haus", ":elec_tick")
NEW_OPTIONS = (", on: 0", ", pan: 0.5, attack: 0.1", ", note: 55", ", slice: 3")


def list_variants(source: str) -> list[Variant]:
    outline = build_program_outline(source)
    assert outline is not None
    replacements = [
        Replacement(literal.start, literal.end, value)
        for literal in outline.literals
        for value in VALUES
        if value != literal.text
    ]
    for line in source.split("\n"):
        if line.strip().startswith(("play", "sample", "synth")):
            end = source.index(line) + len(line)
            replacements += [Replacement(end, end, option) for option in NEW_OPTIONS]
    return [Variant(apply_source_replacements(source, [item]), (item,)) for item in replacements]


@pytest.mark.parametrize("name", PROGRAMS)
def test_changed_literals_are_read_as_in_whole_programs(name: str) -> None:
    outline = build_program_outline(PROGRAMS[name])
    assert outline is not None
    reader = VariantReader(outline)
    variants = list_variants(PROGRAMS[name])[:: 4 if name == "many steps" else 1]
    for variant, reading in zip(variants, reader.interpret_variants(variants)):
        whole = interpret_program(variant.source)
        assert reading == whole, variant.source
        for event, whole_event in zip(reading.events, whole.events):
            assert repr(event) == repr(whole_event), variant.source
            assert list(event.options) == list(whole_event.options), variant.source


@pytest.mark.parametrize("name", ["loops", "samples", "settings", "control"])
def test_loops_inside_other_fx_are_read_as_in_whole_programs(name: str) -> None:
    outline = build_program_outline(PROGRAMS[name])
    assert outline is not None
    reader = VariantReader(outline)
    candidates = islice(iterate_candidates(outline, CandidateOptions(kinds=("fx",), seed=2)), 30)
    variants = [Variant(item.source, item.replacements) for item in candidates]
    for variant, reading in zip(variants, reader.interpret_variants(variants)):
        assert reading == interpret_program(variant.source), variant.source


def read_and_list_followed_threads(
    source: str, replacement: Replacement, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Read another change first, so that what the variants share is known."""
    outline = build_program_outline(source)
    assert outline is not None
    reader = VariantReader(outline)
    start = source.index("72")
    first, variant = (
        Variant(apply_source_replacements(source, [item]), (item,))
        for item in (Replacement(start, start + 2, "74"), replacement)
    )
    reader.interpret_variants([first])
    followed: list[str] = []
    run_and_record_thread = VariantInterpreter._run_and_record_thread

    def list_and_run_thread(
        self: VariantInterpreter, thread: ProgramThread, key: tuple[object, ...]
    ) -> bool:
        followed.append(thread.name)
        return run_and_record_thread(self, thread, key)

    monkeypatch.setattr(VariantInterpreter, "_run_and_record_thread", list_and_run_thread)
    reader.interpret_variants([variant])
    return followed


@pytest.mark.parametrize(
    ("before", "after", "followed"),
    [
        ("cutoff: 70", "cutoff: 90", []),
        ("play 50,", "play 62,", []),
        ("release: 0.3", "release: 0.3, pan: 1", []),
        ("synth :fm", "synth :prophet", []),
        ("release: 0.3", "release: 0.3, on: 0", ["a"]),
        ("[52, 55]", "[52, 57]", ["a"]),
        ("live_loop :a", "with_fx", []),
        ("  sleep 0.5\n  play", "  sleep 0.25\n  play", ["a"]),
    ],
)
def test_only_a_changed_sound_is_made_again(
    before: str, after: str, followed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = PROGRAMS["loops"]
    start = source.index(before)
    if after.startswith("with_fx"):  # Around the first loop.
        before = source[start : source.index("live_loop :b")]
        after = f"with_fx :echo do\n{before}end\n"
    replacement = Replacement(start, start + len(before), after)
    assert read_and_list_followed_threads(source, replacement, monkeypatch) == followed


def parse_statement(code: str) -> list[object]:
    (parsed,) = parse_programs_and_errors([code])
    assert parsed.tree
    tree: list[object] = parsed.tree
    return tree


@pytest.mark.parametrize(
    ("old", "new", "is_found"),
    [
        ("4.times do\n  play 60\n  play 60\nend", "4.times do\n  play 60\n  play 62\nend", True),
        ("play 60, amp: 1", "play 60, amp: 1.5", True),
        ("play 60, amp: 1", "play 60, amp: rand", False),
        ("play 60, amp: 1", "sample 60, amp: 1", False),
        ("x = 1\nplay 60", "x = 1.0\nplay 62", False),
        ("sleep 1", "sleep 2", False),
        ("play 60", "play 60", False),
        ("play 60", "play", False),
    ],
)
def test_one_changed_call_is_found(old: str, new: str, is_found: bool) -> None:
    change = find_sound_call_change(parse_statement(old), parse_statement(new))
    assert (change is not None) == is_found
