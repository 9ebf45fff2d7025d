"""Rendering is deterministic: equal programs give equal samples."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random

import pytest

from core.errors import EarshotError
from core.sonicpi import (
    RenderLimits,
    RenderResult,
    compute_render_id,
    render,
    render_programs_in_parallel,
    renderer_versions_and_render_id,
    sandbox,
)
from core.sonicpi.render_worker import RenderWorker

# Threads that run at equal times, cues, state, FX in a loop, and every source of randomness.
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
    tune = scale(:e2, :minor_pentatonic, num_octaves: 2)
    s = play tune.choose, release: 0.3, cutoff: rrand(60, 110)
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
OTHER_PROGRAMS = [
    "use_random_seed 9; 20.times { play rrand(40, 90); sleep 0.1 }",
    "define(:rand) { 4 }; class Integer; def half; self / 2; end; end; synth :noise",
    "set :last, 99; set :nothing, 12; use_bpm 30; play 60",
    "nope",
]
SECONDS = 3.0


def digest(result: RenderResult) -> str:
    assert result.has_clip, result.error
    return hashlib.sha256(result.clip.samples.tobytes()).hexdigest()


def use_processor(stop) -> None:
    while not stop.is_set():
        sum(range(10_000))


@pytest.fixture
def busy_machine():
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    core_count = len(os.sched_getaffinity(0))
    processes = [context.Process(target=use_processor, args=(stop,)) for _ in range(2 * core_count)]
    for process in processes:
        process.start()
    yield
    stop.set()
    for process in processes:
        process.join()


def test_a_hundred_renders_are_equal_under_load_in_any_worker_and_order(busy_machine):
    sources = [PROGRAM] * 100 + OTHER_PROGRAMS * 5
    random.Random(3).shuffle(sources)
    limits = RenderLimits(wall_s=300)
    digests = {
        digest(result)
        for index, result in render_programs_in_parallel(sources, SECONDS, workers=3, limits=limits)
        if sources[index] == PROGRAM
    }
    assert len(digests) == 1


def test_a_longer_clip_starts_with_the_samples_of_a_shorter_one():
    short, long = render(PROGRAM, 1.5), render(PROGRAM, SECONDS)
    assert (long.samples[: len(short.samples)] == short.samples).all()


@pytest.mark.parametrize(
    "name", ["RENDERER_VERSION", "get_sonic_pi_version", "get_scsynth_version"]
)
def test_render_id_depends_on_the_versions(monkeypatch: pytest.MonkeyPatch, name: str):
    before = compute_render_id("play 60")
    monkeypatch.setattr(
        renderer_versions_and_render_id, name, 99 if name.isupper() else lambda: "9.9"
    )
    assert compute_render_id("play 60") != before


def test_render_id_depends_on_source_length_and_sample_rate():
    ids = {
        compute_render_id("play 60"),
        compute_render_id("play 61"),
        compute_render_id("play 60", 9.0),
        compute_render_id("play 60", 18.0, 48_000),
    }
    assert len(ids) == 4
    assert compute_render_id("play 60", 18) == compute_render_id("play 60", 18.0)
    assert all(
        len(render_id) == 64 and set(render_id) <= set("0123456789abcdef") for render_id in ids
    )


def test_the_id_of_a_render_covers_the_version_of_sonic_pi():
    assert compute_render_id("play 60", sonic_pi="5") != compute_render_id("play 60")
    assert compute_render_id("play 60", sonic_pi="3.2") == compute_render_id("play 60")
    with pytest.raises(EarshotError, match=r"Use one of: 3\.2, 5"):
        compute_render_id("play 60", sonic_pi="4")


def test_programs_with_later_sounds_are_rendered_again_when_these_are_installed(monkeypatch):
    programs = ("synth :rodeo", "sample :hat_zap", "play 60")
    installed = [compute_render_id(program) for program in programs]
    monkeypatch.setattr(
        renderer_versions_and_render_id, "are_newer_sonic_pi_sounds_installed", lambda: False
    )
    missing = [compute_render_id(program) for program in programs]
    assert [a == b for a, b in zip(installed, missing)] == [False, False, True]


def test_every_way_to_render_takes_the_version():
    program = "set_volume! 3\nplay 60, amp: 0.5"
    of_3_2, of_5 = (render(program, 0.5, sonic_pi=version).rms for version in ("3.2", "5"))
    assert of_3_2 > 2 * of_5
    by_many = dict(render_programs_in_parallel([program], 0.5, workers=1, sonic_pi="5"))[0]
    assert by_many.clip.rms == of_5
    with pytest.raises(EarshotError, match=r"Use one of: 3\.2, 5"):
        next(render_programs_in_parallel([program], sonic_pi="6"))


# FX and onsets, whose UGens and library keep state in memory that they allocate.
MEMORY_PROGRAM = """
with_fx :gverb do
  with_fx [:ring_mod, :krush, :flanger, :pitch_shift, :vowel, :wobble].tick do
    6.times do
      sample :loop_tabla, onset: pick
      synth [:pluck, :blade, :fm, :dark_ambience, :mod_saw, :tech_saws].tick, release: 0.2
      sleep 0.25
    end
  end
end
"""


def test_the_contents_of_unused_memory_change_nothing(monkeypatch: pytest.MonkeyPatch):
    clips = []
    for fill_byte in ("0", "90", "165"):
        # The C library fills memory that it allocates with this byte.
        monkeypatch.setitem(sandbox.RUBY_SETTINGS, "MALLOC_PERTURB_", fill_byte)
        worker = RenderWorker()
        clips.append(digest(worker.render(MEMORY_PROGRAM, SECONDS)))
        worker.close()
    assert len(set(clips)) == 1


# Ruby seeds these anew in every process.
RUBY_NUMBERS = """
require 'securerandom'
numbers = ['song'.hash, :song.hash, 7.hash, 1.5.hash, Random.new.rand(1000), Random.new_seed,
           SecureRandom.random_number(1000), Kernel.rand(1000),
           [1, 2, 3].shuffle(random: Random.new)[0]]
srand
numbers << Kernel.rand(1000)
numbers.each { |number| play 40 + number % 60; sleep 0.01 }
"""


def test_hash_values_and_random_numbers_of_ruby_are_those_of_every_process():
    notes = []
    for _ in range(2):
        worker = RenderWorker()
        for _ in range(2):
            messages, result = worker.collect_osc_messages(RUBY_NUMBERS, 0.5)
            assert result.error is None, result.error
            values = [message.control_value_by_name.get("note") for message in messages]
            notes.append([value for value in values if value is not None])
        worker.close()
    assert len(notes[0]) == 10 and len(set(notes[0])) > 5
    assert notes[1:] == notes[:-1]


def test_hashes_find_keys_by_their_new_hash_values():
    source = (
        "Key = Struct.new(:name)\nclass Own < Key; def hash; name.hash; end; end\n"
        "table = { 'a' => 60, :b => 61, 3 => 62, 1.5 => 63, Own.new('d') => 64, [1, 'e'] => 65 }\n"
        "keys = ['a', :b, 3, 1.5, Own.new('d'), [1, 'e']]\n"
        "keys.each { |key| play table[key] }\nplay 66 if %w[a a].uniq.size == 1"
    )
    worker = RenderWorker()
    messages, _ = worker.collect_osc_messages(source, 0.5)
    worker.close()
    notes = [m.control_value_by_name["note"] for m in messages if "note" in m.control_value_by_name]
    assert notes == [60, 61, 62, 63, 64, 65, 66]
