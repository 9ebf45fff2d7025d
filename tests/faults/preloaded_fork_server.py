"""A server that has loaded everything a job needs and forks itself for each job.

A job then starts in 0.1 s instead of 20 s (UMAP alone compiles for 15 s), so that the tests can
kill many of them. A fork runs `core.cli.main`, as `python -m core` does. `forked_command.py` sends
it the working folder, the environment and the output of the process it stands for.
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

READY_MESSAGE = "ready"
MAX_REQUEST_BYTES = 1 << 20
PRELOADED_MODULES = (
    "core.cli",
    "core.jobs.job_process_recording",
    "core.pipeline.corpus_check_and_repair",
    "core.pipeline.corpus_export",
    "core.pipeline.import_programs",
    "core.pipeline.sweep_execution",
    "core.pipeline.train_and_evaluate_alignment",
    "tests.faults.fault_injection",
)
SWEEP_TRIALS = 4  # a full grid would take too long to kill at random moments


def preload() -> None:
    """Import and compile what the jobs of all stages need, for one computing thread."""
    import numpy as np
    import torch

    torch.set_num_threads(1)
    for module in PRELOADED_MODULES:
        importlib.import_module(module)
    from core import encoders
    from core.alignment import sweep_grids
    from core.evaluation.joint_umap_layout import compute_joint_umap_layout
    from tests.faults.stages import AUDIO_ENCODER, CODE_ENCODER, SECOND_CODE_ENCODER

    for encoder_id in (CODE_ENCODER, SECOND_CODE_ENCODER, AUDIO_ENCODER):
        encoders.get_encoder(encoder_id)
    list_ablation_trials = sweep_grids.GRIDS["ablation"]
    sweep_grids.GRIDS["ablation"] = lambda: list_ablation_trials()[:SWEEP_TRIALS]
    embeddings = np.random.default_rng(0).normal(size=(12, 8)).astype(np.float32)
    positions = compute_joint_umap_layout(embeddings, embeddings)
    compute_joint_umap_layout(embeddings, embeddings, initial_positions=positions)


def run_request(request: dict[str, Any]) -> int:
    """Run a request in this process: a command of Earshot, or the code of a test.

    Parameters
    ----------
    request : dict
        "argv" (a command of Earshot, or "python", code and its arguments), "environment" and
        "folder".

    Returns
    -------
    int
        Exit status.
    """
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    argv = request["argv"]
    from core.sonicpi import single_render
    from core.sonicpi.interpreter import ruby_parser_process
    from tests.faults import fault_injection

    # The server's helper processes are shared by all forks, which would read each other's answers.
    single_render._workers.clear()
    ruby_parser_process._running_parsers.clear()
    fault_injection.install_fault()
    if argv[0] == "python":
        sys.argv = argv[1:]
        exec(compile(argv[1], "a test", "exec"), {"__name__": "__main__"})
        return 0
    from core.cli import main

    sys.argv = ["./run", *argv]
    return main(argv)


def run_child(message: bytes, output_descriptors: list[int]) -> None:
    """Run a request in its own session, as a job does, and exit.

    Parameters
    ----------
    message : bytes
        The request as JSON.
    output_descriptors : list of int
        Files that become standard output and standard error.
    """
    status = 1
    try:
        # First, so that every later error is written where the client reads it.
        for standard_descriptor, descriptor in enumerate(output_descriptors, 1):
            os.dup2(descriptor, standard_descriptor)
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        status = run_request(json.loads(message))
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:  # as the interpreter does with an uncaught exception
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def serve(socket_path: Path) -> None:
    """Fork a process per connection until standard input is closed."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(socket_path))
    listener.listen()
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(0, selectors.EVENT_READ)
    print(READY_MESSAGE, flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj == 0:
                return
            if key.fileobj is listener:
                connection, _ = listener.accept()
                pid = _fork_for(connection)
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, connection))
                continue
            pid, connection = key.data
            selector.unregister(key.fileobj)
            os.close(key.fd)
            _send_status(connection, pid)


def _fork_for(connection: socket.socket) -> int:
    """Fork a process for the request of a client, and return its pid."""
    message, output_descriptors, _, _ = socket.recv_fds(connection, MAX_REQUEST_BYTES, 2)
    while not message.endswith(b"\n"):
        message += connection.recv(MAX_REQUEST_BYTES)
    pid = os.fork()
    if pid == 0:
        run_child(message, output_descriptors)
    connection.sendall(b"%d\n" % pid)
    for descriptor in output_descriptors:
        os.close(descriptor)
    return pid


def _send_status(connection: socket.socket, pid: int) -> None:
    """Send the exit status of an ended fork to its client."""
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        connection.sendall(json.dumps(status).encode())
    except OSError:  # the client was killed
        pass
    connection.close()


if __name__ == "__main__":
    preload()
    serve(Path(sys.argv[1]))
