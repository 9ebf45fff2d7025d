"""The reader follows time, loops and threads as Sonic Pi runs them."""

from __future__ import annotations

import pytest

from tests.integration.sonicpi.interpreter.score_agreement import assert_read_as_rendered

PROGRAMS = {
    "at with a bracket before its times": "at(range 0, 4) + (ring 3.25) do |a|\n  play 60 + a\nend",
    "at in a density": "density 2 do\n  at([1, 2]) { |t| play 60 + t }\n  sleep 3\nend",
    "an error ends one time of at": "at([0, 1]) { |t| play 60; play 60 + nil }\nplay 70",
    "density below one": "density 0.5 do\n  play 60\n  sleep 1\nend\nplay 61",
    "with_swing": (
        "use_bpm 90\n8.times { |i| with_swing(0.2, pulse: 3) { play 60 + i }; sleep 0.5 }\n"
        "4.times { |i| with_swing { play 70 + i }; sleep 0.5 }\n"
        "4.times { |i| with_swing(-0.1, tick: :x, offset: 1) { play 80 + i }; sleep 0.5 }"
    ),
    "value of a live_loop": "live_loop(:a, init: 50) { |n| play n; sleep 2; n + 1 }",
    "first value of a live_loop": "live_loop(:a) { |n| play 60 + n; sleep 2; n + 1 }",
    "live_loop with delay and sync": (
        "live_loop(:a) { play 50; sleep 3 }\nlive_loop(:b, sync: :a) { play 60; sleep 2 }\n"
        "live_loop(:c, delay: 1) { play 70; sleep 2 }\n"
        "live_loop(:d, sync: :a, delay: 0.5, seed: 3) { play 80 + rand(9); sleep 4 }"
    ),
    "in_thread with delay and sync": (
        "in_thread(delay: 2) { play 60 }\nin_thread(sync: :k) { play 61 }\nsleep 1\ncue :k"
    ),
    "a loop that waits for a loop of the same time": (
        "use_bpm 130\nlive_loop(:k) { sleep 0.25 }\n"
        "live_loop(:a) { sync :k; play 60; sleep 0.25 }\n"
        "live_loop(:b) { sync :k; play 61; sleep 1.5 }\nlive_loop(:c) { sync :k; play 62; sleep 1 }"
    ),
    "cues of the same time": (
        "in_thread { sync :x; play 60; sync :x; play 61 }\n"
        "in_thread { sleep 1; cue :x; cue :x }\nin_thread { sleep 1; sync :x; play 62 }\n"
        "in_thread { sleep 1; cue :x; sleep 1; cue :x }"
    ),
    "two waits without a sleep": (
        "live_loop(:k) { sleep 1 }\nlive_loop(:m) { sleep 2 }\n"
        "live_loop(:a) { sync :m; sync :k; play 60 }"
    ),
    "sync_bpm": (
        "use_bpm 60\nin_thread { use_bpm 120; sleep 1; cue :x }\n"
        "in_thread { sync_bpm :x; play 60; sleep 1; play 61 }\n"
        "in_thread { sync :x, bpm_sync: true; sleep 3; play 62 }\n"
        "in_thread { sync :x; sleep 1; play 63 }"
    ),
    "values of the same time": (
        "set :n, 60\nin_thread { sleep 1; set :n, 62; play get(:n) }\n"
        "in_thread { sleep 1; play get[:n] + 10 }\nsleep 1\nplay get(:n) + 20\nset :n, 70\n"
        "play get(:n)"
    ),
    "zip with a block": "[60, 62, 64].zip([1, 2]) { |n, d| play n; sleep d || 1 }",
    "rhythms": (
        "[[5, 8, 0], [3, 8, 1], [7, 11, 2], [5, 13, 0], [4, 16, 3], [9, 14, 1]].each do |p, s, r|\n"
        "  spread(p, s, rotate: r).each_with_index { |x, i| play 60 + i if x }\n  sleep 1\nend"
    ),
}


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=list(PROGRAMS))
def test_sounds_are_those_of_the_rendered_score(source: str):
    assert_read_as_rendered(source)
