"""An error in one thread ends that thread only, as in live Sonic Pi."""

from __future__ import annotations

import numpy as np
import pytest

from core.sonicpi import (
    RenderError,
    RenderResult,
    collect_osc_messages,
    render_programs_in_parallel,
)

LOOP = "live_loop(:good) { play 60, release: 0.1; sleep 0.5 }\n"
# Code after LOOP, and kind, line and time of the error that ends its thread.
ERRORS = {
    "main thread": ("sleep 0.75\nnope", "runtime", 3, 0.75),
    "live_loop": ("live_loop(:bad) {\n sleep 0.25\n nope }", "runtime", 4, 0.25),
    "second round": (
        "live_loop(:bad) { |n|\n n > 0 && nope\n sleep 1\n n + 1 }",
        "runtime",
        3,
        1.0,
    ),
    "in_thread": ("in_thread {\n sleep 1\n raise 'no' }", "runtime", 4, 1.0),
    "named thread": ("in_thread(name: :x) {\n raise 'no' }", "runtime", 3, 0.0),
    "nested thread": ("in_thread { in_thread {\n sleep 0.5\n nope } }", "runtime", 4, 0.5),
    "at": ("at [0.5, 1] do |t|\n nope\nend", "runtime", 3, 0.5),
    "FX": ("with_fx :echo do\n sleep 0.5\n nope\nend", "runtime", 4, 0.5),
    "function": ("define :f do\n nope\nend\nsleep 0.5\nf", "runtime", 3, 0.5),
    "time_warp": ("sleep 1\ntime_warp 0.5 do\n nope\nend", "runtime", 4, 1.5),
    "loop without sleep": ("loop do\n 1\nend", "no_sleep", 2, 0.0),
    "live_loop without sleep": ("live_loop :bad do\n 1\nend", "no_sleep", 2, 0.0),
    "Ruby's own thread": ("Thread.new {\n Kernel.sleep 0.5\n nope }", "runtime", 4, 0.5),
    "thread that is joined": ("Thread.new {\n nope }.join", "runtime", 3, 0.0),
    "evaluated code": ("sleep 0.5\neval '1 +'", "syntax", 3, 0.5),
    "exit": ("sleep 0.5\nexit", "runtime", 3, 0.5),
    "throw": ("sleep 0.5\nthrow :x", "runtime", 3, 0.5),
    "issue 28": (
        "in_thread do\n sleep 1\n use_synth_defaults cutoff: 80\n"
        " use_merged_synth_defaults cutoff: 90\n synth :saw, note: 40\nend",
        "runtime",
        5,
        1.0,
    ),
    # Errors inside of Sonic Pi's own code, some of it in threads of its own.
    "onset": ('sleep 0.5\nsample :loop_amen, onset: "x"', "runtime", 3, 0.5),
    "onset of a loaded sample": (
        'load_sample :loop_amen\nsample :loop_amen, onset: "x"',
        "runtime",
        3,
        0.0,
    ),
    "onset lambda": ("sample :loop_amen, onset: ->(c) {\n nope }", "runtime", 3, 0.0),
    "onset lambda's result": ("sample :loop_amen, onset: ->(c) { 3 }", "runtime", 2, 0.0),
    "slice": ('sample :loop_amen, slice: "x"', "runtime", 2, 0.0),
    "num_slices": ("sample :loop_amen, num_slices: 0, slice: 1", "runtime", 2, 0.0),
    "beat_stretch": ("sample :loop_amen, beat_stretch: -1", "runtime", 2, 0.0),
    "filter": ("sample ->(c) {\n nope }", "runtime", 3, 0.0),
    "sample duration": ("sample_duration :zork", "runtime", 2, 0.0),
    "missing file": ("sleep 0.5\nFile.read('/nowhere')", "runtime", 3, 0.5),
    "lambda option": ("play 60, amp: -> {\n nope }", "runtime", 3, 0.0),
    "delay option": ("in_thread(delay: 'x') { play 60 }", "runtime", 2, 0.0),
    # Messages that are not text.
    "bytes": ('sleep 0.5\nraise "\\xff\\xfe"', "runtime", 3, 0.5),
    "binary bytes": ('raise "\\xff".b', "runtime", 2, 0.0),
    "other encoding": ("raise 'é'.encode('UTF-16')", "runtime", 2, 0.0),
    "encoding without a converter": ("raise 'é'.force_encoding('UTF-7')", "runtime", 2, 0.0),
    "commands to a terminal": ('raise "\\e[31mred\\u009b0m"', "runtime", 2, 0.0),
    "exception with its own backtrace": (
        "e = RuntimeError.new('no')\nbegin\n raise e\n"
        "rescue\n def e.backtrace; 5; end\n raise e\nend",
        "runtime",
        4,
        0.0,
    ),
    "exception with its own class": (
        "class E < StandardError; def class; 5; end; end\nraise E, 'no'",
        "runtime",
        3,
        0.0,
    ),
    "NUL": ('raise "a\\0b"', "runtime", 2, 0.0),
    "endless message": ("raise 'x' * 1_000_000", "runtime", 2, 0.0),
    "anonymous class": ("raise Class.new(StandardError), 'no'", "runtime", 2, 0.0),
    "message that fails": (
        "class E < StandardError; def message; raise 'x'; end; end\nraise E",
        "runtime",
        3,
        0.0,
    ),
}
SILENT = {
    "nothing sounds": ("sleep 0.5\nnope", "runtime", 2),
    "only FX": ("with_fx :reverb do\n nope\nend", "runtime", 2),
    "too quiet": ("play 60, amp: 0\nnope", "runtime", 2),
    "two threads": ("in_thread { sleep 0.5; nope }\nsleep 0.25\nraise 'first'", "runtime", 3),
}


@pytest.fixture(scope="module")
def results() -> dict[str, RenderResult]:
    """The results of all programs, rendered once."""
    sources = [LOOP] + [LOOP + code for code, *_ in ERRORS.values()]
    sources += [source for source, *_ in SILENT.values()]
    return {
        sources[index]: result
        for index, result in render_programs_in_parallel(sources, seconds=2.0)
    }


@pytest.mark.parametrize("name", ERRORS)
def test_other_threads_go_on_and_the_error_is_a_warning(name: str, results):
    code, kind, line, seconds = ERRORS[name]
    result = results[LOOP + code]
    assert result.has_clip, result.error
    (error,) = result.thread_errors
    assert (error.kind, error.line) == (kind, line), error
    assert error.seconds == pytest.approx(seconds, abs=0.01)
    assert error.message.isprintable() or "\n" in error.message or "\0" in error.message
    assert len(error.message) <= 2_000
    assert ".rb:" not in error.message  # Not a word of Sonic Pi's own files.


def test_the_good_loop_sounds_as_without_the_error(results):
    alone = results[LOOP].clip.samples
    for name in ("main thread", "in_thread", "issue 28", "bytes"):
        assert np.array_equal(results[LOOP + ERRORS[name][0]].clip.samples, alone), name


@pytest.mark.parametrize("name", SILENT)
def test_a_program_of_which_nothing_sounds_fails_with_its_first_error(name: str, results):
    source, kind, line = SILENT[name]
    result = results[source]
    assert not result.has_clip and (result.error.kind, result.error.line) == (kind, line)
    assert result.error not in result.warnings


def test_message_has_no_control_characters_and_no_addresses(results):
    (error,) = results[LOOP + ERRORS["commands to a terminal"][0]].thread_errors
    assert error.message == "RuntimeError: \ufffd[31mred\ufffd0m"
    source = "play 60\n3.times { in_thread { Object.new.foo } }"
    (error,) = dict(render_programs_in_parallel([source], 0.5, workers=1))[0].thread_errors
    assert "undefined method `foo' for #<Object>" in error.message


def test_what_a_thread_played_before_its_error_sounds():
    messages = collect_osc_messages("play 60\nsleep 0.5\nplay 62\nnope\nplay 64", 2)
    notes = [m.control_value_by_name["note"] for m in messages if m.is_start_of_synth_or_sample]
    assert notes == [60.0, 62.0]


def test_messages_of_a_program_that_fails_before_any_sound_are_an_error():
    with pytest.raises(RenderError) as caught:
        collect_osc_messages("with_fx :reverb do\n nope\nend", 1)
    assert caught.value.problem.line == 2


def test_errors_of_several_threads_are_listed_once_each_and_bounded():
    several = '3.times { |n| in_thread { sleep n * 0.25; raise "no #{n}" } }\nplay 60'
    repeated = "live_loop(:a) { play 60; in_thread { raise 'no' }; sleep 0.25 }"
    endless = '100.times { |n| in_thread { raise "no #{n}" } }\nplay 60'
    results = dict(render_programs_in_parallel([several, repeated, endless], seconds=1))
    errors = results[0].thread_errors
    assert [(e.message, e.line, e.seconds) for e in errors] == [
        (f"RuntimeError: no {n}", 1, n * 0.25) for n in range(3)
    ]
    assert [(e.message, e.seconds) for e in results[1].thread_errors] == [("RuntimeError: no", 0.0)]
    assert len(results[2].thread_errors) == 20
    (rest,) = (w for w in results[2].warnings if not w.is_thread_error)
    assert rest.message == "80 more errors of threads are not listed"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("nope (", "syntax"),
        ("fork", "forbidden"),
        ("in_thread { system 'true' }", "forbidden"),
        ("in_thread { 2000.times { in_thread { sleep 9 } } }", "memory"),
    ],
)
def test_syntax_limits_and_forbidden_actions_fail_the_whole_program(code: str, kind: str):
    ((_, result),) = render_programs_in_parallel([LOOP + code], seconds=1, workers=1)
    assert not result.has_clip and result.error.kind == kind


def test_stop_is_no_error():
    source = LOOP + "in_thread { sleep 0.5; stop }\nlive_loop(:b) { sleep 0.5; stop }\nstop"
    ((_, result),) = render_programs_in_parallel([source], seconds=1, workers=1)
    assert result.has_clip and result.warnings == ()
