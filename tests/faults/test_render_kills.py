"""A render process that something else kills is not taken for one that was too slow."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from pathlib import Path

import pytest

from core.sonicpi.audio_clip_and_render_result import RenderResult
from core.sonicpi.render_worker import RenderWorker
from tests.faults.job_control import kill, list_descendants, read_command_line

# Running the program takes milliseconds, and its synthesis seconds.
SLOW_SYNTHESIS = "with_fx :reverb do\n  20.times { play 60, sustain: 60 }\nend"
SLOW_PROGRAM = "play 60\nx = 0\nx += 1 while x < 10 ** 8"


# Both slow processes use more processor time than this, and the fast ones less.
BUSY_SECONDS = 0.3


def list_busy_forks(worker_pid: int) -> list[int]:
    """Return the pids of the forks of a worker's Ruby host that have computed for a while."""
    hosts = [
        pid
        for pid in [worker_pid, *list_descendants(worker_pid)]
        if read_command_line(pid).startswith("/usr/bin/ruby")
    ]
    return [pid for pid in list_descendants(hosts[0]) if read_cpu_seconds(pid) > BUSY_SECONDS]


def read_cpu_seconds(pid: int) -> float:
    """Return the processor time of a process; 0 when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


@pytest.mark.fault("SIGKILL of each process of one render by something else")
@pytest.mark.parametrize(
    ("source", "message"),
    [
        (SLOW_SYNTHESIS, "The synthesis was killed by another process or by the system."),
        (SLOW_PROGRAM, "The program was killed by another process or by the system."),
    ],
    ids=["synthesis", "program"],
)
def test_a_killed_render_says_that_it_was_killed(source: str, message: str) -> None:
    results: list[RenderResult] = []
    with closing(RenderWorker()) as worker:
        render = threading.Thread(target=lambda: results.append(worker.render(source, 60)))
        render.start()
        while render.is_alive():
            for pid in list_busy_forks(worker.process.pid):
                kill(pid)
            render.join(0.02)
    assert results[0].error is not None
    assert results[0].error.kind == "crashed"
    assert results[0].error.message == message
