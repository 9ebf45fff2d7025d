"""Benchmark: time, memory and disk of building corpora of several sizes.

`--variants` is the number of programs per template; 500 is the paper's size. Corpora are built with
the offline encoders in the folder `bench` of the workspace. A build may be killed at any moment or
limited by `--minutes`: the next run resumes it, and the times add up. A measured size keeps its
result, shown beside the others, until its folder is removed.
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
from typing import Any

from core import workspace
from core.file_locks_and_atomic_writes import atomic_write
from core.programs import list_templates

SAMPLE_INTERVAL_S = 2.0
CLOCK_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class BuildSession:
    """Measurements of one run of `./run build`, which may have been stopped.

    Attributes
    ----------
    seconds : float
        Elapsed time.
    build_cpu, machine_cpu : float
        Processor seconds of the build's processes, and of everything on the machine.
    peak_bytes : int
        Largest memory of all processes together.
    clip_counts : list of (int, float)
        Number of clips at a time, in seconds since this session began.
    """

    seconds: float = 0.0
    build_cpu: float = 0.0
    machine_cpu: float = 0.0
    peak_bytes: int = 0
    clip_counts: list[tuple[int, float]] = field(default_factory=list)


@dataclass
class SizeMeasurement:
    """Measurements of one corpus size, saved in a file so that they survive a kill.

    Attributes
    ----------
    per_template : int
        Programs per template.
    sessions : list of BuildSession
    disk_bytes : int
        Size of the corpus's folder, once it is complete.
    finished_on : str
        Date on which the build was completed; "" before.
    """

    per_template: int
    sessions: list[BuildSession] = field(default_factory=list)
    disk_bytes: int = 0
    finished_on: str = ""

    @property
    def program_count(self) -> int:
        """Number of programs of the complete corpus."""
        return self.per_template * len(list_templates())

    @property
    def seconds(self) -> float:
        """Elapsed time of all sessions."""
        return sum(session.seconds for session in self.sessions)

    @property
    def seconds_per_program(self) -> float:
        """Elapsed time of all sessions per program of the complete corpus."""
        return self.seconds / self.program_count

    def compute_seconds_per_clip(self, start: float, stop: float) -> float:
        """Return the seconds per clip between two fractions of all clips.

        They include the start of every session but the first.
        """
        counts, previous_seconds = [(0, 0.0)], 0.0
        for session in self.sessions:
            counts += [(clips, previous_seconds + time_s) for clips, time_s in session.clip_counts]
            previous_seconds += session.seconds
        clip_count = counts[-1][0]

        def find_time(target: float) -> float:
            return next(time_s for clips, time_s in counts if clips >= target)

        elapsed = find_time(stop * clip_count) - find_time(start * clip_count)
        return elapsed / ((stop - start) * clip_count)


def run(variants: int = 50, minutes: float | None = None) -> list[tuple[str, ...]]:
    """Measure one size; return (measure, value per measured size) rows.

    Parameters
    ----------
    variants : int
        Programs per template.
    minutes : float, optional
        Stop after this time. The next run resumes the build.
    """
    measurement = _measure_build(variants, minutes)
    if not measurement.finished_on:
        clips = measurement.sessions[-1].clip_counts[-1][0]
        progress = (
            f"{clips:,} clips after {measurement.seconds / 60:.1f} min; run it again to resume"
        )
        return [(f"of {measurement.program_count:,} programs", progress)]
    measurements = sorted(_load_finished(), key=lambda size: size.per_template)
    columns = [_format_column(size, measurements[0]) for size in measurements]
    return [(measure, *(column[measure] for column in columns)) for measure in columns[0]]


def _format_column(size: SizeMeasurement, smallest: SizeMeasurement) -> dict[str, str]:
    core_count = len(os.sched_getaffinity(0))
    core_seconds = core_count * size.seconds
    build_cpu = sum(session.build_cpu for session in size.sessions)
    other_cpu = sum(session.machine_cpu - session.build_cpu for session in size.sessions)
    peak_bytes = max(session.peak_bytes for session in size.sessions)
    return {
        "programs": f"{size.program_count:,}",
        "time": f"{size.seconds / 60:.1f} min",
        "sessions": str(len(size.sessions)),
        "programs per second": f"{size.program_count / size.seconds:.2f}",
        "processor seconds per program": f"{build_cpu / size.program_count:.3f}",
        f"use of {core_count} cores by the build": f"{build_cpu / core_seconds:.2f}",
        "use by other work": f"{max(other_cpu, 0) / core_seconds:.2f}",
        "seconds per clip, first quarter": f"{size.compute_seconds_per_clip(0, 0.25):.3f}",
        "seconds per clip, last quarter": f"{size.compute_seconds_per_clip(0.75, 1):.3f}",
        "peak memory of all processes": f"{peak_bytes / 1e9:.2f} GB",
        "disk": f"{size.disk_bytes / 1e9:.2f} GB",
        "disk per program": f"{size.disk_bytes / size.program_count / 1e3:.0f} kB",
        "time per program / that of the smallest size": (
            f"{size.seconds_per_program / smallest.seconds_per_program:.2f}"
        ),
        "measured on": size.finished_on,
    }


# -- Files ------------------------------------------------------------------------------------


def _get_bench_folder() -> Path:
    return workspace.get_workspace_root() / "bench"


def _get_measurement_path(per_template: int) -> Path:
    return _get_bench_folder() / "corpora" / f"bench-{per_template}" / "measured.json"


def _load_finished() -> list[SizeMeasurement]:
    paths = _get_bench_folder().glob("corpora/bench-*/measured.json")
    measurements = [_load_measurement(path) for path in paths]
    return [measurement for measurement in measurements if measurement.finished_on]


def _load_measurement(path: Path) -> SizeMeasurement:
    values = json.loads(path.read_text("utf-8"))
    # Files of older versions have other names.
    sessions = [
        BuildSession(
            seconds=session["seconds"],
            build_cpu=_get_renamed(session, "build_cpu", "ours"),
            machine_cpu=_get_renamed(session, "machine_cpu", "all"),
            peak_bytes=_get_renamed(session, "peak_bytes", "peak"),
            clip_counts=[tuple(pair) for pair in _get_renamed(session, "clip_counts", "marks")],
        )
        for session in _get_renamed(values, "sessions", "parts")
    ]
    return SizeMeasurement(
        values["per_template"],
        sessions,
        _get_renamed(values, "disk_bytes", "bytes"),
        _get_renamed(values, "finished_on", "finished"),
    )


def _get_renamed(values: dict[str, Any], name: str, older_name: str) -> Any:
    return values[name] if name in values else values[older_name]


def _save_measurement(measurement: SizeMeasurement) -> None:
    with atomic_write(_get_measurement_path(measurement.per_template), "w") as file:
        json.dump(asdict(measurement), file)


# -- Measurement ------------------------------------------------------------------------------


def _measure_build(per_template: int, minutes: float | None) -> SizeMeasurement:
    """Build what is missing of a corpus, and record what it took."""
    path = _get_measurement_path(per_template)
    if path.exists():
        measurement = _load_measurement(path)
    else:  # What the clips of an unmeasured corpus took is unknown.
        shutil.rmtree(path.parent, ignore_errors=True)
        measurement = SizeMeasurement(per_template)
    if measurement.finished_on:
        return measurement
    session = BuildSession()
    measurement.sessions.append(session)
    _save_measurement(measurement)
    status = _run_build(per_template, session, lambda: _save_measurement(measurement), minutes)
    if status == 0:
        measurement.finished_on = date.today().isoformat()
        files = (file for file in path.parent.rglob("*") if file.is_file())
        measurement.disk_bytes = sum(file.stat().st_size for file in files)
    _save_measurement(measurement)
    if status:
        raise SystemExit(status)
    return measurement


def _run_build(
    per_template: int, session: BuildSession, save: Callable[[], None], minutes: float | None
) -> int | None:
    """Run a build in its own process and sample it regularly.

    Returns its exit status; None when it was stopped because the minutes were over.
    """
    argv = [sys.executable, "-m", "core", "build", f"bench-{per_template}", "--preset", "offline"]
    argv += ["--per-template", str(per_template)]
    environment = {**os.environ, "EARSHOT_WORKSPACE": str(_get_bench_folder())}
    database = _get_measurement_path(per_template).with_name("corpus.sqlite")
    started, machine_cpu_before = time.monotonic(), _measure_machine_cpu()

    def record_progress() -> None:
        session.seconds = time.monotonic() - started
        session.machine_cpu = _measure_machine_cpu() - machine_cpu_before
        session.clip_counts.append((_count_clips(database), session.seconds))

    # The result is on standard output, which is for this benchmark's rows.
    with subprocess.Popen(
        argv, env=environment, cwd=workspace.PROJECT_FOLDER, stdout=sys.stderr
    ) as process:
        ended = threading.Event()

        def sample_until_end() -> None:
            while not ended.wait(SAMPLE_INTERVAL_S):
                pids = _list_process_tree(process.pid)
                session.build_cpu = max(session.build_cpu, sum(map(_measure_cpu, pids)))
                session.peak_bytes = max(session.peak_bytes, sum(map(_measure_memory, pids)))
                record_progress()
                save()

        sampler = threading.Thread(target=sample_until_end)
        sampler.start()
        try:
            status = process.wait(minutes and minutes * 60)
        except BaseException as error:  # The build must end in an orderly way.
            process.terminate()
            process.wait()
            status = None
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
        finally:
            ended.set()
            sampler.join()
    record_progress()
    return status


def _count_clips(database: Path) -> int:
    """Return the number of programs that were rendered, with or without success."""
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return connection.execute("SELECT count(*) FROM clips").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.OperationalError:  # The database does not exist yet.
        return 0


def _list_process_tree(pid: int) -> list[int]:
    """Return the pids of a process and its descendants."""
    pids = [pid]
    for known_pid in pids:  # The list grows while it is read.
        for path in Path(f"/proc/{known_pid}/task").glob("*/children"):
            pids += map(int, _read_text(path).split())
    return pids


def _measure_cpu(pid: int) -> float:
    """Return the processor seconds of a process and of its children that have ended."""
    fields = _read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / CLOCK_TICKS_PER_SECOND


def _measure_machine_cpu() -> float:
    """Return the processor seconds that the machine has worked since it was started."""
    first_line = _read_text("/proc/stat").partition("\n")[0]
    user, nice, system, _idle, _io_wait, *interrupts = map(int, first_line.split()[1:])
    return (user + nice + system + sum(interrupts[:2])) / CLOCK_TICKS_PER_SECOND


def _measure_memory(pid: int) -> int:
    """Return the bytes of a process, with shared pages divided among their users if possible."""
    text = _read_text(f"/proc/{pid}/smaps_rollup") or _read_text(f"/proc/{pid}/status")
    match = re.search(r"^(?:Pss|VmRSS): *(\d+)", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def _read_text(path: str | Path) -> str:
    """Return the text of a file of /proc; "" when its process has ended."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""
