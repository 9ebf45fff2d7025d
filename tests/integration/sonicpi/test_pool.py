"""The pool goes on: workers that die, consumers that stop, programs that cannot be any."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from core.sonicpi import RenderProblem, render_many
from core.sonicpi.pool import validate_source
from core.sonicpi.worker import RenderWorker


def hosts() -> set[int]:
    """Return the ids of this process's children that are sandboxes."""
    children = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8") as stat:
                    name, _, rest = stat.read().partition(") ")
            except OSError:
                continue
            if int(rest.split()[1]) == os.getpid() and "(bwrap" in name and rest[0] != "Z":
                children.add(int(entry))
    return children


def test_a_killed_worker_is_replaced_and_its_program_tried_again():
    before = hosts()
    programs = [f"play {60 + n % 12}, release: 0.2" for n in range(30)]
    results = {}
    for index, rendering in render_many(programs, 1.0, workers=1):
        results[index] = rendering
        if len(results) in (5, 15):
            for pid in hosts() - before:
                os.kill(pid, signal.SIGKILL)
    assert sorted(results) == list(range(30))
    assert all(rendering.ok for rendering in results.values())


def test_closing_the_generator_ends_its_workers():
    before = hosts()
    results = render_many(("play 60" for _ in iter(int, 1)), 1.0)  # a source without end
    next(results)
    assert hosts() - before
    results.close()
    # The sandbox's inner half goes a moment after its outer one.
    for _ in range(100):
        if not hosts() - before:
            break
        time.sleep(0.1)
    assert not hosts() - before


def test_a_process_of_low_priority_renders():
    script = "from core.sonicpi import render; print(render('play 60', 0.5).seconds)"
    done = subprocess.run(
        ["nice", "-n", "19", sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.strip() == "0.5", done.stderr


def test_no_program_needs_no_result():
    assert list(render_many([], 1.0)) == []


def test_an_error_in_the_source_of_programs_reaches_the_caller():
    def programs():
        yield "play 60"
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        list(render_many(programs(), 1.0))


def test_memory_stays_flat_over_many_renders():
    worker = RenderWorker()
    used = []
    for _ in range(3):
        for n in range(100):
            assert worker.render(f"play {n}, release: 0.1", 0.25).has_clip
        used.append(_tree_kb(worker.process.pid))
    worker.close()
    # Ruby's heap settles during the first hundred or two; after that nothing is kept.
    assert used[2] < used[1] * 1.03


def _tree_kb(pid: int) -> int:
    """Return the resident memory of a process and all below it, in KiB."""
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        with open(f"/proc/{one}/status", encoding="utf-8") as status:
            total += sum(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        with open(f"/proc/{one}/task/{one}/children", encoding="utf-8") as children:
            todo += map(int, children.read().split())
    return total


@pytest.mark.parametrize(
    ("source", "kind"),
    [("", "silent"), (" \n", "silent"), ("play 60\0", "syntax"), ("x" * (2 << 20), "forbidden")],
)
def test_what_cannot_be_a_program_is_refused(source, kind):
    problem = validate_source(source)
    assert isinstance(problem, RenderProblem) and problem.kind == kind
    assert validate_source("play 60") is None
