"""Benchmark: memory of a render worker over many renders, and of a program with many threads."""

from __future__ import annotations

from pathlib import Path

from core.sonicpi.render_worker import RenderWorker

DEFAULT_RENDER_COUNT = 10_000
ROW_COUNT = 10
THREAD_COUNT = 100_000
THREAD_INTERVAL_SECONDS = 0.006
# After each tenth of the threads a note carries the program's memory, in MiB, in its release time.
MEMORY_NOTE = 100.0
THREADS_PROGRAM = f"""
{THREAD_COUNT}.times do |n|
  in_thread {{ play 60, release: 0.01 }}
  if (n + 1) % {THREAD_COUNT // ROW_COUNT} == 0
    pages = File.read('/proc/self/statm').split[1].to_i
    play {MEMORY_NOTE}, amp: 0, release: pages / 256.0
  end
  sleep {THREAD_INTERVAL_SECONDS}
end
"""


def run(variants: int = DEFAULT_RENDER_COUNT) -> list[tuple[str, str]]:
    """Render with one worker; return rows of (number of renders or threads, resident memory).

    Parameters
    ----------
    variants : int
        Number of programs.
    """
    worker = RenderWorker()
    rows = []
    for number in range(1, variants + 1):
        source = f"with_fx(:level) {{ play {number % 100}, release: 0.1; sample :bd_haus }}"
        assert worker.render(source, 0.25).has_clip
        if number % max(variants // ROW_COUNT, 1) == 0:
            memory_mib = _measure_tree_kb(worker.process.pid) / 1024
            rows.append((f"after {number} renders", f"{memory_mib:.1f} MiB"))
    rows += _measure_threads(worker)
    worker.close()
    return rows


def _measure_threads(worker: RenderWorker) -> list[tuple[str, str]]:
    """Run a program that starts 100,000 threads; return its memory after each tenth of them."""
    seconds = THREAD_COUNT * THREAD_INTERVAL_SECONDS
    messages, result = worker.collect_osc_messages(THREADS_PROGRAM, seconds)
    assert result.error is None, result.error
    memory_mib = [
        message.control_value_by_name["release"]
        for message in messages
        if message.control_value_by_name.get("note") == MEMORY_NOTE
    ]
    thread_counts = range(THREAD_COUNT // ROW_COUNT, THREAD_COUNT + 1, THREAD_COUNT // ROW_COUNT)
    return [
        (f"program after {count:,} threads", f"{mib:.1f} MiB")
        for count, mib in zip(thread_counts, memory_mib, strict=True)
    ]


def _measure_tree_kb(pid: int) -> int:
    """Return the resident memory of a process and its descendants, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    process_kb = next(
        int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")
    )
    return process_kb + sum(_measure_tree_kb(int(child)) for child in children)
