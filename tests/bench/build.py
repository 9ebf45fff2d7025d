"""How a build grows: time, memory and disk of corpora of several sizes, side by side.

`--variants` says how many programs of each template to build with the offline encoders, in the
folder `bench` of the workspace; 500 is the paper's size. It may be stopped at any moment, or by
`--minutes`: the next run goes on, and times add up. A size that has been measured stays so until
its folder is removed, and stands beside the others.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from core import workspace
from core.programs import list_templates
from core.workspace import atomic_write

EVERY = 2.0  # seconds between two looks at what is measured
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Part:
    """What one run of the command measured, which may have been stopped.

    Attributes
    ----------
    seconds : float
        By the clock.
    ours, all : float
        Processor seconds of the build's processes, and of everything on the machine.
    peak : int
        Largest memory of all its processes together, in bytes.
    marks : list of (int, float)
        Clips that were there, and seconds since this part began.
    """

    seconds: float = 0.0
    ours: float = 0.0
    all: float = 0.0
    peak: int = 0
    marks: list[tuple[int, float]] = field(default_factory=list)


@dataclass
class Measured:
    """What is known of one size; kept in a file, so that it outlives being killed."""

    per_template: int
    parts: list[Part] = field(default_factory=list)
    bytes: int = 0
    finished: str = ""  # the day

    @property
    def programs(self) -> int:
        """How many the corpus has when it is finished."""
        return self.per_template * len(list_templates())

    @property
    def seconds(self) -> float:
        """By the clock, of all parts."""
        return sum(part.seconds for part in self.parts)

    def pace(self, start: float, stop: float) -> float:
        """Seconds a clip between two shares of the clips, start-up of later parts included."""
        moments, before = [(0, 0.0)], 0.0
        for part in self.parts:
            moments += [(done, before + at) for done, at in part.marks]
            before += part.seconds
        most = moments[-1][0]

        def when(done: float) -> float:
            return next(at for clips, at in moments if clips >= done)

        return (when(stop * most) - when(start * most)) / ((stop - start) * most)


def run(variants: int = 50, minutes: float | None = None) -> list[tuple[str, ...]]:
    """Measure one size; return rows of (what, value of each size measured so far).

    Parameters
    ----------
    variants : int
        Programs of each template.
    minutes : float, optional
        Stop after so long, for the next run to go on.
    """
    size = _measure(variants, minutes)
    if not size.finished:
        done = size.parts[-1].marks[-1][0]
        told = f"{done:,} after {size.seconds / 60:.1f} min in all; run it again to go on"
        return [(f"of {size.programs:,} programs", told)]
    found = sorted(_kept(), key=lambda each: each.per_template)
    columns = [_column(each, found[0]) for each in found]
    return [(what, *(column[what] for column in columns)) for what in columns[0]]


def _column(size: Measured, smallest: Measured) -> dict[str, str]:
    cores = len(os.sched_getaffinity(0))
    ours = sum(part.ours for part in size.parts)
    others = sum(part.all - part.ours for part in size.parts)
    return {
        "programs": f"{size.programs:,}",
        "time": f"{size.seconds / 60:.1f} min",
        "parts it was measured in": str(len(size.parts)),
        "programs a second": f"{size.programs / size.seconds:.2f}",
        "processor seconds a program": f"{ours / size.programs:.3f}",
        f"share of {cores} cores that it had": f"{ours / size.seconds / cores:.2f}",
        "share that other work took": f"{max(others, 0) / size.seconds / cores:.2f}",
        "seconds a clip, first quarter": f"{size.pace(0, 0.25):.3f}",
        "seconds a clip, last quarter": f"{size.pace(0.75, 1):.3f}",
        "peak memory of all processes": f"{max(part.peak for part in size.parts) / 1e9:.2f} GB",
        "on disk": f"{size.bytes / 1e9:.2f} GB",
        "disk a program": f"{size.bytes / size.programs / 1e3:.0f} kB",
        "seconds a program, to the smallest": f"{_each(size) / _each(smallest):.2f}",
        "measured on": size.finished,
    }


def _each(size: Measured) -> float:
    return size.seconds / size.programs


# -- measuring ---------------------------------------------------------------------------------


def _folder() -> Path:
    return workspace.get_workspace_root() / "bench"


def _record(per_template: int) -> Path:
    return _folder() / "corpora" / f"bench-{per_template}" / "measured.json"


def _kept() -> list[Measured]:
    return [
        read
        for path in _folder().glob("corpora/bench-*/measured.json")
        if (read := _read(path)).finished
    ]


def _read(path: Path) -> Measured:
    told = json.loads(path.read_text("utf-8"))
    return Measured(**{**told, "parts": [Part(**part) for part in told["parts"]]})


def _keep(size: Measured) -> None:
    with atomic_write(_record(size.per_template), "w") as handle:
        json.dump(asdict(size), handle)


def _measure(per_template: int, minutes: float | None) -> Measured:
    """Build what is missing, and note what it took."""
    record = _record(per_template)
    if record.exists():
        size = _read(record)
    else:  # of clips that are there already nobody knows what they took
        shutil.rmtree(record.parent, ignore_errors=True)
        size = Measured(per_template)
    if size.finished:
        return size
    part = Part()
    size.parts.append(part)
    _keep(size)
    status = _build(per_template, part, lambda: _keep(size), minutes)
    if status == 0:
        size.finished = date.today().isoformat()
        files = record.parent.rglob("*")
        size.bytes = sum(path.stat().st_size for path in files if path.is_file())
    _keep(size)
    if status:
        raise SystemExit(status)
    return size


def _build(
    per_template: int, part: Part, keep: Callable[[], None], minutes: float | None
) -> int | None:
    """Build in a process of its own, which is looked at all the while.

    Returns its status; None when it was stopped because the minutes were over.
    """
    argv = [sys.executable, "-m", "core", "build", f"bench-{per_template}", "--preset", "offline"]
    argv += ["--per-template", str(per_template)]
    place = {**os.environ, "EARSHOT_WORKSPACE": str(_folder())}
    database = _record(per_template).with_name("corpus.sqlite")
    start, busy = time.monotonic(), _busy()
    with subprocess.Popen(argv, env=place, cwd=workspace.PROJECT_FOLDER) as process:
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(EVERY):
                family = _family(process.pid)
                part.ours = max(part.ours, sum(map(_processor_seconds, family)))
                part.peak = max(part.peak, sum(map(_memory, family)))
                part.seconds, part.all = time.monotonic() - start, _busy() - busy
                part.marks.append((_clips(database), part.seconds))
                keep()

        watch = threading.Thread(target=look)
        watch.start()
        try:
            status = process.wait(minutes and minutes * 60)
        except BaseException as stopped:  # let the build end in order
            process.terminate()
            process.wait()
            status = None
            if not isinstance(stopped, subprocess.TimeoutExpired):
                raise
        finally:
            ended.set()
            watch.join()
    part.seconds, part.all = time.monotonic() - start, _busy() - busy
    part.marks.append((_clips(database), part.seconds))
    return status


def _clips(database: Path) -> int:
    """Programs that are through."""
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return connection.execute("SELECT count(*) FROM clips").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.OperationalError:  # not made yet
        return 0


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for each in found:
        for listed in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += map(int, listed.read_text().split())
            except OSError:  # a process that has ended since
                pass
    return found


def _processor_seconds(pid: int) -> float:
    """Of a process, and of those below it that have ended."""
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def _busy() -> float:
    """Processor seconds that the machine has worked since it was started."""
    user, nice, system, _idle, _wait, *interrupts = map(
        int, _text("/proc/stat").partition("\n")[0].split()[1:]
    )
    return (user + nice + system + sum(interrupts[:2])) / TICKS


def _memory(pid: int) -> int:
    """What a process holds, in bytes; pages shared with others counted by share if one may know."""
    told = _text(f"/proc/{pid}/smaps_rollup") or _text(f"/proc/{pid}/status")
    found = re.search(r"^(?:Pss|VmRSS): *(\d+)", told, re.M)
    return int(found[1]) * 1024 if found else 0


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:  # a process that has ended since
        return ""
