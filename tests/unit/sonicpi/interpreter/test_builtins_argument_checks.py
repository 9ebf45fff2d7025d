"""Tests of what Sonic Pi raises or leaves silent: no sound is read there, and the line is named.

The expected sounds are those of the rendered programs.
"""

from __future__ import annotations

import pytest

from core.sonicpi.interpreter import interpret_program
from core.sonicpi.interpreter.missing_names import load_argument_counts, load_method_names

# Each is the second line of a program that plays 50 before it and 60 one beat after it.
ENDS_THREAD = {
    "note": ("play :nope", "there is no note :nope"),
    "note of a text": ('play "abc"', 'there is no note "abc"'),
    "note of a chord": ("play [60, :zz]", "there is no note :zz"),
    "tonic": ("play scale(:zz, :major)", "there is no note :zz"),
    "synth": ("synth :protphet", "there is no synth :protphet (did you mean :prophet?)"),
    "synth that is used later": ("use_synth :nosuch\nplay 70", "there is no synth :nosuch"),
    "FX": ("with_fx :revreb do\n  play 70\nend", "there is no FX :revreb (did you mean :reverb"),
    "chord": ("play chord(:c4, :mjaor)", "there is no chord :mjaor (did you mean :major"),
    "scale": ("play_pattern scale(:c4, :xyz)", "there is no scale :xyz"),
    "option below its bound": ("play 70, amp: -1", "amp: must be at least 0, not -1"),
    "option above its bound": ("play 70, pan: 3", "pan: must be at most 1, not 3"),
    "negative note": ("play -10", "note: must be at least 0, not -10"),
    "option of an FX": ("with_fx :reverb, mix: 5 do\nend", "mix: must be at most 1, not 5"),
    "tempo": ("use_bpm 0", "use_bpm needs a positive number, not 0"),
    "tempo of a text": ('use_bpm "fast"', "use_bpm needs a positive number"),
    "sleep": ("sleep nil", "sleep needs a number, not nil"),
    "name of a synth as text": ('use_synth "saw"', "use_synth needs a symbol"),
    "options of use_synth": ("use_synth :saw, amp: 1", "use_synth takes no options"),
    "missing block": ("with_fx :reverb", "with_fx needs a block"),
    "loop without a name": ("live_loop do\n  sleep 1\nend", "live_loop needs a name"),
    "loop without a block": ("live_loop :a", "live_loop needs a block"),
    "too few arguments": ("spread(3)", "spread takes at least 2 arguments, not 1"),
    "arguments of a function": ("define(:f) { |a| play a }\nf", "called with 0 arguments"),
    "function": ("plya 60", "plya is not defined (did you mean play"),
    "function without arguments": ("plya", "plya is not defined"),
    "function with a block": ("liveloop(:a) { play 70 }", "liveloop is not defined"),
    "method of a number": ("3.foo", "a number has no method foo"),
    "method of a list": ("[1].tikc", "a list has no method tikc (did you mean tick"),
    "method of nil": ("nil.foo", "nil has no method foo"),
    "constant": ("Foo.bar", "Foo is not defined"),
    "operator of nil": ("nil * 2", "nil has no operator *"),
    "number in a text": ('"a" + 1', "only a string can be added"),
    "division": ("1 / 0", "a whole number is divided by 0"),
    "error of the program": ('raise "oh"', 'the program raises "oh"'),
    "method of a class of that name": ("class Integer\n  def foo = 1\nend\n3.foo", "has no method"),
    "options without names": ("play 70, 72, 74", "72 is no name of an option"),
    "sleep without an end": ("sleep Float::INFINITY", "sleep needs a number"),
    "exit": ("exit", "the program exits"),
    "loop without a sleep": ("loop { puts 1 }", "a loop never ends and has no sleep"),
    "sample that is loaded": ("load_sample :bd_huas", "there is no sample :bd_huas (did you mean"),
}
SILENT = {
    "sample": ("sample :bd_huas", "there is no sample :bd_huas (did you mean :bd_haus"),
    "sample of a text": ('sample "no_such"', 'there is no sample "no_such"'),
    "rate of a sample": ("sample :bd_haus, rate: 0", "rate: must not be 0"),
    "length of a sample": ("sample :bd_haus, beat_stretch: 0", "must be a positive number"),
}
NO_ERROR = {
    "rest": "play :r",
    "nil": "play nil",
    "transposed rest": "play nil + 12",
    "option of another synth": "play :r, cutoff: 500, nosuch: 3",
    "checks that are disabled": "use_arg_checks false\nplay :r, amp: -1",
    "external synth": "use_external_synths true\nuse_synth :mine\nuse_synth :beep",
    "rescued": "begin\n  synth :nosuch\nrescue => e\n  puts e.message\nend",
    "method of a reopened class": "class ::Integer\n  def foo = 1\nend\n3.foo",
    "missing method of the program": "def method_missing(name, *args)\n  args[0]\nend\nfoo 1",
    "safe navigation": "nil&.foo",
    "function that is defined later": "define(:g) { h }\ndefine(:h) { }\ng",
    "respond_to?": "1.respond_to?(:each) ? 1.each : 0",
}


def _read_notes(line: str) -> tuple[list[float], object]:
    reading = interpret_program(f"play 50\n{line}\nsleep 1\nplay 60")
    return [event.options["note"] for event in reading.events if "note" in event.options], reading


@pytest.mark.parametrize("name", ENDS_THREAD)
def test_an_error_ends_its_thread_and_is_named_with_its_line(name: str) -> None:
    line, message = ENDS_THREAD[name]
    notes, reading = _read_notes(line)
    assert (notes, reading.status) == ([50], "sound")
    assert 2 <= (reading.line or 0) <= 5 and message in reading.message
    assert reading.message.endswith("; Sonic Pi ends this thread there.")


@pytest.mark.parametrize("name", SILENT)
def test_a_sample_that_cannot_play_is_silent_and_named(name: str) -> None:
    line, message = SILENT[name]
    notes, reading = _read_notes(line)
    assert (notes, len(reading.events), reading.line) == ([50, 60], 2, 2)
    assert message in reading.message and reading.message.endswith("; nothing sounds there.")


@pytest.mark.parametrize("name", NO_ERROR)
def test_what_sonic_pi_accepts_is_no_error(name: str) -> None:
    notes, reading = _read_notes(NO_ERROR[name])
    assert (notes, reading.message) == ([50, 60], "")


def test_a_program_that_fails_before_it_sounds_names_the_line() -> None:
    reading = interpret_program("# a comment\nuse_synth :nosuch\n\nplay 60")
    assert (reading.status, reading.line) == ("no_sound", 4)
    assert reading.message == "Nothing in this code would sound: line 4: there is no synth :nosuch."
    assert not reading.has_syntax_error


def test_other_threads_sound_on_after_an_error() -> None:
    reading = interpret_program(
        "live_loop :a do\n  play 60\n  sleep 6\nend\nlive_loop :b do\n  play :zz\n  sleep 1\nend"
    )
    assert [event.time for event in reading.events] == [0, 6, 12]
    assert reading.line == 6


def test_a_name_that_nothing_defines_is_an_unknown_value_and_is_named() -> None:
    reading = interpret_program("sleep 1\nplay qqq, release: 2")
    assert len(reading.events) == 1 and "note" not in reading.events[0].options
    assert reading.line == 2 and reading.message.startswith("line 2: qqq is not defined; ")


def test_deep_recursion_is_not_called_silent() -> None:
    reading = interpret_program("def f(n) = n == 0 ? play(60) : f(n - 1)\nf 500")
    assert reading.status == "unknown" and "nested deeply" in reading.message


def test_a_fence_of_markdown_is_named() -> None:
    reading = interpret_program("My song:\n\n```\nplay 60\n```")
    assert reading.status == "syntax" and "Markdown" in reading.message


def test_code_outside_of_the_program_may_define_functions() -> None:
    reading = interpret_program('eval_file "lib.rb"\nmy_drums 4\nplay 60')
    assert len(reading.events) == 1 and not reading.message


def test_a_second_sound_of_a_loaded_sample_ends_the_thread() -> None:
    source = "sample :bd_haus\nsleep 1\nsample :bd_haus, rate: 0\nsleep 1\nplay 60"
    assert [event.name for event in interpret_program(source).events] == ["bd_haus"]


def test_stored_names_hold_functions_and_methods() -> None:
    names = load_method_names()
    assert {"play", "puts", "live_loop"} <= names["functions"]
    assert "each" in names["list"] and "each" not in names["number"]
    assert load_argument_counts()["spread"] == (2, float("inf"))
