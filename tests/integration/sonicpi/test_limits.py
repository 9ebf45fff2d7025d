"""A program that exceeds a limit ends in an error that names the limit and a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.sonicpi import RenderLimits, try_render
from core.sonicpi.render_worker import RenderWorker

LIMITS = RenderLimits(cpu_s=4, synthesis_cpu_s=10, wall_s=30, memory_mb=400)
CLOUD_BEAT = Path("/usr/share/sonic-pi/examples/algomancer/cloud_beat.rb")
MEMORY = "used more than 400 MB of memory"
THREADS = "More than 4000 threads run at once"

# Program, kind, line, part of the message.
PROGRAMS = {
    "strings": ("x = []\nloop { x << 'a' * 10_000_000; sleep 0.01 }", "memory", 2, MEMORY),
    "one large array": ("play 60\nx = Array.new(10**10, 1)", "memory", 2, MEMORY),
    "one large string": ("play 60\nx = 'a' * (1 << 33)", "memory", 2, MEMORY),
    "a string that doubles": ("x = 'ab'\nx << x while true", "memory", 2, MEMORY),
    "a large ring": ("play 60\nx = (ring *(1..50_000_000))", "memory", 2, MEMORY),
    "memory of a thread": (
        "play 60\nin_thread do\n  x = []\n  loop do\n    x << 'a' * 10_000_000\n    sleep 0.01\n"
        "  end\nend",
        "memory",
        5,
        MEMORY,
    ),
    "in_thread": ("3000.times do\n  in_thread { sleep 100 }\nend", "memory", 2, THREADS),
    "threads of Ruby": ("play 60\n9000.times { Thread.new { sleep 9 } }", "memory", 2, THREADS),
    "at": (
        "play 60\nat (0..9000).map { |n| n * 0.001 + 9 } do\n  play 60\nend",
        "memory",
        2,
        THREADS,
    ),
    "fibers": (
        "f = []\n9000.times { f << Fiber.new { Fiber.yield }; f.last.resume }",
        "memory",
        2,
        "threads and fibers",
    ),
    "enumerators": (
        "f = []\n9000.times { f << [1, 2].each; f.last.next }",
        "memory",
        2,
        "threads and fibers",
    ),
    "processor time": ("play 60\nwhile true\nend", "timeout", 2, "4 s of processor time"),
    "processor time in FX": (
        "live_loop :a do\n  with_fx :level do\n    while true\n    end\n  end\nend",
        "timeout",
        3,
        "4 s of processor time",
    ),
    "functions that call themselves in FX": (
        "define :f do\n  with_fx :level do\n    f\n  end\nend\nf",
        "runtime",
        None,
        "SystemStackError",
    ),
    "exit!": ("play 60\nexit!", "crashed", 2, "ended its own interpreter"),
}


@pytest.fixture(scope="module")
def worker() -> Iterator[RenderWorker]:
    worker = RenderWorker(LIMITS)
    yield worker
    worker.close()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_limit_is_named_with_a_line(worker: RenderWorker, name: str):
    source, kind, line, message = PROGRAMS[name]
    _, result = worker.collect_osc_messages(source, 4.0)
    problem = result.error or result.warnings[-1]
    assert (problem.kind, message in problem.message) == (kind, True), problem
    assert problem.line == line if line else problem.line is not None


def test_the_synthesis_has_a_limit_of_time():
    worker = RenderWorker(RenderLimits(synthesis_cpu_s=1))
    error = worker.render("200.times { synth :prophet, sustain: 30 }", 30.0).error
    worker.close()
    assert (error.kind, error.message) == (
        "timeout",
        "The synthesis used more than 1 s of processor time.",
    )


# How often a function runs until it has called itself too deep, as counted in live Sonic Pi 3.2.2.
CALL_DEPTHS = {
    "define :go do |n|\n  $n = n\n  play 60, release: 0.01\n  sleep 0.005\n  go n + 1\nend": 1327,
    "define :go do |n|\n  $n = n\n  go n + 1\nend": 1330,
    "define :go do |n|\n  $n = n\n  with_synth(:saw) { with_transpose(1) { go n + 1 } }\nend": 1330,
    "define :go do |n|\n  $n = n\n  [1].each { 1.times { go n + 1 } }\nend": 367,
    "def go(n)\n  $n = n\n  go n + 1\nend": 10_074,
    "def go(n)\n  $n = n\n  [1].map { go n + 1 }\nend": 1065,
}
CALLERS = {
    "main thread": "{call}",
    "in_thread": "in_thread do\n  {call}\nend",
    "live_loop": "live_loop :a do\n  {call}\n  stop\nend",
    "at": "at 0.1 do\n  {call}\nend",
    "with_fx": "with_fx :level do\n  {call}\nend",
}
CALL = "begin; go 1; rescue SystemStackError; use_transpose 0; play 100, release: $n; end"


def count_calls(worker: RenderWorker, function: str, caller: str) -> int:
    source = function + "\n" + CALLERS[caller].format(call=CALL)
    messages, result = worker.collect_osc_messages(source, 8.0)
    assert result.error is None, result.error
    last_note = next(m for m in messages if m.control_value_by_name.get("note") == 100.0)
    return round(last_note.control_value_by_name["release"])


@pytest.mark.parametrize("function", CALL_DEPTHS)
def test_functions_call_themselves_as_often_as_in_live_sonic_pi(
    worker: RenderWorker, function: str
):
    assert count_calls(worker, function, "main thread") == pytest.approx(
        CALL_DEPTHS[function], rel=0.005
    )


@pytest.mark.parametrize("caller", CALLERS)
def test_every_thread_has_the_stack_of_live_sonic_pi(worker: RenderWorker, caller: str):
    function = "define :go do |n|\n  $n = n\n  go n + 1\nend"
    assert count_calls(worker, function, caller) == pytest.approx(1330, rel=0.005)


def test_a_function_that_never_ends_plays_as_long_as_live():
    source = "define :go do\n  play 60, release: 0.1\n  sleep 0.125\n  go\nend\ngo"
    assert try_render(source, 60.0).has_clip


def test_eight_loops_with_fx_play_for_a_minute():
    source = """
8.times do |n|
  live_loop "part#{n}".to_sym do
    with_fx :level do
      play 48 + n * 3, release: 0.1, amp: 0.2
    end
    sleep 0.25
  end
end
"""
    result = try_render(source, 60.0)
    assert result.has_clip and not result.warnings
    last_seconds = result.clip.samples[-2 * result.clip.sample_rate :]
    assert (last_seconds**2).mean() ** 0.5 > 0.01


@pytest.mark.skipif(not CLOUD_BEAT.exists(), reason="Sonic Pi's examples are not installed")
def test_cloud_beat_plays_for_a_minute():
    assert try_render(CLOUD_BEAT.read_text("utf-8"), 60.0).has_clip
