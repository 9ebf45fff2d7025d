"""SIGKILL at random moments: of the job, of a worker, of what plays a program, of the server."""

from __future__ import annotations

import json
import random
import shutil
import socket
import subprocess
import sys
import urllib.request

import pytest

from core import jobs
from core.corpus import Corpus
from core.workspace import PROJECT
from tests.faults.conftest import (
    BUILD,
    MAP,
    NAME,
    TRAIN,
    command_of,
    content,
    descendants,
    done,
    ended,
    kill,
    killed_at,
    sound,
    until,
)

BEFORE = {"build": None, "train": "build", "map": "train"}
SEED = 7


@pytest.mark.parametrize("argv", [BUILD, TRAIN, MAP], ids=lambda argv: argv[0])
def test_the_job_is_killed(undisturbed, workspace, argv):
    stage = argv[0]
    if BEFORE[stage]:
        shutil.copytree(undisturbed.after[BEFORE[stage]], workspace)
    rng = random.Random(f"{SEED} {stage}")
    moments = sorted(rng.randrange(undisturbed.events[stage]) for _ in range(2 if stage == "build" else 1))
    finished = 0
    for moment in moments:
        job = killed_at(argv, moment, rng)
        if job.state == "failed":
            assert "killed" in job.error.message and "Start it again" in job.error.remedy
        if (workspace / "corpora" / NAME / "corpus.sqlite").exists():
            sound()
            counts = Corpus.open(NAME).counts()
            assert counts["ok"] >= finished  # what was finished stays
            finished = counts["ok"]
    if jobs.jobs()[0].state != "done":
        done(argv)
    assert content() == undisturbed.content[stage]


def hosts(job: jobs.Job) -> list[int]:
    """The Ruby hosts of a job: one a worker."""
    return [p for p in descendants(job.pid) if command_of(p).startswith("/usr/bin/ruby")]


def bubbles(job: jobs.Job) -> list[int]:
    found = [(p, command_of(p)) for p in descendants(job.pid)]
    return [p for p, command in found if command.startswith("bwrap") and "host.rb" in command]


def playing(job: jobs.Job) -> list[int]:
    """What a host has forked: the program, or scsynth that plays its score."""
    return [p for host in hosts(job) for p in descendants(host)]


@pytest.mark.parametrize("victim", [bubbles, hosts, playing], ids=("worker", "host", "synthesis"))
def test_what_renders_is_killed(undisturbed, workspace, victim):
    rng = random.Random(f"{SEED} {victim.__name__}")
    job = jobs.start(BUILD, "build", cwd=PROJECT)
    killed = 0
    while killed < 3 and jobs.job(job.id).active:
        found = victim(jobs.job(job.id))
        killed += bool(found) and kill(rng.choice(found))
    assert killed, "nothing was there to be killed"
    job = ended(job)
    sound()
    assert job.state == "done", job.error
    if Corpus.open(NAME).counts()["failed"]:
        assert set(Corpus.open(NAME).failures()) == {"crashed"}
        done(BUILD)
    assert content() == undisturbed.content["build"]


def test_the_server_is_killed_and_its_job_goes_on(undisturbed, workspace):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    starter = (
        "import sys, json, runpy\nfrom core import jobs\n"
        "jobs.start(json.loads(sys.argv.pop(1)), 'build')\n"
        "runpy.run_module('streamlit', run_name='__main__', alter_sys=True)"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", starter, json.dumps(BUILD), "run", "app.py",
         "--server.port", str(port)],
        cwd=PROJECT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def answers():
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
        except OSError:
            return None

    try:
        until(answers, "the server")
        assert kill(server.pid)
    finally:
        server.kill()
        server.wait()
    (job,) = jobs.jobs()
    assert ended(job).state == "done"
    assert content() == undisturbed.content["build"]
