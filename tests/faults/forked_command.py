"""Run a command in a fork of the preloaded server: `forked_command.py SOCKET ARGUMENT…`.

The server's fork writes to this process's output. This process ends with the fork's status.
"""

import json
import os
import signal
import socket
import sys

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(sys.argv[1])
    request = {"argv": sys.argv[2:], "environment": dict(os.environ), "folder": os.getcwd()}
    socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], [1, 2])
    with connection.makefile() as replies:
        child_pid = int(replies.readline())
        # A job is ended by its pid, which is this process's, so the fork must get the signal.
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child_pid, signal.SIGTERM))
        status = int(replies.readline())
if status < 0:
    if -status != signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
