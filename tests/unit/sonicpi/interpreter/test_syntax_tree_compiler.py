"""Compiled syntax trees: what is counted, shared, and kept within limits."""

from __future__ import annotations

import pytest

from core.sonicpi.interpreter import ProgramInterpreter, parse_program
from core.sonicpi.interpreter.program_interpreter import MAX_PROGRAM_STEPS
from core.sonicpi.interpreter.program_thread import MAX_THREAD_STEPS
from core.sonicpi.interpreter.syntax_tree_compiler import SyntaxTreeCompiler

PLAY = ["call", None, "play", [["num", 60]]]
# Programs and the notes that they play, in order of time.
NOTES = {
    "next and break in blocks": (
        "4.times { |i| next if i == 1; break if i == 3; play 60 + i }",
        [60, 62],
    ),
    "return from a function in a block": (
        "define(:f) { [60, 62].each { |n| return n if n > 60 }; 1 }\nplay f",
        [62],
    ),
    "redo is not followed": ("2.times { |i| play 60 + i; redo if false }", [60, 61]),
    "rescue and ensure": (
        "begin\n  nil * 1\n  play 50\nrescue\n  play 60\nensure\n  play 61\nend\nplay 62",
        [60, 61, 62],
    ),
    "ensure of a stopped thread": ("begin\n  stop\nensure\n  play 60\nend", []),
    "define in a live_loop": (
        "live_loop :a do\n  define(:f) { |n| play n }\n  f 60\n  f 61\n  sleep 9\nend",
        [60, 61, 60, 61],
    ),
    "def of one expression in a loop": ("2.times { def f(n) = play(n)\n f 60 }", [60, 60]),
    "lambdas over a loop's variable": (
        "fs = 3.times.map { |i| lambda { play 60 + i } }\nfs.each(&:call)",
        [60, 61, 62],
    ),
    "a counter that lambdas share": (
        "n = 59\nf = lambda { n += 1 }\n3.times { play f.call }\nplay n",
        [60, 61, 62, 62],
    ),
    "numbered parameters in nested blocks": (
        "[60].each { 2.times { |i| play _1 + i } }",
        [60, 61],
    ),
    "options whose names are computed": ('k = "note"\nsynth :saw, k.to_sym => 61', [61]),
    "the value of an option is evaluated before an error": (
        "begin\n  play 60, amp: nil * 1\nrescue\n  play 61\nend",
        [61],
    ),
}


@pytest.mark.parametrize("name", NOTES)
def test_notes_of_control_flow_and_closures(name):
    source, notes = NOTES[name]
    events = sorted(ProgramInterpreter(parse_program(source)).events, key=lambda e: e.time)
    assert [event.options["note"] for event in events] == notes


@pytest.mark.parametrize(
    "source, step_count",
    [
        ("play 60, amp: 1", 5),  # sequence, call, note, name, value
        ("play 60, amp: rand, pan: 0", 7),
        ("x = [1, 2]\nplay x[0]", 9),
        ("play *[60, 62], on: 1", 7),
    ],
)
def test_every_evaluated_node_is_one_step(source, step_count):
    interpreter = ProgramInterpreter(parse_program(source))
    assert MAX_PROGRAM_STEPS - interpreter.program_steps_left == step_count


@pytest.mark.parametrize("body", ["play 60, amp: 1, pan: 0", "play 60", "x = [[1, 2], 3, rand]"])
def test_a_thread_ends_at_exactly_its_step_limit(body):
    interpreter = ProgramInterpreter(
        parse_program(f"in_thread {{ loop {{ 9.times {{ {body}; sleep 1e-5 }} }} }}")
    )
    main_step_count = 2
    step_count = MAX_PROGRAM_STEPS - interpreter.program_steps_left - main_step_count
    assert step_count == MAX_THREAD_STEPS
    assert "very many steps" in interpreter.unfollowed_code


def test_endless_recursion_ends_the_thread_before_the_stack_of_python_does():
    source = "define(:f) { |n| [n].each { |m| f(m + 1 + 1) if true } }\nf 0\nplay 60"
    interpreter = ProgramInterpreter(parse_program(source))
    assert not interpreter.events
    assert interpreter.unknown_count == 0


def test_programs_that_share_nodes_share_what_is_compiled():
    source = "define(:f) { |n| play n, amp: rand }\nlive_loop(:a) { f [60, 61].choose; sleep 4 }"
    tree = parse_program(source) or []
    compiler = SyntaxTreeCompiler()
    alone = ProgramInterpreter(tree)
    for _ in range(2):
        shared = ProgramInterpreter(["seq", *tree[1:]], compiler)
        assert (shared.events, shared.call_counts) == (alone.events, alone.call_counts)
        assert shared.program_steps_left == alone.program_steps_left


def test_a_node_of_unexpected_parts_fails_only_when_it_is_evaluated():
    broken = ["if", ["true"]]
    unreached = ProgramInterpreter(["seq", ["if", ["false"], broken, None], PLAY])
    reached = ProgramInterpreter(["seq", PLAY, broken, PLAY])
    assert (len(unreached.events), unreached.unknown_count) == (1, 0)
    assert (len(reached.events), reached.unknown_count) == (1, 1)
