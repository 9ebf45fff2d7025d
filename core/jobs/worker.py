"""The inside of a job: its process writes down how far it is and how it ended."""

from __future__ import annotations

import faulthandler
import fcntl
import json
import os
import shlex
import signal
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, TextIO

from core import workspace
from core.errors import EarshotError, of_the_machine
from core.jobs import manager, processes, record
from core.jobs.job import EVENTS
from core.jobs.eta import Pace
from core.progress import Progress

EVENT_EVERY_S = 0.25
WRITE_EVERY_S = 0.5
HEARTBEAT_EVERY_S = 5.0
LOOK_EVERY_S = 0.2
# Who has the turn when it is no job; beside the lock, which must stay empty on a full disk.
TERMINAL = "terminal.json"
# Below the pages, which somebody waits for; and the system, when memory runs out, should end a
# job, which goes on later, rather than the dashboard.
NICENESS = 5
OOM_SCORE = 300


def own_folder() -> Path | None:
    """The folder of the job that this process is, or None when it is no job."""
    folder = os.environ.get(processes.JOB_VARIABLE)
    return Path(folder) if folder else None


class Reporter:
    """Writes a job's progress, often enough for a person and seldom enough for a disk.

    Calls are a `core.progress.Progress` and return at once: a thread writes. That
    thread is the heartbeat too, and hears when somebody asks the job to end: then the
    next call raises KeyboardInterrupt, between two units. Nothing that fails in writing reaches the stage: a
    build must not end because a bar could not be drawn.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._lock = threading.Lock()
        self._steps: dict[str, dict[str, Any]] = {}
        self._paces: dict[str, Pace] = {}
        self._written: dict[str, float] = {}
        self._now: dict[str, Any] = {}
        self._fresh = False
        self._last = time.monotonic()
        self._asked = threading.Event()
        self._told = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_writing, name="heartbeat", daemon=True)
        self._thread.start()

    def __call__(
        self, step: str, done: int, total: int, note: str = "", data: dict | None = None
    ) -> None:
        with self._lock:
            self._last = time.monotonic()
            self._steps[step] = {"step": step, "done": done, "total": total}
            pace = self._paces.setdefault(step, Pace())
            pace.saw(done)
            self._now = {"step": step, "done": done, "total": total, "note": note}
            self._fresh = True
            now = time.monotonic()
            due = now - self._written.get(step, -EVENT_EVERY_S) >= EVENT_EVERY_S
            if due or data is not None or done >= total:
                self._written[step] = now
                self._append({"time": time.time(), **self._now, "data": data})
        if self._asked.is_set() and threading.current_thread() is threading.main_thread():
            self._asked.clear()  # once: what cleans up may report too
            raise KeyboardInterrupt

    def progress(self) -> record.Record:
        """How far the job is, as it stands in the record."""
        with self._lock:
            if not self._now:
                return {}
            pace = self._paces[self._now["step"]]
            return {
                **self._now,
                "rate": pace.rate,
                "remaining_s": pace.remaining(self._now["total"]),
                "idle_s": time.monotonic() - self._last,
                "steps": list(self._steps.values()),
            }

    def close(self) -> None:
        """Stop writing; what is left to say is how the job ended."""
        self._stop.set()
        self._thread.join()

    def _append(self, event: dict[str, Any]) -> None:
        try:
            with open(self._folder / EVENTS, "ab", buffering=0) as file:
                file.write(json.dumps(event, ensure_ascii=False, default=float).encode() + b"\n")
        except (OSError, TypeError, ValueError) as error:
            print(f"An event was not written: {error}", file=sys.stderr)

    def _keep_writing(self) -> None:
        beat = time.monotonic()
        while not self._stop.wait(WRITE_EVERY_S):
            with self._lock:
                fresh, self._fresh = self._fresh, False
            due = time.monotonic() - beat > HEARTBEAT_EVERY_S
            try:
                if fresh or due:
                    # Also when nothing is new: a step that stalls must be seen to.
                    record.update(self._folder, self._heartbeat if due else self._how_far)
                    if due:
                        beat = time.monotonic()
                found = record.read(self._folder)
                if found is not None and found["cancel_asked"] is not None and not self._told:
                    self._told = True
                    self._asked.set()
            except OSError:  # The next turn tries again.
                self._fresh = self._fresh or fresh

    def _how_far(self, found: record.Record) -> record.Record:
        return {"progress": self.progress() or found["progress"]}

    def _heartbeat(self, found: record.Record) -> record.Record:
        return {**self._how_far(found), "memory_mb": processes.memory_mb(self._folder)}


class _Unfailing:
    """A text stream that loses words rather than fail, since a log may meet a full disk."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def ended_by_signal() -> Iterator[None]:
    """Let SIGTERM end this process as Ctrl+C does: by KeyboardInterrupt, cleanly.

    Forked children inherit the handler but not its meaning: they just end.
    """
    owner = os.getpid()

    def end(number: int, frame: object) -> None:
        if os.getpid() == owner:
            raise KeyboardInterrupt
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def turn(folder: Path | None, waiting: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other heavy command runs in this workspace, then hold that turn.

    Jobs get it in the order in which they were started. The kernel takes it back
    when its holder ends, however that ends.

    Parameters
    ----------
    folder : Path or None
        The job that waits; None for a command in a terminal, which waits for
        nobody but the holder.
    waiting : callable
        Is told whom it waits for, in one sentence, whenever that changes.

    Raises
    ------
    EarshotError
        When the workspace can't be written.
    """
    if workspace.read_only():  # Nothing is written, so nobody is in the way.
        yield
        return
    home = workspace.jobs()
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = open(home / "turn.lock", "ab")
    except OSError as error:
        raise EarshotError(
            f"The workspace can't be written: {error.strerror or error}.",
            where=str(home),
            remedy="Give write access there, or set EARSHOT_WORKSPACE to another folder. To only"
            " look, check or export, set EARSHOT_READ_ONLY=1.",
        ) from error
    with lock:
        said = None
        while (reason := _not_yet(lock.fileno(), folder)) is not None:
            if reason != said:
                waiting(reason)
                said = reason
            time.sleep(LOOK_EVERY_S)
        if folder is None:
            _sign(home)
        try:
            yield
        finally:
            if folder is None:
                (home / TERMINAL).unlink(missing_ok=True)


def _sign(home: Path) -> None:
    """Let those who wait, and the pages, see which command of a terminal has the turn."""
    me = os.getpid()
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    if words[0] == "__main__.py":
        words[0] = "./run"
    signed = {"pid": me, "process_start": processes.start_time(me), "command": shlex.join(words)}
    try:
        with workspace.atomic_write(home / TERMINAL, "w") as file:
            json.dump(signed, file)
    except OSError:  # It only says who it is.
        pass


def in_terminal() -> tuple[int, str] | None:
    """Pid and command of what runs in a terminal and has the turn; None if nothing does."""
    try:
        found = json.loads((workspace.jobs() / TERMINAL).read_text(encoding="utf-8"))
        alive = processes.lives(found["pid"], found["process_start"])
        return (found["pid"], str(found["command"])) if alive else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _not_yet(lock: int, folder: Path | None) -> str | None:
    """Take the turn and return None, or return who has it or comes first."""
    try:
        # Not flock: a worker forked by a holder that was killed would go on holding that.
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        running = [other.id for other in manager.jobs() if other.state == "running"]
        other = in_terminal()
        named = f"process {other[0]} ({other[1]})" if other else "another command"
        return f"Waiting for {', '.join(reversed(running)) or named}."
    earlier = [
        other.id
        for other in manager.jobs()
        if folder is not None and other.state == "queued" and other.id < folder.name
    ]
    if not earlier:
        return None
    fcntl.lockf(lock, fcntl.LOCK_UN)
    return f"Waiting for {', '.join(reversed(earlier))}."


@contextmanager
def working(folder: Path, *, heavy: bool) -> Iterator[Progress]:
    """Be the job in `folder` while the block runs, and write down how it ended.

    Parameters
    ----------
    folder : Path
        See `own_folder`.
    heavy : bool
        Whether it waits for its `turn`.

    Yields
    ------
    Progress
        To hand to a stage.
    """
    # What kills the interpreter is told in the log (see `deaths`).
    faulthandler.enable(sys.__stderr__)
    sys.stdout, sys.stderr = _Unfailing(sys.stdout), _Unfailing(sys.stderr)
    _step_back()
    me = os.getpid()
    _try_update(
        folder,
        lambda found: {
            "pid": me,
            "process_start": processes.start_time(me),
            "boot": processes.boot_id(),
        },
    )
    reporter = Reporter(folder)
    ending = record.end("failed", 1)
    try:
        with ended_by_signal():
            if heavy:
                with turn(folder, lambda why: _try_update(folder, _waits(why))):
                    _try_update(folder, _runs)
                    yield reporter
            else:
                _try_update(folder, _runs)
                yield reporter
        ending = record.end("done", 0)
    except BaseException as error:
        ending = _ending(error)
        raise
    finally:
        reporter.close()
        progress = reporter.progress()
        _try_update(
            folder,
            lambda found: {"progress": progress, **record.took(found), **_asked(found, ending)},
        )


def _step_back() -> None:
    os.nice(NICENESS)
    try:
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    except OSError:
        pass


def _runs(found: record.Record) -> record.Record:
    now = {"started": time.time(), "clock": processes.clock()}
    return {"state": "running", **now, "progress": {}}


def _waits(why: str) -> Callable[[record.Record], record.Record]:
    return lambda found: {"progress": {"note": why}}


def _asked(found: record.Record, ending: record.Record) -> record.Record:
    """What was asked to end and did is cancelled, whatever its workers' deaths looked like."""
    if ending["state"] == "failed" and found["cancel_asked"] is not None:
        return record.end("cancelled", ending["exit"])
    return ending


def _ending(error: BaseException) -> record.Record:
    """How a job ends that raised `error`."""
    if isinstance(error, KeyboardInterrupt):
        return record.end("cancelled", 130)
    if (known := of_the_machine(error)) is not None:
        told = {"message": known.message, "where": known.where, "remedy": known.remedy}
        return record.end("failed", 1, told)
    if isinstance(error, SystemExit):
        if not error.code:
            return record.end("done", 0)
        status = error.code if isinstance(error.code, int) else 1
        told = {"message": f"It ended with status {status}.", "where": None}
        return record.end("failed", status, {**told, "remedy": "Its log says more."})
    last = traceback.format_exception_only(error)[-1].strip()
    told = {"message": f"A defect of Earshot's own: {last}", "where": None}
    return record.end("failed", 1, {**told, "remedy": "Its log says where."})


def _try_update(folder: Path, change: Callable[[record.Record], record.Record | None]) -> None:
    try:
        record.update(folder, change)
    except OSError as error:
        print(f"The job's record was not written: {error}", file=sys.stderr)
