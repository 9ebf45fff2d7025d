"""An undisturbed run of every stage, and what disturbs others like it."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import pytest

from core import jobs
from core.corpus import Corpus
from core.jobs import Job, processes
from core.workspace import PROJECT_FOLDER
from tests.faults import fault_table

NAME = "tiny"
CODE, OTHER_CODE, AUDIO = "sonicpi", "score", "log-mel"
TEMPLATES = ("02_1_beeps", "02_3_synths")
PER_TEMPLATE = 8
PROGRAMS = PER_TEMPLATE * len(TEMPLATES)
HERE = Path(__file__).parent
# Every stage, in an order in which each finds what it needs. `{}` is a folder beside the workspace.
STAGES = {
    "build": [
        "build",
        NAME,
        "--templates",
        *TEMPLATES,
        "--per-template",
        str(PER_TEMPLATE),
        "--seconds",
        "0.5",
        "--workers",
        "2",
        "--code-encoder",
        CODE,
        "--audio-encoder",
        AUDIO,
    ],
    "import": ["import", NAME, "{}/songs", "--licence", "CC0"],
    "embed": ["embed", NAME, "--code-encoder", OTHER_CODE],
    "train": ["train", NAME, "--epochs", "4", "--width", "16", "--dim", "8"],
    "map": ["map", NAME],
    "sweep": ["sweep", NAME, "--grid", "ablation", "--seeds", "1", "--workers", "1"],
    "export": ["export", NAME, "--format", "zip", "--out", "{}/tiny.zip"],
}
BUILD = STAGES["build"]
PATIENCE_S = 240


# -- What came of it -----------------------------------------------------------------------

_faults: dict[str, tuple[str, int]] = {}  # words and times, by test
_came: dict[str, list[int]] = {}  # times tried and survived, by words


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "fault(words, each=1): what is done to Earshot, how often in each test"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if mark := item.get_closest_marker(fault_table.MARK):
            _faults[item.nodeid] = (mark.args[0], mark.kwargs.get("each", 1))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.nodeid in _faults and (report.when == "call" or report.failed):
        words, times = _faults[report.nodeid]
        tried, survived = _came.get(words, [0, 0])
        _came[words] = [tried + times, survived + times * report.passed]


def pytest_terminal_summary(terminalreporter) -> None:
    if _came:
        terminalreporter.section("faults")
        terminalreporter.write_line(
            fault_table.format_fault_table([(w, *came) for w, came in _came.items()])
        )


# -- Waiting -------------------------------------------------------------------------------


def until(true, what: str = "it"):
    """The first true answer; how long that takes is no matter."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if answer := true():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"{what} never came")


def ended(job: Job) -> Job:
    until(lambda: not jobs.get_job(job.id).is_active, job.title)
    return jobs.get_job(job.id)


# -- What there is -------------------------------------------------------------------------


def content(name: str = NAME) -> dict[str, str]:
    """Everything that must not depend on what disturbed its making, as digests."""
    corpus = Corpus.open(name)
    settings = {k: v for k, v in corpus.settings.items() if k != "created"}
    for origin in settings.get("imports", ()):
        origin.pop("when")
    found = {
        "rows": corpus.load_programs().drop(columns="audio").to_json(orient="records").encode(),
        "settings": json.dumps(settings, sort_keys=True).encode(),
    }
    for encoder, _, _ in corpus.list_encoders():
        ids, vectors = corpus.load_embeddings(encoder)
        found[f"embeddings {encoder}"] = json.dumps(ids).encode() + vectors.tobytes()
    for path in (corpus.path / "audio").rglob("*"):
        if path.is_file():
            found[str(path.relative_to(corpus.path))] = path.read_bytes()
    for record in corpus.load_alignments():
        for file in ("config.json", "metrics.json", "heads.safetensors"):
            found[f"{record.id}/{file}"] = (record.path / file).read_bytes()
        found[f"{record.id}/history"] = record.load_history().to_json().encode()
        points = record.load_map()
        found[f"{record.id}/map"] = b"" if points is None else points.to_json().encode()
    for path in sorted(corpus.path.glob("sweeps/*/*.json")):
        run = json.loads(path.read_text())
        run.pop("seconds", None)
        found[str(path.relative_to(corpus.path))] = json.dumps(run, sort_keys=True).encode()
    corpus.close()
    return {key: hashlib.sha256(value).hexdigest() for key, value in found.items()}


def finished(name: str = NAME) -> set[tuple]:
    """Every piece of work that is done, by a name of its own."""
    if not (Path(os.environ["EARSHOT_WORKSPACE"]) / "corpora" / name / "corpus.sqlite").exists():
        return set()
    corpus = Corpus.open(name)
    rows = corpus.load_programs()
    done = {("program", each) for each in rows["program"]}
    done |= {("clip", each) for each in rows["program"][rows["state"] == "ok"]}
    for encoder, _, _ in corpus.list_encoders():
        done |= {(encoder, each) for each in corpus.load_embeddings(encoder)[0]}
    done |= {("alignment", each) for each in corpus.list_alignment_ids()}
    done |= {("run", path.name) for path in corpus.path.glob("sweeps/*/run-*.json")}
    corpus.close()
    return done


def whole(name: str = NAME) -> None:
    """Nothing is torn: SQLite says so, each clip noted lies there whole, all else can be read."""
    if not finished(name):
        return
    corpus = Corpus.open(name)
    with corpus._database.open_read_transaction() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT file, sha256 FROM clips WHERE state = 'ok'").fetchall()
    for file, digest in rows:
        assert hashlib.sha256((corpus.path / "audio" / file).read_bytes()).hexdigest() == digest
    for record in corpus.load_alignments():
        record.load_heads(), record.load_history(), record.load_map()
    for path in corpus.path.glob("sweeps/*/*.json"):
        json.loads(path.read_text())
    corpus.close()


# -- The nursery ---------------------------------------------------------------------------


@dataclass
class Nursery:
    """Where jobs come from; see `preloaded_fork_server.py`.

    Attributes
    ----------
    process : Popen
    address : Path
        Of its socket.
    disk : Path
        A small disk, for it and all that it bears alone.
    kept, shown : Path
        What lies in the first can only be read in the second, by all that it bears.
    """

    process: subprocess.Popen
    address: Path
    disk: Path
    kept: Path
    shown: Path

    @property
    def command(self) -> list[str]:
        """What a job's argv is given to."""
        return [sys.executable, "-I", "-S", str(HERE / "client.py"), str(self.address)]

    def run(self, argv: list[str], **environment: str) -> subprocess.CompletedProcess:
        """Run a command, or ["python", CODE, …], to its end."""
        return subprocess.run(
            [*self.command, *argv],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            cwd=PROJECT_FOLDER,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
        )

    def done(self, argv: list[str], **environment: str) -> str:
        """Run to its end, which must be a good one; return what was said."""
        ran = self.run(argv, **environment)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def start(self, argv: list[str], disturbance: str = "") -> Job:
        """Start a command as a job."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DISTURBANCE", disturbance)
            return jobs.start_job(
                argv, " ".join(argv), command_prefix=self.command, cwd=PROJECT_FOLDER
            )


DISK_BYTES = 24 << 20


@pytest.fixture(scope="session")
def nursery(tmp_path_factory) -> Iterator[Nursery]:
    base = tmp_path_factory.mktemp("nursery")
    disk, kept, shown = base / "disk", base / "kept", base / "shown"
    for folder in (disk, kept, shown):
        folder.mkdir()
    apart = [
        "bwrap",
        "--dev-bind",
        "/",
        "/",
        "--die-with-parent",
        "--size",
        str(DISK_BYTES),
        "--tmpfs",
        str(disk),
        "--ro-bind",
        str(kept),
        str(shown),
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT_FOLDER),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "NUMBA_THREADING_LAYER": "workqueue",
    }
    address = base / "socket"
    with subprocess.Popen(
        [*apart, sys.executable, "-P", str(HERE / "preloaded_fork_server.py"), str(address)],
        cwd=PROJECT_FOLDER,
        env=environment,
        stdin=-1,
        stdout=-1,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        yield Nursery(process, address, disk, kept, shown)
        process.stdin.close()


# -- The undisturbed run -------------------------------------------------------------------


@dataclass
class Undisturbed:
    """What every stage made, what lay there before and after, how many moments it took."""

    folder: Path
    content: dict[str, dict[str, str]]
    moments: dict[str, int]

    def before(self, stage: str) -> Path:
        """What lay there before a stage: a folder with `corpora` and what commands name."""
        return self.folder / f"{list(STAGES).index(stage)}"

    def after(self, stage: str) -> Path:
        return self.folder / f"{list(STAGES).index(stage) + 1}"


def command(stage: str, place: Path) -> list[str]:
    """A stage's command, for a workspace that lies in `place`."""
    return [word.replace("{}", str(place)) for word in STAGES[stage]]


def exported(place: Path) -> str:
    """The digest of what the stage export wrote."""
    return hashlib.sha256((place / "tiny.zip").read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def undisturbed(nursery: Nursery) -> Undisturbed:
    found = Undisturbed(nursery.kept, {}, {})
    place = found.folder / "0"
    (place / "songs").mkdir(parents=True)
    for number in range(4):
        (place / "songs" / f"song-{number}.rb").write_text(f"play {60 + number}\nsleep 0.1\n")
    for stage in STAGES:
        place = found.before(stage)
        now = found.after(stage)
        shutil.copytree(place, now)
        count = nursery.kept.with_name(f"moments-{stage}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("EARSHOT_WORKSPACE", str(now))
            nursery.done(command(stage, now), DISTURBANCE=f"counted {count}")
            found.content[stage] = content()
            if stage == "export":
                found.content[stage]["export"] = exported(now)
        shutil.rmtree(now / "jobs", ignore_errors=True)
        found.moments[stage] = int(count.read_text())
    return found


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty workspace in which nothing is left running."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("EARSHOT_JOB", raising=False)
    yield folder
    for job in jobs.list_jobs():
        if job.is_active:
            kill(job.pid)
        processes.kill_job_processes(job.folder)


def same(stage: str, undisturbed: Undisturbed, place: Path) -> None:
    """What a stage made, after whatever befell it, is what the undisturbed run made."""
    found = content()
    if stage == "export":
        found["export"] = exported(place)
    assert found == undisturbed.content[stage]
    files = [path for path in place.rglob("*") if place / "jobs" not in path.parents]
    assert not [path for path in files if ".partial" in path.name], "half-written files were left"


# -- Processes -----------------------------------------------------------------------------


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
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        )
    except OSError:
        return ""


def kill(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def dice(*words: object) -> random.Random:
    """Chance that is the same in every run."""
    return random.Random(" ".join(map(str, (7, *words))))
