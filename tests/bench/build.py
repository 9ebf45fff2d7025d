"""How long a build takes as it grows: a tenth of the paper's corpus beside the whole of it.

Each corpus is built with the offline encoders into the folder `bench` of the workspace: seconds
by the clock, processor seconds a program, and peak memory of all its processes. Stopped, it
goes on where it was, but then its times are of what was left.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from core import workspace
from core.programs import templates

PAPERS = 500  # variants of each template


def run(variants: int = PAPERS) -> list[tuple[str, str]]:
    """Measure; return (what, value) rows.

    Parameters
    ----------
    variants : int
        Programs of each template in the larger corpus; the smaller has a tenth.
    """
    rows, paces = [], []
    for per_template in (max(1, variants // 10), variants):
        programs = per_template * len(templates())
        wall, cpu, peak = _build(per_template)
        paces.append(wall / programs)
        rows += [
            (f"{programs:,} programs", f"{wall / 60:.1f} min"),
            ("    processor seconds a program", f"{cpu / programs:.2f}"),
            ("    peak memory of all processes", f"{peak / 1e9:.2f} GB"),
        ]
    return [*rows, ("seconds a program, larger to smaller", f"{paces[1] / paces[0]:.2f}")]


def _build(per_template: int) -> tuple[float, float, int]:
    """Build in a process of its own: seconds, processor seconds, bytes."""
    name = f"bench-{per_template}"
    argv = [sys.executable, "-m", "core", "build", name, "--preset", "offline"]
    argv += ["--per-template", str(per_template)]
    place = {**os.environ, "EARSHOT_WORKSPACE": str(workspace.root() / "bench")}
    before, start = os.times(), time.perf_counter()
    with subprocess.Popen(argv, env=place, cwd=workspace.PROJECT) as process:
        peaks = [0]
        ended = threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, peaks, ended))
        watch.start()
        status = process.wait()
        ended.set()
        watch.join()
    wall, after = time.perf_counter() - start, os.times()
    if status:
        raise SystemExit(status)
    used = after.children_user + after.children_system
    return wall, used - before.children_user - before.children_system, peaks[0]


def _watch(pid: int, peaks: list[int], ended: threading.Event) -> None:
    while not ended.wait(1):
        peaks[0] = max(peaks[0], sum(_memory(each) for each in _family(pid)))


def _family(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        for listed in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += map(int, listed.read_text().split())
            except OSError:  # a process that has ended since
                pass
    return found


def _memory(pid: int) -> int:
    """What a process holds, pages shared with others counted by share."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss: +(\d+)", text, re.M)[1]) * 1024
    except (OSError, TypeError):
        return 0
