"""Queue of heavy commands: one per workspace runs at a time, the others wait for their turn."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from core import file_locks_and_atomic_writes, workspace
from core.errors import EarshotError
from core.jobs import job_manager, process_liveness_and_killing

TURN_POLL_INTERVAL_S = 0.2
LOCK_FILE = "turn.lock"
# Describes a command in a terminal that has the turn. It is a separate file because the lock file
# must stay empty: a full disk has no room for its content.
TERMINAL_FILE = "terminal.json"


class TerminalCommand(NamedTuple):
    """A heavy command that runs in a terminal."""

    pid: int
    command: str


@contextmanager
def wait_for_queue_turn(
    job_folder: Path | None, report_wait: Callable[[str], None]
) -> Iterator[None]:
    """Wait until no other heavy command runs in the workspace; hold the turn for the block.

    Jobs get their turn in the order in which they were started. The kernel releases the turn when
    the process that holds it ends for any reason.

    Parameters
    ----------
    job_folder : Path or None
        Folder of the waiting job. None for a command in a terminal, which goes before the queued
        jobs.
    report_wait : callable
        Called with one sentence that names the commands it waits for, whenever they change.

    Raises
    ------
    EarshotError
        If the workspace cannot be written.
    """
    if workspace.is_workspace_read_only():
        # Commands in a read-only workspace write nothing, so they do not disturb each other.
        yield
        return
    jobs_folder = workspace.get_jobs_folder()
    try:
        jobs_folder.mkdir(parents=True, exist_ok=True)
        lock = open(jobs_folder / LOCK_FILE, "ab")
    except OSError as error:
        raise EarshotError(
            f"The workspace cannot be written: {error.strerror or error}.",
            where=str(jobs_folder),
            remedy="Give write access there, or set EARSHOT_WORKSPACE to another folder."
            " To view, check or export only, set EARSHOT_READ_ONLY=1.",
        ) from error
    with lock:
        last_reason = None
        while (reason := _try_take_queue_turn(lock.fileno(), job_folder)) is not None:
            if reason != last_reason:
                report_wait(reason)
                last_reason = reason
            time.sleep(TURN_POLL_INTERVAL_S)
        if job_folder is None:
            _write_terminal_command_file(jobs_folder)
        try:
            yield
        finally:
            if job_folder is None:
                (jobs_folder / TERMINAL_FILE).unlink(missing_ok=True)


def find_running_terminal_command() -> TerminalCommand | None:
    """Return the command in a terminal that has the turn, or None if there is none."""
    path = workspace.get_jobs_folder() / TERMINAL_FILE
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        if process_liveness_and_killing.is_process_running(saved["pid"], saved["process_start"]):
            return TerminalCommand(saved["pid"], str(saved["command"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _write_terminal_command_file(jobs_folder: Path) -> None:
    """Describe this command to waiting commands and to the pages."""
    pid = os.getpid()
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    if words[0] == "__main__.py":
        words[0] = "./run"
    description = {
        "pid": pid,
        "process_start": process_liveness_and_killing.read_process_start_ticks(pid),
        "command": shlex.join(words),
    }
    try:
        with file_locks_and_atomic_writes.atomic_write(jobs_folder / TERMINAL_FILE, "w") as file:
            json.dump(description, file)
    except OSError:  # The command runs without a description, too.
        pass


def _try_take_queue_turn(lock_descriptor: int, job_folder: Path | None) -> str | None:
    """Take the turn and return None, or return a sentence that names who has it or is next."""
    try:
        # Not flock: worker processes that were forked by a killed holder would keep that lock.
        fcntl.lockf(lock_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return _describe_queue_turn_holder()
    if job_folder is None:
        return None
    earlier_ids = [
        job.id
        for job in job_manager.list_jobs()
        if job.state == "queued" and job.id < job_folder.name
    ]
    if not earlier_ids:
        return None
    fcntl.lockf(lock_descriptor, fcntl.LOCK_UN)
    return f"Waiting for {', '.join(reversed(earlier_ids))}."


def _describe_queue_turn_holder() -> str:
    running_ids = [job.id for job in job_manager.list_jobs() if job.state == "running"]
    if running_ids:
        return f"Waiting for {', '.join(reversed(running_ids))}."
    if terminal_command := find_running_terminal_command():
        return f"Waiting for process {terminal_command.pid} ({terminal_command.command})."
    return "Waiting for another command."
