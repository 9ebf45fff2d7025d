"""Faults inside a job, chosen by the environment variable `INJECTED_FAULT`: "kill 17"."""

from __future__ import annotations

import itertools
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

VARIABLE = "INJECTED_FAULT"
# Python's audit events of operations that change something on disk.
WRITE_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT
AUDIO_ENCODER = "log-mel"
CLOCK_STEP_S = 3600
WORKER_MEMORY_BYTES = 160 << 20  # a Ruby host needs more

Embed = Callable[..., np.ndarray]


def install_fault() -> None:
    """Install the fault that the environment names, if any."""
    name, *arguments = os.environ.pop(VARIABLE, "").split() or ["none"]
    {
        "none": lambda: None,
        "kill": lambda change_number: kill_at_change(int(change_number)),
        "count-changes": lambda path: count_changes(Path(path)),
        "clock-backwards": move_clock_backwards,
        "embed-nan": lambda call: replace_embed_call(int(call), _return_nan),
        "embed-error": lambda call: replace_embed_call(int(call), _raise_error),
        "embed-out-of-memory": lambda call: replace_embed_call(int(call), _exhaust_memory),
        "workers-out-of-memory": limit_worker_memory,
    }[name](*arguments)


# -- Killed at a change on disk ---------------------------------------------------------------


def kill_at_change(change_number: int) -> None:
    """Kill this process with SIGKILL at its change of that number, counted from 0."""
    changes = itertools.count()

    def kill_if_reached() -> None:
        if next(changes) >= change_number:
            os.kill(os.getpid(), signal.SIGKILL)

    _call_at_changes(kill_if_reached)


def count_changes(path: Path) -> None:
    """Count this process's changes in a file outside the workspace."""
    changes = itertools.count(1)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    _call_at_changes(lambda: os.pwrite(descriptor, str(next(changes)).encode(), 0))


def _call_at_changes(callback: Callable[[], object]) -> None:
    """Call back before every change in the workspace, and before and after every commit."""
    from core import workspace
    from core.corpus.database_connections_and_transactions import Database

    main_thread = threading.main_thread()
    root, jobs_folder = str(workspace.get_workspace_root()), str(workspace.get_jobs_folder())

    def handle_audit_event(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in WRITE_EVENTS or threading.current_thread() is not main_thread:
            return
        path = str(arguments[0])
        is_write = event != "open" or arguments[2] & WRITE_FLAGS
        is_outside = not path.startswith(root) and ".partial-" not in path
        if is_write and not is_outside and not path.startswith(jobs_folder):
            callback()

    sys.addaudithook(handle_audit_event)
    open_write_transaction = Database.open_write_transaction

    @contextmanager
    def open_observed_transaction(database: Database, writer_name: str) -> Iterator[Any]:
        with open_write_transaction(database, writer_name) as connection:
            yield connection
            callback()
        callback()

    Database.open_write_transaction = open_observed_transaction


# -- Clock ------------------------------------------------------------------------------------


def move_clock_backwards() -> None:
    """Let each reading of the time of day be an hour before the last, and every fifth correct."""
    read_clock, readings = time.time, itertools.count()
    time.time = lambda: read_clock() - CLOCK_STEP_S * (next(readings) % 5)


# -- Encoders and memory ----------------------------------------------------------------------


def replace_embed_call(
    call_number: int, replacement: Callable[[Embed, Sequence[Any]], object]
) -> None:
    """Replace one call of the audio encoder's `embed`, counted from 1."""
    from core import encoders

    encoder = encoders.get_encoder(AUDIO_ENCODER)
    embed, calls = encoder.embed, itertools.count(1)

    def embed_or_fail(items: Sequence[Any], *arguments: Any, **options: Any) -> object:
        if next(calls) == call_number:
            return replacement(embed, items)
        return embed(items, *arguments, **options)

    encoder.embed = embed_or_fail


def _return_nan(embed: Embed, items: Sequence[Any]) -> np.ndarray:
    return embed(items) * float("nan")


def _raise_error(_embed: Embed, _items: Sequence[Any]) -> None:
    from core.errors import EarshotError

    raise EarshotError("The encoder cannot embed this item.")


def _exhaust_memory(_embed: Embed, _items: Sequence[Any]) -> bytearray:
    used_pages = int(Path("/proc/self/statm").read_text().split()[0])
    used_bytes = used_pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used_bytes, used_bytes))
    return bytearray(1 << 30)


def limit_worker_memory() -> None:
    """Start each Ruby host with less memory than it needs."""
    from core.sonicpi import render_worker

    wrap_in_sandbox = render_worker.wrap_in_sandbox

    def wrap_with_limit(command: list[str], **options: Any) -> list[str]:
        limit = ["prlimit", f"--as={WORKER_MEMORY_BYTES}"]
        return [*limit, *wrap_in_sandbox(command, **options)]

    render_worker.wrap_in_sandbox = wrap_with_limit
