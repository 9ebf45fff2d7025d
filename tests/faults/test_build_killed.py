"""A build killed at twenty random moments ends as one that was never killed, bit for bit."""

from __future__ import annotations

import subprocess
import time
from random import Random

import pytest

from core.corpus import Corpus, list_corpora
from core.pipeline.build import BuildOptions, ClipFormat, EncoderChoice, build_corpus
from core.pipeline.check import check_corpus
from core.pipeline.render_executor import LocalExecutor
from core.workspace import PROJECT_FOLDER
from tests.faults.conftest import AUDIO, CODE, Nursery, content, dice, kill, whole

KILLS = 20
TEMPLATES = ["02_1_beeps", "02_3_synths", "03_1_samples"]
ARGUMENTS = (
    BuildOptions(TEMPLATES),
    EncoderChoice(code_encoder=CODE, audio_encoder=AUDIO),
    ClipFormat(0.5),
)
EXECUTOR = LocalExecutor(2)
LATEST = 3  # events of its progress after which a build is killed, at most
DELAY_S = 0.05  # and then so long, at most: anywhere between two events

TOLD = f"""
import os
from core.pipeline.build import BuildOptions, ClipFormat, EncoderChoice, build_corpus
from core.pipeline.render_executor import LocalExecutor
print(os.getpid(), flush=True)
build_corpus("tiny", *{ARGUMENTS!r}, executor={EXECUTOR!r}, progress=lambda *_: print("event", flush=True))
"""


def disturbed(nursery: Nursery, chance: Random) -> bool:
    """Build until a random moment; whether that was before the end."""
    moment, delay = chance.randint(1, LATEST), chance.uniform(0, DELAY_S)
    with subprocess.Popen(
        [*nursery.command, "python", TOLD], cwd=PROJECT_FOLDER, text=True, stdout=-1
    ) as process:
        child = int(process.stdout.readline())
        for _ in process.stdout:
            moment -= 1
            if moment == 0:
                time.sleep(delay)
                kill(child)
    assert process.returncode in (0, -9)
    return process.returncode == -9


@pytest.mark.fault("SIGKILL of a build at random moments, repeatedly", each=KILLS)
def test_twenty_kills_change_not_a_bit(nursery: Nursery, workspace, tmp_path):
    # Here, with as many threads as there are cores: that must not matter.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "undisturbed"))
        build_corpus("tiny", *ARGUMENTS, executor=EXECUTOR)
        undisturbed = content()
    chance, killed = dice("build"), 0
    while killed < KILLS:
        if disturbed(nursery, chance):
            killed += 1
            if "tiny" in list_corpora():
                whole()
                assert Corpus.open("tiny").count_programs_by_state()["programs"] <= 24
        else:  # it was through: the next kills meet a new one
            assert content() == undisturbed
            (workspace / "corpora").rename(tmp_path / f"through-{killed}")
    build_corpus("tiny", *ARGUMENTS, executor=EXECUTOR)
    assert content() == undisturbed
    assert check_corpus("tiny").ok
    assert not [*(workspace / "corpora" / "tiny" / "audio").glob("*/.partial*")]
