"""Program of the jobs in test_manager.py: the first argument selects how it works or ends."""

import ctypes
import errno
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from core.errors import EarshotError
from core.jobs import job_process_recording
from core.progress_callback import Progress


def count(progress: Progress, text: str) -> None:
    total = int(text)
    for done in range(1, total + 1):
        progress("Counting", done, total, note=f"number {done}", data={"n": done})
    print("counted")


def wait(progress: Progress, file: str) -> None:
    progress("Waiting", 1, 2)
    while not Path(file).exists():
        time.sleep(0.01)
    print("It continues. " * 1000)


def refuse(progress: Progress) -> None:
    raise EarshotError("The corpus is gone.", where="corpus beats", remedy="Build it again.")


def divide_by_zero(progress: Progress) -> None:
    raise ZeroDivisionError("division of one by zero")


def exit_with(progress: Progress, status: str) -> None:
    sys.exit(int(status))


def ignore_sigterm(progress: Progress) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    progress("Ignoring", 1, 2)
    time.sleep(600)


def write_units(progress: Progress, file: str) -> None:
    for done in range(1, 100_000):
        Path(file).write_text(f"started {done}")
        time.sleep(0.01)
        Path(file).write_text(f"finished {done}")
        progress("Working", done, 100_000)


def crash(progress: Progress) -> None:
    ctypes.string_at(0)


def exhaust_memory(progress: Progress) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))
    bytearray(1 << 30)


def fill_disk(progress: Progress) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/some/folder/a.flac")


def start_child(progress: Progress) -> None:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    progress("Waiting", 1, 2, data={"child": child.pid})
    time.sleep(600)


def fork_child(progress: Progress) -> None:
    child_pid = os.fork()
    if child_pid:
        progress("Waiting", 1, 2, data={"child": child_pid})
    time.sleep(600)


# The tests find the name in the id of the job.
WORK = {
    "break": divide_by_zero,
    "count": count,
    "crash": crash,
    "exit": exit_with,
    "family": start_child,
    "fork": fork_child,
    "full": fill_disk,
    "greedy": exhaust_memory,
    "refuse": refuse,
    "stubborn": ignore_sigterm,
    "units": write_units,
    "wait": wait,
}


if __name__ == "__main__":
    is_heavy = "heavy" in sys.argv
    kind, *arguments = [argument for argument in sys.argv[1:] if argument != "heavy"]
    with job_process_recording.record_block_as_job(
        job_process_recording.get_current_job_folder(), is_heavy=is_heavy
    ) as reporter:
        WORK[kind](reporter, *arguments)
