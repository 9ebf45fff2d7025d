"""What the jobs of test_jobs.py run: each argument is one way of working or ending."""

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from core.errors import EarshotError
from core.jobs import worker


def wait_for(file: str) -> None:
    while not Path(file).exists():
        time.sleep(0.01)


def work(progress, kind: str, *arguments: str) -> None:
    if kind == "count":
        for done in range(1, int(arguments[0]) + 1):
            progress("Counting", done, int(arguments[0]), note=f"number {done}", data={"n": done})
        print("counted")
    elif kind == "wait":
        progress("Waiting", 1, 2)
        wait_for(arguments[0])
        print("It goes on. " * 1000)
    elif kind == "refuse":
        raise EarshotError("The corpus is gone.", where="corpus beats", remedy="Build it again.")
    elif kind == "break":
        raise ZeroDivisionError("one by nought")
    elif kind == "exit":
        sys.exit(int(arguments[0]))
    elif kind == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        progress("Ignoring", 1, 2)
        time.sleep(600)
    elif kind == "units":
        for done in range(1, 100_000):
            Path(arguments[0]).write_text(f"begun {done}")
            time.sleep(0.01)
            Path(arguments[0]).write_text(f"finished {done}")
            progress("Working", done, 100_000)
    elif kind == "crash":
        import ctypes

        ctypes.string_at(0)
    elif kind == "greedy":
        resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))
        bytearray(1 << 30)
    elif kind == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/there/a.flac")
    elif kind == "family":
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        progress("Waiting", 1, 2, data={"child": child.pid})
        time.sleep(600)
    elif kind == "fork":
        child = os.fork()
        if child:
            progress("Waiting", 1, 2, data={"child": child})
        time.sleep(600)


if __name__ == "__main__":
    heavy = "heavy" in sys.argv
    with worker.run_as_job(worker.get_current_job_folder(), heavy=heavy) as reporter:
        work(reporter, *(a for a in sys.argv[1:] if a != "heavy"))
