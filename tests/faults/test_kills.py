"""SIGKILL at random moments: of the job, of a worker, of what plays a program, of the server."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import urllib.request

import pytest

from core import jobs
from core.corpus import Corpus
from core.jobs import processes
from core.workspace import PROJECT_FOLDER
from tests.faults.conftest import (
    BUILD,
    NAME,
    STAGES,
    command,
    command_of,
    content,
    descendants,
    dice,
    ended,
    finished,
    kill,
    same,
    until,
    whole,
)

TIMES = 3


@pytest.mark.fault("SIGKILL of the job at random moments of each stage", each=TIMES)
@pytest.mark.parametrize("stage", STAGES)
def test_the_job_is_killed(nursery, undisturbed, workspace, stage):
    shutil.copytree(undisturbed.before(stage), workspace)
    argv, chance = command(stage, workspace), dice("job", stage)
    had, killed = finished(), 0
    for _ in range(TIMES):
        moment = chance.randrange(max(1, undisturbed.moments[stage] * 2 // 3))
        job = ended(nursery.start(argv, f"killed {moment}"))
        whole()
        assert had <= finished()
        had = finished()
        if job.state == "done":  # too little was left of it
            break
        killed += 1
        assert "killed" in job.error.message and "Start it again" in job.error.remedy
        until(lambda job=job: not processes.find_job_pids(job.folder), "the end of its children")
    assert killed
    if job.state != "done":
        assert ended(jobs.restart_job(job.id, command_prefix=nursery.command)).state == "done"
    same(stage, undisturbed, workspace)


def bubbles(job: jobs.Job) -> list[int]:
    """The sandboxes of a job: one a worker."""
    found = [(p, command_of(p)) for p in descendants(job.pid)]
    return [p for p, command in found if command.startswith("bwrap") and "host.rb" in command]


def hosts(job: jobs.Job) -> list[int]:
    """The Ruby hosts of a job, which fork a process for each program and for its synthesis."""
    found = [p for bubble in bubbles(job) for p in descendants(bubble)]
    return [p for p in found if command_of(p).startswith("/usr/bin/ruby")]


def playing(job: jobs.Job) -> list[int]:
    """What a host has forked: the program, or scsynth that plays its score."""
    return [p for host in hosts(job) for p in descendants(host)]


VICTIMS = {"a worker's sandbox": bubbles, "the Ruby host": hosts, "program or scsynth": playing}


@pytest.mark.fault(
    "SIGKILL of a render worker, the Ruby host or scsynth at random moments", each=TIMES
)
@pytest.mark.parametrize("victim", VICTIMS)
def test_what_renders_is_killed(nursery, undisturbed, workspace, victim):
    chance, killed = dice(victim), 0
    while killed < TIMES:
        if jobs.list_jobs():
            shutil.rmtree(workspace)
        shutil.copytree(undisturbed.before("build"), workspace)
        job = nursery.start(BUILD)
        while killed < TIMES and jobs.get_job(job.id).is_active:
            found = VICTIMS[victim](jobs.get_job(job.id))
            killed += bool(found) and kill(chance.choice(found))
        job = ended(job)
        whole()
        if job.state == "failed":  # killed again before it was up
            assert "ended 2 times while it started" in job.error.message, job.error
        else:
            assert set(Corpus.open(NAME).count_failures_by_kind()) <= {"crashed"}
        assert ended(nursery.start(BUILD)).state == "done"
        same("build", undisturbed, workspace)


@pytest.mark.fault("Cancelling a build while sandboxes, hosts and scsynth run")
def test_a_cancelled_build_leaves_nothing_running(nursery, undisturbed, workspace):
    job = None
    while job is None or job.state == "done":  # it was through before it was cancelled
        shutil.rmtree(workspace, ignore_errors=True)
        shutil.copytree(undisturbed.before("build"), workspace)
        started = nursery.start(BUILD)
        until(lambda: hosts(jobs.get_job(started.id)) or not jobs.get_job(started.id).is_active)
        inside = descendants(jobs.get_job(started.id).pid)
        job = jobs.get_job(started.id).cancel(request_grace_s=0)
    assert job.state == "cancelled" and job.error is None
    until(
        lambda: not [p for p in inside if processes.read_process_start(p) is not None], "their end"
    )
    whole()
    assert ended(jobs.restart_job(job.id, command_prefix=nursery.command)).state == "done"
    same("build", undisturbed, workspace)


@pytest.mark.fault("SIGKILL of a sweep worker")
def test_a_worker_of_a_sweep_is_killed(nursery, undisturbed, workspace):
    shutil.copytree(undisturbed.before("sweep"), workspace)
    argv = command("sweep", workspace)
    job = nursery.start(argv)

    def worker() -> int | None:
        now = jobs.get_job(job.id)
        spawned = [p for p in descendants(now.pid) if "spawn_main" in command_of(p)]
        ran = list(workspace.glob("corpora/*/sweeps/*/run-*.json"))
        return spawned[0] if spawned and ran else None

    kill(until(worker, "a worker"))
    job = ended(job)
    assert job.state == "failed" and "Start it again" in job.error.remedy, job
    assert any(kind == "run" for kind, *_ in finished())
    assert ended(nursery.start(argv)).state == "done"
    same("sweep", undisturbed, workspace)


# The server starts a job as a page does, and serves until it is killed.
SERVER = """
import sys, json, runpy
from core import jobs
jobs.start(json.loads(sys.argv.pop(1)), "build")
runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
"""


@pytest.mark.fault("SIGKILL of the server while its job runs")
def test_the_server_is_killed_and_its_job_goes_on(undisturbed, workspace):
    shutil.copytree(undisturbed.before("build"), workspace)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            sys.executable,
            "-c",
            SERVER,
            json.dumps(BUILD),
            "run",
            "server.py",
            "--server.port",
            str(port),
        ],
        cwd=PROJECT_FOLDER,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def answers():
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
        except OSError:
            return None

    try:
        until(answers, "the server").close()
        assert kill(server.pid)
    finally:
        server.kill()
        server.wait()
    (job,) = jobs.list_jobs()
    assert ended(job).state == "done"
    assert content() == undisturbed.content["build"]
