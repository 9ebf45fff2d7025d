"""The same program gives the same bytes, whatever else happens."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random

import pytest

from core.sonicpi import RenderLimits, render, compute_render_id, render_many, versions

# Threads that meet at equal times, cues, state, FX in a loop, and every source of chance.
PROGRAM = """
use_bpm 140
use_random_seed 42
live_loop :beat do
  sample [:bd_haus, :sn_dub, :drum_cymbal_closed].choose, rate: rrand(0.8, 1.2)
  cue :hit, value: rand
  sleep [0.25, 0.5].choose
end
live_loop :follow do
  use_synth [:prophet, :noise, :tb303, :pluck].tick
  v = sync :hit
  with_fx [:reverb, :echo, :bitcrusher].choose, mix: rand do
    s = play scale(:e2, :minor_pentatonic, num_octaves: 2).choose, release: 0.3, cutoff: rrand(60, 110)
    control s, note: 50
  end
  set :last, v
end
8.times do |i|
  in_thread do
    sleep 0.25 * i
    synth :piano, note: 40 + rand_i(30) + get[:nothing].to_i
    synth :hollow, note: 60 if one_in(3)
  end
end
"""
OTHERS = [
    "use_random_seed 9; 20.times { play rrand(40, 90); sleep 0.1 }",
    "define(:rand) { 4 }; class Integer; def half; self / 2; end; end; synth :noise",
    "set :last, 99; set :nothing, 12; use_bpm 30; play 60",
    "nope",
]
SECONDS = 3.0


def digest(rendering) -> str:
    assert rendering.ok, rendering.error
    return hashlib.sha256(rendering.clip.samples.tobytes()).hexdigest()


def burn(stop) -> None:
    while not stop.is_set():
        sum(range(10_000))


@pytest.fixture
def busy_machine():
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    burning = [
        context.Process(target=burn, args=(stop,)) for _ in range(2 * len(os.sched_getaffinity(0)))
    ]
    for process in burning:
        process.start()
    yield
    stop.set()
    for process in burning:
        process.join()


def test_a_hundred_runs_are_one_under_load_in_any_worker_and_order(busy_machine):
    order = [PROGRAM] * 100 + OTHERS * 5
    random.Random(3).shuffle(order)
    limits = RenderLimits(wall_s=300)
    found = {
        digest(rendering)
        for index, rendering in render_many(order, SECONDS, workers=3, limits=limits)
        if order[index] == PROGRAM
    }
    assert len(found) == 1


def test_a_longer_clip_begins_like_a_shorter_one():
    # Nothing in a render knows how long it will be.
    short, long = render(PROGRAM, 1.5), render(PROGRAM, SECONDS)
    assert (long.samples[: len(short.samples)] == short.samples).all()


@pytest.mark.parametrize("what", ["RENDERER_VERSION", "sonic_pi_version", "scsynth_version"])
def test_render_id_names_the_versions(monkeypatch: pytest.MonkeyPatch, what):
    before = compute_render_id("play 60")
    monkeypatch.setattr(versions, what, 99 if what.isupper() else lambda: "9.9")
    assert compute_render_id("play 60") != before


def test_render_id_names_everything_that_matters():
    ids = {
        compute_render_id("play 60"),
        compute_render_id("play 61"),
        compute_render_id("play 60", 9.0),
        compute_render_id("play 60", 18.0, 48_000),
    }
    assert len(ids) == 4
    assert compute_render_id("play 60", 18) == compute_render_id("play 60", 18.0)
    assert all(len(one) == 64 and set(one) <= set("0123456789abcdef") for one in ids)
