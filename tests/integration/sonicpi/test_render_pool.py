"""The worker pool survives dead workers, consumers that stop, and invalid sources."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from core.sonicpi import RenderProblem, render_programs_in_parallel
from core.sonicpi.render_pool import find_source_code_problem
from core.sonicpi.render_worker import RenderWorker


def list_sandbox_pids() -> set[int]:
    """Return the ids of this process's children that are sandboxes."""
    pids = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8") as stat:
                    name, _, rest = stat.read().partition(") ")
            except OSError:
                continue
            if int(rest.split()[1]) == os.getpid() and "(bwrap" in name and rest[0] != "Z":
                pids.add(int(entry))
    return pids


def test_a_killed_worker_is_replaced_and_its_program_rendered_again():
    before = list_sandbox_pids()
    programs = [f"play {60 + n % 12}, release: 0.2" for n in range(30)]
    results = {}
    for index, result in render_programs_in_parallel(programs, 1.0, workers=1):
        results[index] = result
        if len(results) in (5, 15):
            for pid in list_sandbox_pids() - before:
                os.kill(pid, signal.SIGKILL)
    assert sorted(results) == list(range(30))
    assert all(result.has_clip for result in results.values())


def test_closing_the_generator_ends_its_workers():
    before = list_sandbox_pids()
    endless_sources = ("play 60" for _ in iter(int, 1))
    results = render_programs_in_parallel(endless_sources, 1.0)
    next(results)
    assert list_sandbox_pids() - before
    results.close()
    # The inner process of a sandbox ends shortly after the outer one.
    for _ in range(100):
        if not list_sandbox_pids() - before:
            break
        time.sleep(0.1)
    assert not list_sandbox_pids() - before


def test_a_process_of_low_priority_renders():
    script = "from core.sonicpi import render; print(render('play 60', 0.5).seconds)"
    process = subprocess.run(
        ["nice", "-n", "19", sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.stdout.strip() == "0.5", process.stderr


def test_no_programs_give_no_results():
    assert list(render_programs_in_parallel([], 1.0)) == []


def test_an_error_of_the_iterator_of_sources_reaches_the_caller():
    def yield_sources():
        yield "play 60"
        raise LookupError("no more sources")

    with pytest.raises(LookupError, match="no more sources"):
        list(render_programs_in_parallel(yield_sources(), 1.0))


def test_memory_stays_flat_over_many_renders():
    worker = RenderWorker()
    memory_kb = []
    for _ in range(3):
        for n in range(100):
            assert worker.render(f"play {n}, release: 0.1", 0.25).has_clip
        memory_kb.append(_measure_tree_kb(worker.process.pid))
    worker.close()
    # Ruby's heap grows during the first hundred or two renders; after that it must stay flat.
    assert memory_kb[2] < memory_kb[1] * 1.03


def _measure_tree_kb(root_pid: int) -> int:
    """Return the resident memory of a process and its descendants, in KiB."""
    total, pids = 0, [root_pid]
    while pids:
        pid = pids.pop()
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            total += sum(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as children:
            pids += map(int, children.read().split())
    return total


@pytest.mark.parametrize(
    ("source", "kind"),
    [("", "silent"), (" \n", "silent"), ("play 60\0", "syntax"), ("x" * (2 << 20), "forbidden")],
)
def test_invalid_sources_are_rejected(source, kind):
    problem = find_source_code_problem(source)
    assert isinstance(problem, RenderProblem) and problem.kind == kind
    assert find_source_code_problem("play 60") is None
