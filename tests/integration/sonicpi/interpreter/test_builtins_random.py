"""The reader draws the random numbers that Sonic Pi draws, note by note."""

from __future__ import annotations

import pytest

from tests.integration.sonicpi.interpreter.score_agreement import assert_read_as_rendered

PROGRAMS = {
    "rand": "play 40 + rand * 40\nplay rand((40..80))\nplay 60 + rand(-5)",
    "rand zero needs no draw": "play 60 + rand(0)\nplay 60 + rand_i(0)\nplay 60 + rand(9)",
    "rrand": "play rrand(40, 80)\nplay rrand(80, 40)\nplay rrand(:c4, :c5)",
    "rrand step": "5.times { play rrand(40, 80, step: 2.5) }",
    "equal bounds need no draw": "play rrand(60, 60)\nplay rrand_i(60, 60)\nplay rrand(40, 80)",
    "rrand_i": "5.times { play rrand_i(40, 80); play rrand_i(:c4, :e4); play rrand_i(40.5, 50) }",
    "rand_i": "play 60 + rand_i\nplay 60 + rand_i(20)\nplay rand_i(:c4)\nplay rand_i((40..80))",
    "rdist": "play rdist(10, 60)\nplay 60 + rdist(5)\nplay rdist(10, 60, step: 1)",
    "dice and one_in": (
        "play 60 + dice\nplay 60 + dice(20)\nplay 60 + dice(1)\n"
        "10.times { |i| play 60 + i if one_in(3) }\nplay 80 if one_in(1)\nplay 81 if one_in(0)"
    ),
    "choose": (
        "play choose([40, 50, 60])\nplay [40, 50, 60].choose\nplay (ring 40, 50, 60).choose\n"
        "play choose((40..80))\nplay [40, 50, 60].sample\nplay 60 + rand(9)"
    ),
    "choose of an empty list": "play [].choose\nplay 60 + rand(9)",
    "lambda of choose and pick": (
        "a = choose\nplay a.call([40, 50, 60])\nb = pick\nplay b.call([40, 50, 60])[0]"
    ),
    "pick": (
        "play_chord [40, 50, 60, 70].pick(3)\nplay (ring 40, 50, 60).pick[0]\n"
        "play pick([40, 50, 60], 2)[1]\nplay [40, 50, 60, 70].pick(2, skip: 3)[1]\n"
        "play [40, 50, 60].pick(skip: 1)[0]\nplay 60 + rand(9)"
    ),
    "shuffle": (
        "[40, 50, 60, 70, 80].shuffle.each { |n| play n; sleep 0.1 }\n"
        "(scale :e3, :minor).shuffle.each { |n| play n; sleep 0.1 }\n"
        "shuffle([40, 50, 60, 70]).each { |n| play n; sleep 0.1 }\n"
        "a = [40, 50, 60, 70]\na.shuffle!\nplay a[0]\nplay 60 + rand(9)\n"
        "'abcdef'.shuffle.each_char { |c| play 60 + c.ord - 97; sleep 0.1 }"
    ),
    "rand_back and rand_skip": (
        "play 60 + rand(9)\nplay 60 + 10 * rand_back\nplay 60 + rand(9)\n"
        "play 60 + 10 * rand_skip(2)\n"
        "play 60 + rand(9)\nrand_reset\nplay 60 + rand(9)\nrand_back 3\nplay 60 + rand(9)"
    ),
    "looks take no draw": "play 60 + rand_look(9)\nplay 60 + rand_i_look(9)\nplay 60 + rand(9)",
    "seeds": (
        "play 60 + rand(9)\nuse_random_seed 42\nplay 60 + rand(9)\n"
        "with_random_seed 7.5 do\n  play 60 + rand(9)\nend\nplay 60 + rand(9)"
    ),
    "threads": (
        "3.times do |i|\n  in_thread do\n    play 60 + rand(9)\n"
        "    in_thread { play 60 + rand(9) }\n"
        '    live_loop(:"l#{i}") { play 60 + rand(9); sleep 4 }\n  end\nend\n'
        "play 60 + rand(9)\nin_thread(seed: 4) { play 60 + rand(9) }\n"
        "in_thread { play 60 + rand(9) }"
    ),
    "seeds of threads": (
        "use_random_seed 100\nlive_loop(:a) { play rrand(40, 80); sleep 2 }\n"
        "with_random_seed(5) { in_thread { play rrand(40, 80) } }\n"
        "live_loop(:b, seed: 3) { play rrand(40, 80); sleep 2 }\n"
        "live_loop(:c, delay: 0.5) { play rrand(40, 80); sleep 2 }"
    ),
    "a loop defined again takes a seed": (
        "live_loop(:a) { play 60; sleep 1 }\nlive_loop(:a) { play 61; sleep 1 }\n"
        "live_loop(:b) { play rrand(40, 80); sleep 1 }"
    ),
    "sources": (
        "use_random_source :pink\n3.times { play 40 + rand * 40 }\nplay [40, 50, 60, 70].choose\n"
        "with_random_source(:perlin) { play 40 + rand * 40 }\nplay 40 + rand * 40\n"
        "live_loop(:a) { play [40, 50, 60, 70].shuffle[0]; sleep 1 }\n"
        "use_random_source :dark_pink\n3.times { play 40 + rand * 40 }\n"
        "use_random_source :light_pink\n3.times { play 40 + rand * 40 }"
    ),
    "each time of at has a seed": (
        "rand\nat [0, 1, 2] do\n  play rrand(40, 80)\n  tick\n  play 60 + tick\nend\n"
        "play rrand(40, 80)\ntime_warp(0.5) { play rrand(40, 80) }\nplay 60 + tick\n"
        "in_thread { play rrand(40, 80) }"
    ),
    "unknown values take draws": (
        "play 60 if choose([Time.now.to_i, Time.now.to_i]) == 0\n"
        "rrand(0, Time.now.to_i)\nrand(Time.now.to_f)\nplay rrand(40, 80)"
    ),
}


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=list(PROGRAMS))
def test_sounds_are_those_of_the_rendered_score(source: str):
    assert_read_as_rendered(source)
