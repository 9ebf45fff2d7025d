"""SIGKILL at random moments: of the job that makes the map."""

from __future__ import annotations

import random
import shutil

import pytest

from core import jobs
from core.corpus import Corpus
from tests.faults.conftest import (
    MAP,
    NAME,
    content,
    done,
    killed_at,
    sound,
)

BEFORE = {"map": "train"}
SEED = 7
# A job is killed after an event of a random number below this: it reports that many at least.
EVENTS = {"map": 1}


@pytest.mark.parametrize("argv", [MAP], ids=lambda argv: argv[0])
def test_the_job_is_killed(undisturbed, workspace, argv):
    stage = argv[0]
    shutil.copytree(undisturbed.after[BEFORE[stage]], workspace)
    rng = random.Random(f"{SEED} {stage}")
    moments = sorted(rng.randrange(EVENTS[stage]) for _ in range(1))
    finished = killed = 0
    for moment in moments:
        job = killed_at(argv, moment, rng)
        if job.state == "failed":
            killed += 1
            assert "killed" in job.error.message and "Start it again" in job.error.remedy
        if (workspace / "corpora" / NAME / "corpus.sqlite").exists():
            sound()
            counts = Corpus.open(NAME).counts()
            assert counts["ok"] >= finished  # what was finished stays
            finished = counts["ok"]
    assert killed, "it was through before it could be killed"
    if jobs.jobs()[0].state != "done":
        done(argv)
    assert content() == undisturbed.content[stage]
