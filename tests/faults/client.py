"""Asks the nursery for a process, and ends as that did: `client.py SOCKET ARGUMENT…`."""

import json
import os
import signal
import socket
import sys

with socket.socket(socket.AF_UNIX) as nursery:
    nursery.connect(sys.argv[1])
    asked = {"argv": sys.argv[2:], "environment": dict(os.environ), "folder": os.getcwd()}
    socket.send_fds(nursery, [json.dumps(asked).encode() + b"\n"], [1, 2])
    with nursery.makefile() as answers:
        child = int(answers.readline())
        # Whoever ends this asks for that one's end.
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
        status = int(answers.readline())
if status < 0:
    signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
    os.kill(os.getpid(), -status)
sys.exit(status)
