"""Faults of the machine: a full disk, a folder that can't be written, damage, clocks, memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from core import jobs
from core.corpus import Corpus
from core.encoders import entry
from core.errors import EarshotError
from core.workspace import PROJECT
from tests.faults.conftest import AUDIO, BUILD, CODE, NAME, content, done, ended, python, sound

BUILT = "import sys; from core.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def built(undisturbed, workspace) -> Corpus:
    shutil.copytree(undisturbed.after["build"], workspace)
    return Corpus.open(NAME)


def small_disk(folder: Path, size: int) -> list[str]:
    """What runs a command with a disk of so many bytes at `folder`, gone when it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["bwrap", "--dev-bind", "/", "/", "--size", str(size), "--tmpfs", str(folder)]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        inner = f'mount -t tmpfs -o size={size} tmpfs "$0" && exec "$@"'
        command = ["unshare", "-rm", "sh", "-c", inner, str(folder)]
    assert subprocess.run([*command, "true"], capture_output=True).returncode == 0
    return command


FULL = """
import os, shutil, subprocess, sys
first = subprocess.run([sys.executable, "-m", "core", *sys.argv[3:]], capture_output=True, text=True)
print(first.returncode, first.stderr)
subprocess.run(["mv", sys.argv[1] + "/corpora", sys.argv[2]], check=True)
"""


def test_a_full_disk(undisturbed, workspace, tmp_path):
    saved = tmp_path / "saved"
    saved.mkdir()
    run = subprocess.run(
        [*small_disk(workspace, 1_100_000), sys.executable, "-c", FULL, str(workspace), str(saved),
         *BUILD],
        cwd=PROJECT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0 and run.stdout.startswith("1 "), run.stdout + run.stderr
    assert "disk" in run.stdout and "Traceback" not in run.stdout
    shutil.copytree(saved, workspace, dirs_exist_ok=True)
    sound()
    assert 0 < Corpus.open(NAME).counts()["programs"]
    done(BUILD)
    assert content() == undisturbed.content["build"]


def test_a_workspace_that_can_only_be_read(built, undisturbed, workspace):
    mounted = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(workspace), str(workspace)]
    read = "from core.corpus import Corpus; print(len(Corpus.open('tiny').programs()))"
    built.close()
    run = subprocess.run(
        [*mounted, sys.executable, "-c", read], cwd=PROJECT, capture_output=True, text=True
    )
    assert run.stdout == "18\n", run.stderr
    for argv in (BUILD, ["train", NAME]):
        run = subprocess.run(
            [*mounted, sys.executable, "-m", "core", *argv],
            cwd=PROJECT, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert run.returncode == 1 and "can't be written" in run.stderr, run.stderr
        assert "Traceback" not in run.stderr
    assert content() == undisturbed.content["build"]


def test_a_damaged_page_of_the_database(built, undisturbed):
    built.close()
    path = built.path / "corpus.sqlite"
    damaged = bytearray(path.read_bytes())
    for start in range(16_384, len(damaged), 16_384):
        damaged[start : start + 64] = b"\xa5" * 64
    path.write_bytes(damaged)
    run = python(BUILT, *BUILD)
    assert run.returncode == 1 and "damaged" in run.stderr and "build the corpus again" in run.stderr
    path.unlink()
    done(BUILD)
    assert content() == undisturbed.content["build"]


def test_a_truncated_and_a_half_written_clip(built, undisturbed):
    clip, other = (Path(p) for p in built.programs()["audio"][:2])
    clip.write_bytes(clip.read_bytes()[:1000])
    other.unlink()
    (other.parent / ".partial-abc").write_bytes(b"fLaC half of it")
    done(BUILD)
    assert not list(built.path.rglob(".partial-*"))
    sound()
    assert content() == undisturbed.content["build"]


BACKWARDS = """
import sys, time, itertools
real, count = time.time, itertools.count()
time.time = lambda: real() - 3600 * (next(count) % 5)
from core.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_clock_that_goes_backwards(undisturbed):
    job = jobs.start(BUILD, "backwards", command=[sys.executable, "-c", BACKWARDS], cwd=PROJECT)
    job = ended(job)
    assert job.state == "done", job.error
    assert 0 < job.seconds < 120
    assert content() == undisturbed.content["build"]


def test_two_processes_build_the_same_corpus(undisturbed, workspace):
    # Not through the queue, which would let one wait: right at the corpus itself.
    direct = (
        "import sys; from core.errors import EarshotError; from core.stages.build import build\n"
        "try: build('tiny', ['02_1_beeps', '02_3_synths', '03_1_samples'], 6, seconds=1.0,"
        f" code_encoder={CODE!r}, audio_encoder={AUDIO!r}, workers=1)\n"
        "except EarshotError as error: sys.exit(f'refused: {error}')"
    )
    pair = [
        subprocess.Popen([sys.executable, "-c", direct], cwd=PROJECT, stderr=-1, text=True)
        for _ in range(2)
    ]
    ends = [(each.communicate(timeout=120)[1], each.returncode) for each in pair]
    assert 0 in [status for _, status in ends], ends
    for said, status in ends:
        assert status == 0 or "is being written by process" in said
    assert content() == undisturbed.content["build"]


def test_two_tabs_press_the_same_button_at_the_same_moment(workspace, monkeypatch):
    from streamlit.testing.v1 import AppTest

    monkeypatch.setenv("EARSHOT_STARTER_TEMPLATES", "02_1_beeps")
    monkeypatch.setenv("EARSHOT_STARTER_PER_TEMPLATE", "1")
    tabs = [AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120).run() for _ in "12"]
    gate = threading.Barrier(2)

    def press(tab):
        button = next(each for each in tab.button if each.label == "Build the starter corpus")
        gate.wait()
        button.click().run()

    threads = [threading.Thread(target=press, args=(tab,)) for tab in tabs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jobs.jobs()) == 1 and not any(tab.exception for tab in tabs)


@pytest.mark.parametrize("kind", ["not a number", "wrong dimension"])
def test_ten_thousand_rows_that_are_wrong(built, undisturbed, kind):
    ids = (list(built.programs()["program"]) * 600)[:10_000]
    dim = entry(AUDIO).dim
    rows = np.zeros((10_000, dim + (kind == "wrong dimension")), np.float32)
    if kind == "not a number":
        rows[::7] = np.nan
    with pytest.raises(EarshotError, match="not finite|given twice|dimensions"):
        built.put_embeddings(AUDIO, entry(AUDIO).revision, ids, rows)
    assert content() == undisturbed.content["build"]


FAILS_ONCE = """
import sys
import numpy as np
from core import encoders
real = encoders.get
def get(name):
    encoder = real(name)
    if name == "log-mel":
        embed, seen = encoder.embed, []
        def broken(items):
            seen.append(1)
            out = embed(items)
            return out * np.nan if len(seen) == 4 else out
        encoder.embed = broken
    return encoder
encoders.get = get
from core.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_an_encoder_that_fails_on_one_item(undisturbed):
    run = python(FAILS_ONCE, *BUILD)
    assert run.returncode == 0, run.stderr
    assert content()["rows"] == undisturbed.content["build"]["rows"]
    done(BUILD)
    assert content() == undisturbed.content["build"]


GREEDY = """
import resource, sys
import core.sonicpi.sandbox as sandbox
plain = sandbox.sandboxed
limited = lambda command, **more: ["prlimit", f"--as={160 << 20}", *plain(command, **more)]
import core.sonicpi.worker as worker
worker.sandboxed = limited
from core.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_memory_runs_out_in_a_worker(undisturbed):
    run = python(GREEDY, *BUILD)
    assert run.returncode == 1 and "Traceback" not in run.stderr, run.stderr
    assert "renderer ended" in run.stderr or "has a clip" in run.stderr
    done(BUILD)
    assert content() == undisturbed.content["build"]


def test_memory_runs_out_in_the_job(undisturbed):
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({700 << 20},) * 2)\n{BUILT}"
    job = jobs.start(BUILD, "little memory", command=[sys.executable, "-c", limited], cwd=PROJECT)
    job = ended(job)
    assert job.state == "failed" and job.error
    done(BUILD)
    assert content() == undisturbed.content["build"]
