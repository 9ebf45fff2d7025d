"""Ten thousand uses of each function that makes threads, nodes, buffers or FX, in one clip.

Every program plays a marker note after its uses. Its time must be exact, and its release time
carries the growth of the program's memory in the second half of the uses, in MB.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from core.sonicpi import OscMessage, RenderResult, render
from core.sonicpi.render_limits import RenderLimits
from core.sonicpi.render_worker import RenderWorker

USE_COUNT = 10_000
PAUSE_SECONDS = 0.01
REST_SECONDS = 3.0
MARKER_NOTE = 101.0
WORKER_COUNT = 2
# Recorded messages stay in memory until the end of the clip; nothing else may.
MAX_KB_PER_MESSAGE = 1.0
MAX_GROWTH_MB = 16.0

PROGRAM = """
def memory_mb
  File.read('/proc/self/statm').split[1].to_i * 4096 / 1e6
end
{setup}
half_mb = 0
{count}.times do |i|
  half_mb = memory_mb if i == {count} / 2
  {code}
  sleep {pause}
end
sleep {rest}
synth :beep, note: {note}, release: [memory_mb - half_mb, 0.01].max
"""


@dataclass(frozen=True)
class Use:
    """Code that uses a function `uses` times; `i` counts its repetitions."""

    code: str
    setup: str = ""
    uses: int = 1
    sleep_seconds: float = 0.0
    max_growth_mb: float = MAX_GROWTH_MB
    warning: str | None = None

    @property
    def count(self) -> int:
        """Repetitions of the code."""
        return USE_COUNT // self.uses

    @property
    def seconds(self) -> float:
        """Time of the marker."""
        return self.count * (PAUSE_SECONDS + self.sleep_seconds) + REST_SECONDS

    def build_program(self) -> str:
        """Return the whole program."""
        return PROGRAM.format(
            setup=self.setup,
            code=self.code,
            count=self.count,
            pause=PAUSE_SECONDS,
            rest=REST_SECONDS,
            note=MARKER_NOTE,
        )


FX = "with_fx(:level, kill_delay: 0.01)"
NOTE = "play 60, release: 0.01"
USES = {
    "in_thread": Use(f"in_thread {{ {NOTE} }}"),
    "in_thread with a name": Use(f"in_thread(name: :a) {{ {NOTE} }}"),
    "nested in_thread": Use(f"in_thread {{ in_thread {{ {NOTE} }} }}", uses=2),
    # A loop's function keeps its thread, as in live Sonic Pi.
    "live_loop under new names": Use(
        f'live_loop("l#{{i}}") {{ {NOTE}; stop }}', max_growth_mb=180.0
    ),
    "live_loop redefinition": Use("live_loop(:a) { play 50 + i % 20, release: 0.01; sleep 0.05 }"),
    "at": Use(f"at([0.05, 0.1]) {{ |t| {NOTE} }}", uses=2),
    "time_warp": Use(f"time_warp(0.005) {{ {NOTE} }}"),
    "density": Use(f"density(2) {{ {NOTE}; sleep 0.02 }}", sleep_seconds=0.02),
    "with_fx": Use(f"{FX} {{ {NOTE} }}"),
    "with_fx in with_fx": Use(f"{FX} {{ with_fx(:lpf, kill_delay: 0.01) {{ {NOTE} }} }}", uses=2),
    "with_fx in in_thread": Use(f"in_thread {{ {FX} {{ {NOTE} }} }}", uses=2),
    "in_thread in with_fx": Use(f"{FX} {{ in_thread {{ {NOTE} }} }}", uses=2),
    "with_fx that repeats": Use(f"with_fx(:level, reps: 2, kill_delay: 0.01) {{ {NOTE} }}", uses=2),
    "play": Use(NOTE),
    "play_chord": Use("play_chord [60, 64], release: 0.01", uses=2),
    "synth and sample": Use("synth(:saw, release: 0.01); sample :elec_tick", uses=2),
    "control": Use("control s, note: 40 + i % 12", setup="s = play 40, sustain: 1000"),
    "kill": Use("kill play(60, sustain: 100)"),
    "buffer": Use('sample buffer("b#{i % 100}", 0.1), release: 0.01'),
    "sample of every name": Use("sample names[i], finish: 0.001", setup="names = all_sample_names"),
    "load and free samples": Use("load_sample :elec_tick; sample_free :elec_tick", uses=2),
    "sample_duration": Use("sample_duration :loop_amen, rate: 1 + i % 3"),
    "cue": Use("cue :tick, i"),
    "cue of new names": Use('cue "name#{i % 1000}"'),
    "cue and sync": Use("cue :tick", setup=f"in_thread {{ loop {{ sync :tick; {NOTE} }} }}"),
    # 500 threads wait at the end of the second half.
    "sync that never comes": Use(
        "in_thread { sync :never } if i % 10 == 0", max_growth_mb=40.0, warning="waiting"
    ),
    "set and get": Use("set :value, i; play 60 + get[:value] % 2, release: 0.01", uses=2),
    "define": Use("define(:f) { |n| play n, release: 0.01 }; f 60"),
    "with_ blocks": Use(
        "with_bpm(120) { with_synth(:saw) { with_transpose(12) { with_random_seed(i) {"
        " with_octave(1) { play rrand(50, 60), release: 0.01 } } } } }",
        uses=5,
    ),
    "ticks and rings": Use('play (ring 60, 62, 64).tick("t#{i % 50}".to_sym), release: 0.01; tick'),
    "Thread": Use("Thread.new { Kernel.sleep 0.001 }.join"),
    "Thread that is killed": Use("Thread.new { Kernel.sleep 1000 }.kill"),
    "Thread, Queue and Mutex": Use(
        "t = Thread.new { m.synchronize { q.push i } }; q.pop; t.join",
        setup="q = Queue.new; m = Mutex.new",
    ),
    "Fiber": Use("f = Fiber.new { Fiber.yield 60 }; play f.resume, release: 0.01"),
    "Enumerator": Use("play [60, 62].each.next, release: 0.01"),
    "Enumerator::Lazy": Use("play (60..Float::INFINITY).lazy.map(&:to_i).first, release: 0.01"),
    "threads that end with an error": Use("in_thread { nope }", warning="runtime"),
    "set_link_bpm! and link": Use(
        "set_link_bpm! 60 + i % 2 * 0.0001; in_thread { link 1; play 60, release: 0.01 }"
        " if i % 4 == 0",
        uses=2,
        warning="warning",  # A thread that a change of tempo wakes late is behind its time.
    ),
    "synth without a sound": Use("synth :winwood_lead, note: 60", warning="unknown_synth"),
    "rescue": Use("begin; play nil.foo; rescue NoMethodError; end"),
}

Outcome = tuple[list[OscMessage], RenderResult]


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Outcome]]]:
    """Messages and result of every selected program, from two workers at once."""
    names = [
        item.callspec.params["name"]
        for item in request.session.items
        if item.module is request.module and hasattr(item, "callspec")
    ]
    workers = [RenderWorker(RenderLimits(cpu_s=60)) for _ in range(WORKER_COUNT)]
    free_workers = list(workers)

    def collect(name: str) -> Outcome:
        worker = free_workers.pop()
        try:
            use = USES[name]
            return worker.collect_osc_messages(use.build_program(), use.seconds + 1.0)
        finally:
            free_workers.append(worker)

    executor = ThreadPoolExecutor(WORKER_COUNT)
    yield {name: executor.submit(collect, name) for name in names}
    executor.shutdown(cancel_futures=True)
    for worker in workers:
        worker.close()


@pytest.mark.parametrize("name", USES)
def test_ten_thousand_uses_in_one_clip_need_flat_memory(
    outcomes: dict[str, Future[Outcome]], name: str
):
    use = USES[name]
    messages, result = outcomes[name].result()
    assert result.error is None, result.error
    assert {warning.kind for warning in result.warnings} == ({use.warning} - {None})
    marker = next(m for m in messages if m.control_value_by_name.get("note") == MARKER_NOTE)
    assert marker.time == pytest.approx(use.seconds, abs=0.001)
    growth_mb = marker.control_value_by_name["release"]
    assert growth_mb < use.max_growth_mb + MAX_KB_PER_MESSAGE * len(messages) / 2000


def test_a_note_after_ten_thousand_threads_and_fx_sounds_as_alone():
    program = f"{{uses}}\nsleep {{rest}}\nsynth :saw, note: {MARKER_NOTE}, release: 0.5"
    uses = f"5000.times {{ in_thread {{ {FX} {{ {NOTE} }} }}; sleep 0.004 }}"
    crowded = render(program.format(uses=uses, rest=4), 25.0)
    alone = render(program.format(uses="", rest=24), 25.0)
    start = round(23.9 * crowded.sample_rate)
    assert np.abs(alone.samples[start:]).max() > 0.01
    assert np.allclose(crowded.samples[start:], alone.samples[start:], atol=1e-6)
