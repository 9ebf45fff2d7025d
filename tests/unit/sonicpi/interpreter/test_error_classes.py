"""Tests of errors, handlers and jumps of interpreted programs, against rendered programs."""

from __future__ import annotations

import pytest

from core.sonicpi.interpreter import interpret_program

ERRORS_AND_JUMPS = {
    "steps of a range by %": ("((60..64) % 2).each { |n| play n }", [60, 62, 64]),
    "steps of an exclusive range": ("(60...64).step(2).each { |n| play n }", [60, 62]),
    "handler by class": (
        "begin\n  1 / 0\nrescue TypeError\n  play 60\nrescue ZeroDivisionError\n  play 61\nend",
        [61],
    ),
    "error of another class": ("begin\n  nil.foo\nrescue KeyError\n  play 60\nend\nplay 61", []),
    "error of a subclass": ("begin\n  nil.foo\nrescue NameError\n  play 60\nend", [60]),
    "class of the program": (
        "class Oh < StandardError\nend\nbegin\n  raise Oh, 'x'\nrescue Oh => e\n  play 60\nend",
        [60],
    ),
    "message of an error": (
        "begin\n  raise 'x'\nrescue => e\n  play 60 if e.message == 'x'\nend",
        [60],
    ),
    "next in a while": (
        "i = 0\nwhile i < 4\n  i += 1\n  next if i == 2\n  play 60 + i\nend",
        [61, 63, 64],
    ),
    "next in an until": ("i = 0\nuntil i > 3\n  i += 1\n  next if i.odd?\n  play i\nend", [2, 4]),
    "end of a loop by StopIteration": (
        "loop do\n  play 60\n  sleep 1\n  raise StopIteration\nend\nplay 61",
        [60, 61],
    ),
    "redo": ("n = 0\n2.times do\n  n += 1\n  play 60 + n\n  redo if n == 1\nend", [61, 62, 63]),
    "cycle that is cut": ("[60, 62].cycle.first(3).each { |n| play n }", [60, 62, 60]),
    "self": ("self.play 60", [60]),
    "line of the code": ("play 60 + __LINE__", [61]),
    "combinations": ("[60, 1].combination(2).each { |pair| play pair.sum }", [61]),
    "default of a hash by a block": ("h = Hash.new { |h, k| h[k] = k + 1 }\nplay h[60]", [61]),
    "list of symbols": ("%i(saw tri).each { |s| use_synth s\n play 60 }", [60, 60]),
    "instance variables of functions": (
        "@a = 1\ndef f\n  @b = 59 + @a\nend\ndef g\n  play @b\nend\nf\ng",
        [60],
    ),
    "complement": ("play ~-61", [60]),
    "class of a value": ("play 60.class == Integer ? 60 : 61", [60]),
    "match of a pattern": ("play 60 if 'abc' =~ /b/\nplay 61 if 'abc' =~ /x/", [60]),
    "thread object": ("t = in_thread { play 60 }\nputs t.alive?\nplay 61", [60, 61]),
    "cue that comes at once": (
        "live_loop :a do\n  sync :c\n  play 60\nend\nlive_loop :b do\n  cue :c\n  sleep 9\nend",
        [60, 60],
    ),
    "loop without its own cue": (
        "live_loop :a, auto_cue: false do\n  sync :a\n  play 60\nend\nsleep 1\ncue :a",
        [60],
    ),
}


@pytest.mark.parametrize("name", ERRORS_AND_JUMPS)
def test_errors_and_jumps_are_followed_as_in_ruby(name: str) -> None:
    source, notes = ERRORS_AND_JUMPS[name]
    events = interpret_program(source).events
    assert sorted(event.options["note"] for event in events) == sorted(notes)
