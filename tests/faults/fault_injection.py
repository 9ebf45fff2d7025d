"""What disturbs a job from within, when the variable `DISTURBANCE` says so: "killed 17"."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Callable

VARIABLE = "DISTURBANCE"
# What changes something on disk, as Python's audit hooks name it.
CHANGES = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")


def begin() -> None:
    """Arrange what was asked for."""
    name, *arguments = os.environ.pop(VARIABLE, "").split() or ["nothing"]
    {
        "nothing": lambda: None,
        "killed": lambda moment: _at_moment(int(moment), _killed),
        "counted": lambda file: _count_moments(Path(file)),
        "backwards": clock_goes_backwards,
        "fails": lambda at: _spoil("log-mel", int(at), _not_a_number),
        "refuses": lambda at: _spoil("log-mel", int(at), _refused),
        "hungry": lambda at: _spoil("log-mel", int(at), _starved),
        "cramped": workers_get_little_memory,
    }[name](*arguments)


# -- Killed at a moment --------------------------------------------------------------------


def _each_moment(happens: Callable[[], None]) -> None:
    """Call `happens` before every change on disk, and before and after every commit."""
    from core import workspace
    from core.corpus.database import Database

    root, owner = str(workspace.get_workspace_root()), threading.main_thread()
    jobs = str(workspace.get_jobs_folder())

    def audit(event: str, arguments: tuple) -> None:
        if event not in CHANGES or threading.current_thread() is not owner:
            return
        path = str(arguments[0])
        writes = event != "open" or arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        outside = not path.startswith(root) and ".partial-" not in path
        if writes and not outside and not path.startswith(jobs):
            happens()

    sys.addaudithook(audit)
    writing = Database.open_write_transaction

    @contextmanager
    def watched(self, holder: str):
        with writing(self, holder) as connection:
            yield connection
            happens()
        happens()

    Database.open_write_transaction = watched


def _at_moment(number: int, what: Callable[[], None]) -> None:
    left = [number]

    def happens() -> None:
        left[0] -= 1
        if left[0] < 0:
            what()

    _each_moment(happens)


def _killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _count_moments(file: Path) -> None:
    """Write down how many moments there were, in a file outside the workspace."""
    count = [0]
    out = os.open(file, os.O_WRONLY | os.O_CREAT)

    def happens() -> None:
        count[0] += 1
        os.pwrite(out, str(count[0]).encode(), 0)

    _each_moment(happens)


# -- Clock ---------------------------------------------------------------------------------


def clock_goes_backwards() -> None:
    """Every look at the time of day is an hour before the last, then jumps back up."""
    import itertools
    import time

    real, looks = time.time, itertools.count()
    time.time = lambda: real() - 3600 * (next(looks) % 5)


# -- Encoders and memory -------------------------------------------------------------------


def _spoil(encoder_id: str, at: int, spoiled: Callable) -> None:
    """Let an encoder's `at`-th call go wrong."""
    from core import encoders

    encoder = encoders.get_encoder(encoder_id)
    embed, calls = encoder.embed, []

    def disturbed(items):
        calls.append(1)
        return spoiled(embed, items) if len(calls) == at else embed(items)

    encoder.embed = disturbed


def _not_a_number(embed, items):
    return embed(items) * float("nan")


def _refused(embed, items):
    from core.errors import EarshotError

    raise EarshotError("It has never heard such a thing.")


def _starved(embed, items):
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held, held))
    return bytearray(1 << 30)


def workers_get_little_memory() -> None:
    """Let each Ruby host start with less memory than it needs."""
    from core.sonicpi import worker

    plain = worker.wrap_in_sandbox
    worker.wrap_in_sandbox = lambda command, **more: [
        "prlimit",
        f"--as={160 << 20}",
        *plain(command, **more),
    ]
