"""Everything that a job loads, loaded once: each job of these tests is a fork of that.

A job begins in a tenth of a second instead of twenty (UMAP alone compiles for fifteen), so
that many can be killed. What is forked runs `core.cli.main` as `python -m core` does. One
that is started by `core.jobs` comes by way of `client.py`, which hands over its folder,
its environment and its log, and ends as it ended.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
import traceback

READY = "ready"


def warm() -> None:
    """Load and compile what a job of any stage needs; one thread computes, here and below."""
    import numpy as np
    import torch

    torch.set_num_threads(1)
    import core.cli
    import core.jobs.worker
    import core.pipeline.check
    import core.pipeline.export
    import core.pipeline.import_programs
    import core.pipeline.sweep
    import core.pipeline.train  # noqa: F401
    import tests.faults.fault_injection  # noqa: F401
    from core import encoders
    from core.alignment import grid
    from core.evaluation.map_layout import compute_joint_map
    from tests.faults.conftest import AUDIO, CODE, OTHER_CODE

    for encoder in (CODE, OTHER_CODE, AUDIO):
        encoders.get_encoder(encoder)
    points = np.random.default_rng(0).normal(size=(12, 8)).astype(np.float32)
    # A sweep of as many configurations as are worth killing.
    ablation = grid.GRIDS["ablation"]
    grid.GRIDS["ablation"] = lambda: ablation()[:4]
    before = compute_joint_map(points, points)
    compute_joint_map(points, points, initial_positions=before)


def run(asked: dict) -> int:
    """Be the process that was asked for: a command of Earshot's, or code of a test's."""
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    argv = asked["argv"]
    from core.sonicpi.interpreter import parser
    from core.sonicpi import single_render
    from tests.faults import fault_injection

    # What the nursery talks with is not this one's: it would hear answers to others' questions.
    single_render._workers.clear()
    parser._running_parsers.clear()
    fault_injection.begin()
    if argv[0] == "python":
        sys.argv = argv[1:]
        exec(compile(argv[1], "a test", "exec"), {"__name__": "__main__"})
        return 0
    from core.cli import main

    sys.argv = ["./run", *argv]
    return main(argv)


def child(message: bytes, output: list[int]) -> None:
    """Run in a session of its own, as a job does, and end."""
    status = 1
    try:
        # First of all: whatever goes wrong from here on is told where the client tells it.
        for number, descriptor in enumerate(output, 1):
            os.dup2(descriptor, number)
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        status = run(json.loads(message))
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def serve(address: str) -> None:
    """Fork whatever is asked for, until whoever began this closes its standard input."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    waiting = selectors.DefaultSelector()
    waiting.register(listening, selectors.EVENT_READ)
    waiting.register(0, selectors.EVENT_READ)
    print(READY, flush=True)
    while True:
        for key, _ in waiting.select():
            if key.fileobj == 0:
                return
            if key.fileobj is listening:
                asking, _ = listening.accept()
                pid = _born(asking)
                waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, asking))
                continue
            pid, asking = key.data
            waiting.unregister(key.fileobj)
            os.close(key.fileobj)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            try:
                asking.sendall(json.dumps(status).encode())
            except OSError:  # the client was killed
                pass
            asking.close()


def _born(asking: socket.socket) -> int:
    """Fork what a client asks for; return its pid."""
    message, output, _, _ = socket.recv_fds(asking, 1 << 20, 2)
    while not message.endswith(b"\n"):
        message += asking.recv(1 << 20)
    pid = os.fork()
    if pid == 0:
        child(message, output)
    asking.sendall(b"%d\n" % pid)
    for descriptor in output:
        os.close(descriptor)
    return pid


if __name__ == "__main__":
    warm()
    serve(sys.argv[1])
