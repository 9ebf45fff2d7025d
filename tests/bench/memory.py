"""Whether a worker's memory stays flat over many renders."""

from __future__ import annotations

from pathlib import Path

from core.sonicpi.worker import RenderWorker

RENDERS = 10_000
ROWS = 10


def run(variants: int = RENDERS) -> list[tuple[str, str]]:
    """Render with one worker; return (renders, resident memory) rows.

    Parameters
    ----------
    variants : int
        How many programs.
    """
    worker = RenderWorker()
    rows = []
    for number in range(1, variants + 1):
        source = f"with_fx(:level) {{ play {number % 100}, release: 0.1; sample :bd_haus }}"
        assert worker.render(source, 0.25).has_clip
        if number % max(variants // ROWS, 1) == 0:
            rows.append(
                (f"after {number} renders", f"{_resident(worker.process.pid) / 1024:.1f} MiB")
            )
    worker.close()
    return rows


def _resident(pid: int) -> int:
    """Return the resident memory of a process and all below it, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return own + sum(_resident(int(child)) for child in children)
