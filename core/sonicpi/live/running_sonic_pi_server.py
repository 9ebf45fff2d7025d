"""Find the server of a running Sonic Pi: its port, and the token of Sonic Pi 4 and later."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import EarshotError
from core.sonicpi.live.saved_workspace_watcher import get_sonic_pi_folder

PROC_FOLDER = Path("/proc")
# The script that the server runs, by generation of Sonic Pi: 3.2 takes no token.
SERVER_SCRIPTS = {"sonic-pi-server.rb": "3.2", "spider-server.rb": "4"}
DEFAULT_PORT = 4557  # of Sonic Pi 3.2 that was started without arguments
PORTS = range(1024, 65_536)
MAX_LOG_BYTES = 1_000_000
_UDP_OPTION = "-u"


@dataclass(frozen=True)
class RunningServer:
    """Address of the server of a running Sonic Pi on this machine.

    Attributes
    ----------
    generation : {"3.2", "4"}
        "4" stands for 4 and later.
    port : int
        UDP port on 127.0.0.1 that takes OSC messages.
    token : int or None
        First argument of every message to Sonic Pi 4 and later; 3.2 has none.
    """

    generation: str
    port: int
    token: int | None = None

    @property
    def is_proven_version(self) -> bool:
        """Return whether Earshot has been tested with this generation's real server."""
        return self.generation == "3.2"

    def format_name_with_warning(self) -> str:
        """Return its name for the user, with a warning if its generation is untried."""
        return "Sonic Pi 3.2" if self.is_proven_version else "Sonic Pi 4 or later (untried)"


def find_running_server() -> RunningServer:
    """Find the Sonic Pi that this user started last.

    Its command line is read first. Where processes cannot be listed, its log is read.

    Returns
    -------
    RunningServer

    Raises
    ------
    EarshotError
        When no Sonic Pi is found, or it takes no UDP messages.

    Examples
    --------
    >>> find_running_server()  # doctest: +SKIP
    RunningServer(generation='3.2', port=4557, token=None)
    """
    command_lines = _list_command_lines_of_user_processes()
    for words in command_lines:
        if server := parse_sonic_pi_server_command_line(words):
            return server
    server = None if PROC_FOLDER.is_dir() else _read_server_from_logs()
    if server is None:
        raise EarshotError(
            "No running Sonic Pi was found on this machine.",
            remedy="Start Sonic Pi, wait until it is ready, and try again.",
        )
    return server


def parse_sonic_pi_server_command_line(words: Sequence[str]) -> RunningServer | None:
    """Parse the command line of a process.

    Parameters
    ----------
    words : sequence of str
        The program and its arguments.

    Returns
    -------
    RunningServer or None
        None if the process is not the server of Sonic Pi.

    Raises
    ------
    EarshotError
        When the server uses another protocol than UDP, or its arguments cannot be understood.

    Examples
    --------
    >>> parse_sonic_pi_server_command_line(
    ...     ["ruby", "/opt/bin/sonic-pi-server.rb", "-u", "4557", "4558"]
    ... )
    RunningServer(generation='3.2', port=4557, token=None)
    """
    names = [os.path.basename(word) for word in words]
    if not names or "ruby" not in names[0]:
        return None
    script = next((name for name in names[1:] if name in SERVER_SCRIPTS), None)
    if script is None:
        return None
    arguments = list(words[names.index(script) + 1 :])
    if arguments and arguments[0].startswith("-") and not arguments[0][1:].isdigit():
        if arguments[0] != _UDP_OPTION:
            raise EarshotError(
                f"The running Sonic Pi was started with {arguments[0]}, and Earshot sends by UDP.",
                remedy="Start Sonic Pi in its usual way.",
            )
        arguments = arguments[1:]
    generation = SERVER_SCRIPTS[script]
    try:
        port = int(arguments[0]) if arguments else DEFAULT_PORT
        # The last argument in all published versions of 4, whose number of ports varies.
        token = None if generation == "3.2" else int(arguments[-1])
    except (ValueError, IndexError):
        port, token = 0, None
    return _make_running_server(generation, port, token)


def parse_spider_log(text: str) -> RunningServer | None:
    r"""Read port and token from the log of Sonic Pi 4, which not every version writes there.

    Examples
    --------
    >>> parse_spider_log("Ports: {:server_port=>30130, :gui_port=>30131}\nToken: -12\n")
    RunningServer(generation='4', port=30130, token=-12)
    """
    ports = re.findall(r"^Ports: .*?server_port(?:=>|: ?)(\d+)", text, re.MULTILINE)
    tokens = re.findall(r"^Token: (-?\d+)", text, re.MULTILINE)
    return _make_running_server("4", int(ports[-1]), int(tokens[-1])) if ports and tokens else None


def parse_server_output_log(text: str) -> RunningServer | None:
    r"""Read the port from the log of Sonic Pi 3.2.

    Examples
    --------
    >>> parse_server_output_log("Using primary protocol: udp\nListen port: 4557\n  - OK\n")
    RunningServer(generation='3.2', port=4557, token=None)
    """
    ports = re.findall(r"^Listen port: (\d+)", text, re.MULTILINE)
    return _make_running_server("3.2", int(ports[-1]), None) if ports else None


def _make_running_server(generation: str, port: int, token: int | None) -> RunningServer:
    if port not in PORTS:
        raise EarshotError(
            "The port of the running Sonic Pi could not be read from its command line or log.",
            remedy="Restart Sonic Pi. Its version may be one that Earshot does not know.",
        )
    return RunningServer(generation, port, token)


def _list_command_lines_of_user_processes() -> list[list[str]]:
    """Return the command lines of this user's processes, the newest process first."""
    command_lines: list[tuple[float, list[str]]] = []
    for folder in PROC_FOLDER.glob("[0-9]*"):
        try:
            status = folder.stat()
            if status.st_uid != os.getuid():
                continue
            words = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        except OSError:  # The process has ended.
            continue
        command_lines.append((status.st_mtime, [os.fsdecode(word) for word in words]))
    command_lines.sort(key=lambda line: line[0], reverse=True)
    return [words for _, words in command_lines]


def _read_server_from_logs() -> RunningServer | None:
    """Return the server of the newest log; whether it still runs shows when it is sent to."""
    folder = get_sonic_pi_folder() / "log"
    parsers = {"spider.log": parse_spider_log, "server-output.log": parse_server_output_log}
    logs = [folder / name for name in parsers if (folder / name).is_file()]
    for path in sorted(logs, key=lambda path: path.stat().st_mtime, reverse=True):
        with open(path, "rb") as file:
            text = file.read(MAX_LOG_BYTES).decode(errors="replace")
        if server := parsers[path.name](text):
            return server
    return None
