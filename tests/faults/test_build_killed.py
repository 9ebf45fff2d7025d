"""A build that is killed at twenty random moments has the same result, bit for bit."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from random import Random

import pytest

from core.corpus import Corpus, list_corpora
from core.pipeline.corpus_check_and_repair import verify_corpus
from core.pipeline.executors import LocalExecutor
from core.pipeline.generate_render_and_embed_corpus import (
    BuildOptions,
    ClipFormat,
    EncoderChoice,
    build_corpus,
)
from tests.faults.corpus_state import assert_intact, digest_corpus
from tests.faults.fork_server_client import ForkServer
from tests.faults.job_control import kill, make_rng
from tests.faults.stages import AUDIO_ENCODER, CODE_ENCODER, CORPUS_NAME

KILL_COUNT = 20
TEMPLATES = ["02_1_beeps", "02_3_synths", "03_1_samples"]
PROGRAM_COUNT = 24
BUILD_ARGUMENTS = (
    BuildOptions(TEMPLATES),
    EncoderChoice(code_encoder=CODE_ENCODER, audio_encoder=AUDIO_ENCODER),
    ClipFormat(0.5),
)
EXECUTOR = LocalExecutor(2)
# A build is killed after a random number of its progress events, and a random delay. Together
# they reach any moment between two events.
MAX_EVENTS = 3
MAX_DELAY_S = 0.05

BUILD_CODE = f"""
import os
from core.corpus import clip_file_writing
from core.pipeline.generate_and_add_missing_programs import BuildOptions
from core.pipeline.generate_render_and_embed_corpus import ClipFormat, EncoderChoice, build_corpus
from core.pipeline.executors import LocalExecutor
# Two workers store two clips at a time, which are otherwise too few for one group.
clip_file_writing.MIN_FILES_OF_GROUP_WRITE = 1
print(os.getpid(), flush=True)
build_corpus(
    {CORPUS_NAME!r},
    *{BUILD_ARGUMENTS!r},
    executor={EXECUTOR!r},
    progress=lambda *_: print("event", flush=True),
)
"""


def build_and_kill(fork_server: ForkServer, rng: Random) -> bool:
    """Build until a random moment; return False when the build ended before it."""
    remaining_events, delay = rng.randint(1, MAX_EVENTS), rng.uniform(0, MAX_DELAY_S)
    with fork_server.open_process(BUILD_CODE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        for _ in process.stdout:
            remaining_events -= 1
            if remaining_events == 0:
                time.sleep(delay)
                kill(pid)
    assert process.returncode in (0, -9)
    return process.returncode == -9


@pytest.mark.fault("SIGKILL of a build at random moments, repeatedly", each=KILL_COUNT)
def test_a_build_killed_twenty_times_has_the_same_result(
    fork_server: ForkServer, workspace: Path, tmp_path: Path
) -> None:
    # The reference runs in this process with one thread per core, which must not matter either.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "reference"))
        build_corpus(CORPUS_NAME, *BUILD_ARGUMENTS, executor=EXECUTOR)
        expected = digest_corpus()
    rng, killed = make_rng("build"), 0
    while killed < KILL_COUNT:
        if build_and_kill(fork_server, rng):
            killed += 1
            if CORPUS_NAME in list_corpora():
                assert_intact()
                counts = Corpus.open(CORPUS_NAME).count_programs_by_state()
                assert counts["programs"] <= PROGRAM_COUNT
        else:  # The build ended, so the next kills need a new one.
            assert digest_corpus() == expected
            (workspace / "corpora").rename(tmp_path / f"completed-{killed}")
    build_corpus(CORPUS_NAME, *BUILD_ARGUMENTS, executor=EXECUTOR)
    assert digest_corpus() == expected
    assert verify_corpus(CORPUS_NAME).has_no_faults
    assert not [*(workspace / "corpora" / CORPUS_NAME / "audio").glob("*/.partial*")]
