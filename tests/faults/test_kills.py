"""SIGKILL at random moments: of a job, a render worker, a sweep worker and the server."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import urllib.request
from http.client import HTTPResponse
from pathlib import Path

import pytest

from core import jobs
from core.corpus import Corpus
from core.jobs import process_liveness_and_killing
from core.workspace import PROJECT_FOLDER
from tests.faults.conftest import ReferenceRun
from tests.faults.corpus_state import assert_intact, digest_corpus, list_finished_work
from tests.faults.fork_server_client import ForkServer
from tests.faults.job_control import (
    kill,
    list_descendants,
    make_rng,
    read_command_line,
    wait_for_job,
    wait_until,
)
from tests.faults.stages import BUILD, CORPUS_NAME, STAGES, build_stage_command

KILL_COUNT = 3


@pytest.mark.fault("SIGKILL of the job at random moments of each stage", each=KILL_COUNT)
@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_job_loses_nothing_and_is_resumed(
    fork_server: ForkServer, reference_run: ReferenceRun, workspace: Path, stage: str
) -> None:
    shutil.copytree(reference_run.get_workspace_before(stage), workspace)
    argv, rng = build_stage_command(stage, workspace), make_rng("job", stage)
    max_change = max(1, reference_run.change_counts[stage] * 2 // 3)
    finished_work, killed = list_finished_work(), 0
    for _ in range(KILL_COUNT):
        job = wait_for_job(fork_server.start_job(argv, f"kill {rng.randrange(max_change)}"))
        assert_intact()
        assert finished_work <= list_finished_work()
        finished_work = list_finished_work()
        if job.state == "done":  # It had too little left to do.
            break
        killed += 1
        assert job.error is not None and job.error.remedy is not None
        assert "killed" in job.error.message and "Start it again" in job.error.remedy
        wait_until(
            lambda folder=job.folder: not process_liveness_and_killing.find_job_pids(folder),
            "the end of the job's processes",
        )
    assert killed
    if job.state != "done":
        resumed = jobs.restart_job(job.id, command_prefix=fork_server.command_prefix)
        assert wait_for_job(resumed).state == "done"
    reference_run.assert_same_result(stage, workspace)


def list_sandboxes(job: jobs.Job) -> list[int]:
    """Return the pids of a job's sandboxes: one per render worker."""
    command_lines = {pid: read_command_line(pid) for pid in list_descendants(job.pid)}
    return [
        pid
        for pid, command_line in command_lines.items()
        if command_line.startswith("bwrap") and "host.rb" in command_line
    ]


def list_hosts(job: jobs.Job) -> list[int]:
    """Return the pids of a job's Ruby hosts, which fork for each program and its synthesis."""
    pids = [pid for sandbox in list_sandboxes(job) for pid in list_descendants(sandbox)]
    return [pid for pid in pids if read_command_line(pid).startswith("/usr/bin/ruby")]


def list_programs(job: jobs.Job) -> list[int]:
    """Return the pids of the hosts' forks: running programs, and scsynth."""
    return [pid for host in list_hosts(job) for pid in list_descendants(host)]


LIST_VICTIMS = {
    "sandbox": list_sandboxes,
    "Ruby host": list_hosts,
    "program or scsynth": list_programs,
}


@pytest.mark.fault(
    "SIGKILL of a render worker, the Ruby host or scsynth at random moments", each=KILL_COUNT
)
@pytest.mark.parametrize("victim", LIST_VICTIMS)
def test_a_killed_render_process_does_not_change_the_result(
    fork_server: ForkServer, reference_run: ReferenceRun, workspace: Path, victim: str
) -> None:
    rng, killed = make_rng(victim), 0
    while killed < KILL_COUNT:
        if jobs.list_jobs():
            shutil.rmtree(workspace)
        shutil.copytree(reference_run.get_workspace_before("build"), workspace)
        job = fork_server.start_job(BUILD)
        while killed < KILL_COUNT and jobs.get_job(job.id).is_active:
            pids = LIST_VICTIMS[victim](jobs.get_job(job.id))
            killed += bool(pids) and kill(rng.choice(pids))
        job = wait_for_job(job)
        assert_intact()
        if job.state == "failed":  # The worker was killed again while it started.
            assert job.error is not None
            assert "ended 2 times while it started" in job.error.message, job.error
        else:
            assert set(Corpus.open(CORPUS_NAME).count_failures_by_kind()) <= {"crashed"}
        assert wait_for_job(fork_server.start_job(BUILD)).state == "done"
        reference_run.assert_same_result("build", workspace)


@pytest.mark.fault("Cancelling a build while sandboxes, hosts and scsynth run")
def test_a_cancelled_build_leaves_no_process_running(
    fork_server: ForkServer, reference_run: ReferenceRun, workspace: Path
) -> None:
    job = None
    while job is None or job.state == "done":  # It ended before it was cancelled.
        shutil.rmtree(workspace, ignore_errors=True)
        shutil.copytree(reference_run.get_workspace_before("build"), workspace)
        started = fork_server.start_job(BUILD)
        wait_until(
            lambda job_id=started.id: (
                list_hosts(jobs.get_job(job_id)) or not jobs.get_job(job_id).is_active
            ),
            "a Ruby host",
        )
        pids = list_descendants(jobs.get_job(started.id).pid)
        job = jobs.get_job(started.id).cancel(request_grace_s=0)
    assert job.state == "cancelled" and job.error is None
    wait_until(
        lambda: (
            not [
                pid
                for pid in pids
                if process_liveness_and_killing.read_process_start_ticks(pid) is not None
            ]
        ),
        "the end of the job's processes",
    )
    assert_intact()
    resumed = jobs.restart_job(job.id, command_prefix=fork_server.command_prefix)
    assert wait_for_job(resumed).state == "done"
    reference_run.assert_same_result("build", workspace)


@pytest.mark.fault("SIGKILL of a sweep worker")
def test_a_sweep_whose_worker_was_killed_is_resumed(
    fork_server: ForkServer, reference_run: ReferenceRun, workspace: Path
) -> None:
    shutil.copytree(reference_run.get_workspace_before("sweep"), workspace)
    argv = build_stage_command("sweep", workspace)
    job = fork_server.start_job(argv)

    def find_worker_after_first_run() -> int | None:
        pids = list_descendants(jobs.get_job(job.id).pid)
        workers = [pid for pid in pids if "spawn_main" in read_command_line(pid)]
        has_run = any(workspace.glob("corpora/*/sweeps/*/run-*.json"))
        return workers[0] if workers and has_run else None

    kill(wait_until(find_worker_after_first_run, "a worker"))
    job = wait_for_job(job)
    assert job.state == "failed" and job.error is not None, job
    assert job.error.remedy is not None and "Start it again" in job.error.remedy, job
    assert any(kind == "run" for kind, _ in list_finished_work())
    assert wait_for_job(fork_server.start_job(argv)).state == "done"
    reference_run.assert_same_result("sweep", workspace)


# The server starts a job as a page does, then serves until it is killed.
SERVER_CODE = """
import json, runpy, sys
from core import jobs
jobs.start_job(json.loads(sys.argv.pop(1)), "build")
runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
"""


@pytest.mark.fault("SIGKILL of the server while its job runs")
def test_a_job_survives_the_server_that_started_it(
    reference_run: ReferenceRun, workspace: Path
) -> None:
    shutil.copytree(reference_run.get_workspace_before("build"), workspace)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    streamlit_arguments = ["run", "server.py", "--server.port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER_CODE, json.dumps(BUILD), *streamlit_arguments],
        cwd=PROJECT_FOLDER,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def request_health() -> HTTPResponse | None:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
        except OSError:
            return None

    try:
        wait_until(request_health, "the server").close()
        assert kill(server.pid)
    finally:
        server.kill()
        server.wait()
    (job,) = jobs.list_jobs()
    assert wait_for_job(job).state == "done"
    assert digest_corpus() == reference_run.digests["build"]
