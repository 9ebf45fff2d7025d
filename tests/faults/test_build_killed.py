"""A build killed at twenty random moments ends as one that was never killed, bit for bit."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time

import pytest

from core.corpus import Corpus, list_corpora
from core.stages.build import build
from core.stages.check import check
from core.workspace import PROJECT
from tests.faults.conftest import AUDIO, CODE, content, kill, main_thread_of_torch, sound

SEED, KILLS = 20, 20
TEMPLATES = ["02_1_beeps", "02_3_synths", "03_1_samples"]
OPTIONS = {
    "per_template": 8, "seconds": 0.5, "code_encoder": CODE, "audio_encoder": AUDIO, "workers": 2,
}  # fmt: skip
LATEST = 3  # events of its progress after which a build is killed, at most
DELAY_S = 0.05  # and then so long, at most: anywhere between two events

# Loads the encoders once; each build is a fork of that.
NURSERY = """
import json, os, sys
from core import encoders
from core.stages.build import build

templates, options = json.loads(sys.argv[1])
for modality in ("code_encoder", "audio_encoder"):
    encoders.get(options[modality])
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        print(os.getpid(), flush=True)
        build("tiny", templates, progress=lambda *_: print("event", flush=True), **options)
        os._exit(0)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def nursery(workspace):
    words = json.dumps([TEMPLATES, OPTIONS])
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY, words], cwd=PROJECT, text=True, stdin=-1, stdout=-1
    ) as process:
        yield process
        process.stdin.close()


def disturbed(nursery: subprocess.Popen, rng: random.Random) -> bool:
    """Build until a random moment; whether that was before the end."""
    moment, delay = rng.randint(1, LATEST), rng.uniform(0, DELAY_S)
    print(file=nursery.stdin, flush=True)
    child = int(nursery.stdout.readline())
    for line in nursery.stdout:
        if line.startswith("ended"):
            break
        moment -= 1
        if moment == 0:
            time.sleep(delay)
            kill(child)
    status = int(line.split()[1])
    assert status in (0, -9)
    return status == -9


def test_twenty_kills_change_not_a_bit(nursery, workspace, tmp_path):
    with pytest.MonkeyPatch.context() as patch, main_thread_of_torch():
        patch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "undisturbed"))
        build("tiny", TEMPLATES, **OPTIONS)
        undisturbed = content()
    rng = random.Random(SEED)
    killed = 0
    while killed < KILLS:
        if disturbed(nursery, rng):
            killed += 1
            if "tiny" in list_corpora():
                sound()
                assert Corpus.open("tiny").counts()["programs"] <= 24
        else:  # it was through: the next kills meet a new one
            assert content() == undisturbed
            (workspace / "corpora").rename(tmp_path / f"through-{killed}")
    with main_thread_of_torch():
        build("tiny", TEMPLATES, **OPTIONS)
    assert content() == undisturbed
    assert check("tiny").ok
    assert not [*(workspace / "corpora" / "tiny" / "audio").glob("*/.partial*")]
