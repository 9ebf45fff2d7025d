"""Benchmark: memory of a render worker over many renders."""

from __future__ import annotations

from pathlib import Path

from core.sonicpi.render_worker import RenderWorker

DEFAULT_RENDER_COUNT = 10_000
ROW_COUNT = 10


def run(variants: int = DEFAULT_RENDER_COUNT) -> list[tuple[str, str]]:
    """Render with one worker; return rows of (number of renders, resident memory).

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
    worker.close()
    return rows


def _measure_tree_kb(pid: int) -> int:
    """Return the resident memory of a process and its descendants, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    process_kb = next(
        int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")
    )
    return process_kb + sum(_measure_tree_kb(int(child)) for child in children)
