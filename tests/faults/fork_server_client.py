"""Start commands and jobs as forks of the preloaded server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core import jobs
from core.jobs import Job
from core.workspace import PROJECT_FOLDER
from tests.faults.fault_injection import VARIABLE
from tests.faults.job_control import TIMEOUT_S

TEST_FOLDER = Path(__file__).parent
SMALL_DISK_BYTES = 24 << 20


@dataclass(frozen=True)
class ForkServer:
    """A running preloaded fork server.

    Attributes
    ----------
    socket_path : Path
    small_disk : Path
        Mount point of a small disk that only the server and its forks see.
    reference_folder : Path
        An ordinary folder.
    read_only_view : Path
        Where the server and its forks see the content of `reference_folder`, read-only.
    """

    socket_path: Path
    small_disk: Path
    reference_folder: Path
    read_only_view: Path

    @property
    def command_prefix(self) -> list[str]:
        """Command that runs the arguments after it in a fork."""
        script = str(TEST_FOLDER / "forked_command.py")
        return [sys.executable, "-I", "-S", script, str(self.socket_path)]

    def run(self, argv: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Earshot, or ["python", CODE, ARGUMENT…], and wait for it."""
        return subprocess.run(
            [*self.command_prefix, *argv],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            cwd=PROJECT_FOLDER,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
        )

    def run_successfully(self, argv: list[str], **environment: str) -> str:
        """Run a command like `run`, assert that it succeeds, and return its standard output."""
        process = self.run(argv, **environment)
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    def open_process(
        self, code: str, *arguments: str, stdout: int | None = None, stderr: int | None = None
    ) -> subprocess.Popen[str]:
        """Start Python code in a fork, with its output where `subprocess.Popen` may send it."""
        argv = [*self.command_prefix, "python", code, *arguments]
        return subprocess.Popen(argv, cwd=PROJECT_FOLDER, text=True, stdout=stdout, stderr=stderr)

    def start_job(self, argv: list[str], fault: str = "") -> Job:
        """Start a command as a job, with a fault of `fault_injection`."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(VARIABLE, fault)
            return jobs.start_job(
                argv, " ".join(argv), command_prefix=self.command_prefix, cwd=PROJECT_FOLDER
            )


@contextmanager
def start_fork_server(folder: Path) -> Iterator[ForkServer]:
    """Run a preloaded fork server, with its own small disk, during the block."""
    server = ForkServer(
        socket_path=folder / "socket",
        small_disk=folder / "disk",
        reference_folder=folder / "reference",
        read_only_view=folder / "read-only",
    )
    for path in (server.small_disk, server.reference_folder, server.read_only_view):
        path.mkdir()
    mounts = ["--size", str(SMALL_DISK_BYTES), "--tmpfs", str(server.small_disk)]
    mounts += ["--ro-bind", str(server.reference_folder), str(server.read_only_view)]
    sandbox = ["bwrap", "--dev-bind", "/", "/", "--die-with-parent", *mounts]
    script = str(TEST_FOLDER / "preloaded_fork_server.py")
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT_FOLDER),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "NUMBA_THREADING_LAYER": "workqueue",
    }
    with subprocess.Popen(
        [*sandbox, sys.executable, "-P", script, str(server.socket_path)],
        cwd=PROJECT_FOLDER,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield server
        process.stdin.close()
