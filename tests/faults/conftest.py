"""An undisturbed run of every stage, and what disturbs others like it."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from core import jobs
from core.cli import main
from core.corpus import Corpus
from core.jobs import Job, processes
from core.workspace import PROJECT

NAME = "tiny"
CODE, AUDIO = "sonicpi", "log-mel"
BUILD = [
    "build", NAME, "--templates", "02_1_beeps", "02_3_synths",
    "--per-template", "6", "--seconds", "1", "--workers", "2",
    "--code-encoder", CODE, "--audio-encoder", AUDIO,
]  # fmt: skip
TRAIN = ["train", NAME, "--epochs", "4", "--width", "16", "--dim", "8"]
MAP = ["map", NAME]
PATIENCE_S = 120


def until(true, what: str = "it"):
    """The first true answer; how long that takes is no matter."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if answer := true():
            return answer
        time.sleep(0.005)
    raise AssertionError(f"{what} never came")


def ended(job: Job) -> Job:
    until(lambda: not jobs.job(job.id).active, job.title)
    return jobs.job(job.id)


def done(argv: list[str]) -> None:
    """Run a command to its end, which must be a good one; here, where all is loaded already."""
    with main_thread_of_torch():
        assert main(argv) == 0


@contextmanager
def main_thread_of_torch():
    """As many threads as a job of these tests has: sums depend on their order."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def content() -> dict[str, str]:
    """Everything that must not depend on what disturbed its making, as digests."""
    corpus = Corpus.open(NAME)
    found = {"rows": corpus.programs().drop(columns="audio").to_json(orient="records").encode()}
    pairs = corpus.pairs(CODE, AUDIO)
    found["ids"] = json.dumps(pairs.programs).encode()
    found["code"], found["audio"] = pairs.code.tobytes(), pairs.audio.tobytes()
    for path in (corpus.path / "audio").rglob("*"):
        if path.is_file():
            found[str(path.relative_to(corpus.path))] = path.read_bytes()
    newest = corpus.newest_alignment()
    if newest is not None:
        found["heads"] = (newest.path / "heads.safetensors").read_bytes()
        found["history"] = newest.history().to_json().encode()
        points = newest.map()
        found["map"] = b"" if points is None else points.to_json().encode()
    return {key: hashlib.sha256(value).hexdigest() for key, value in found.items()}


def sound() -> None:
    """Nothing is torn: SQLite says so, each clip noted lies there whole, nothing is half-written."""
    corpus = Corpus.open(NAME)
    with sqlite3.connect(corpus.path / "corpus.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT file, sha256 FROM clips WHERE state = 'ok'").fetchall()
    connection.close()
    for file, digest in rows:
        assert hashlib.sha256((corpus.path / "audio" / file).read_bytes()).hexdigest() == digest
    for record in corpus.alignments():
        record.history()


class Workspace:
    """The undisturbed run: what it made, and what lay there, after each stage."""

    def __init__(self, folder: Path):
        self.after: dict[str, Path] = {}
        self.content: dict[str, dict[str, str]] = {}
        for argv in (BUILD, TRAIN, MAP):
            done(argv)
            stage = argv[0]
            self.content[stage] = content()
            self.after[stage] = folder.with_name(f"{folder.name}-{stage}")
            Corpus.open(NAME).close()
            shutil.copytree(folder / "corpora", self.after[stage] / "corpora")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Workspace:
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(folder))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("OMP_NUM_THREADS", "1")
        return Workspace(folder)


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    """An empty workspace in which nothing is left running."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield tmp_path / "workspace"
    for job in jobs.jobs():
        if job.active:
            job.cancel(asked_s=0)
        processes.kill_all_of_job(job.folder)


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, the nearest first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(errors="replace")
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(0), [])
        found += below
        todo += below
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def killed_at(argv: list[str], event: int, rng: random.Random) -> Job:
    """Start a job and kill its process a random moment after its event of that number."""
    job = jobs.start(argv, " ".join(argv), cwd=PROJECT)
    until(lambda: len(jobs.job(job.id).events()[0]) > event or not jobs.job(job.id).active)
    time.sleep(rng.uniform(0, 0.15))
    kill(jobs.job(job.id).pid)
    return ended(job)


def python(code: str, *argv: str, **options) -> subprocess.CompletedProcess:
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *argv], cwd=PROJECT, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False, env={**os.environ, "PYTHONPATH": str(PROJECT)}, **options,
    )  # fmt: skip
