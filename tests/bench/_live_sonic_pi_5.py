"""Live Sonic Pi 4 or 5: an installation that a person has, started by its own daemon.

Untried: no such installation was available. The protocol is that of the daemon and the server in
the public repository: the daemon prints its ports and a token, ends unless it is told regularly to
stay alive, and every message to the server starts with the token.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

from _live_sonic_pi import BOOT_TIMEOUT_SECONDS, LiveSonicPi, encode_string

from core.errors import EarshotError

INSTALLATION_VARIABLE = "EARSHOT_SONIC_PI"
DAEMON = "server/ruby/bin/daemon.rb"
BUNDLED_RUBY = "server/native/ruby/bin/ruby"
# Where an installation has its folder `app`: on Linux and Windows, and inside of a macOS bundle.
APP_FOLDERS = ("app", ".", "Contents/Resources/app", "usr/lib/sonic-pi/app", "lib/sonic-pi/app")
KEEP_ALIVE_SECONDS = 2.0
PORT_COUNT = 7  # of which the second, third and first are used; the token follows


def find_app_folder(installation: Path) -> Path:
    """Return the folder `app` of an installation of Sonic Pi 4 or 5.

    Raises
    ------
    EarshotError
        When there is none.
    """
    for name in APP_FOLDERS:
        if (installation / name / DAEMON).is_file():
            return installation / name
    raise EarshotError(
        f"This is no installation of Sonic Pi 4 or 5: app/{DAEMON} is missing.",
        where=str(installation),
        remedy=f"Set {INSTALLATION_VARIABLE} to its folder.",
    )


def parse_daemon_line(line: str) -> tuple[list[int], int]:
    """Return the ports and the token that the daemon prints.

    Raises
    ------
    EarshotError
        When the line is a message about a failure.
    """
    words = line.split()
    try:
        *ports, token = map(int, words)
    except ValueError:
        ports, token = [], 0
    if len(ports) != PORT_COUNT:
        raise EarshotError(f"Sonic Pi did not start: {line.strip() or 'its daemon ended'}.")
    return ports, token


class LiveSonicPi5(LiveSonicPi):
    """A context manager as `LiveSonicPi`, without a record of messages.

    Parameters
    ----------
    home : Path
        An empty folder for its settings, logs and recordings.
    installation : Path
        Folder of Sonic Pi.
    """

    def __init__(self, home: Path, installation: Path):
        self.app = find_app_folder(installation)
        super().__init__(home)
        self._token = 0
        self._daemon_port = self._server_port = 0
        self._is_ending = threading.Event()

    def __enter__(self) -> LiveSonicPi5:
        self._start(["jackd", "-r", "-d", "dummy", "-r", "44100", "-p", "1024"])
        time.sleep(2.0)
        ports, self._token = parse_daemon_line(self._start_daemon())
        self._daemon_port, editor_port, self._server_port = ports[:3]
        self.editor.close()
        self.editor = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.editor.bind(("127.0.0.1", editor_port))
        self.editor.settimeout(1.0)
        threading.Thread(target=self._keep_alive, daemon=True).start()
        deadline = time.monotonic() + BOOT_TIMEOUT_SECONDS
        while not self._is_running():
            if time.monotonic() > deadline:
                self.__exit__()
                raise EarshotError("Live Sonic Pi did not start.", where=str(self.home / "log"))
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_ending.set()
        self._send_to(self._daemon_port, "/daemon/exit")
        super().__exit__(*exception)

    def _start_daemon(self) -> str:
        """Start the daemon and return the line that it prints."""
        bundled = self.app / BUNDLED_RUBY
        ruby = str(bundled) if bundled.is_file() else shutil.which("ruby") or "ruby"
        with open(self.home / "log", "ab") as log:
            daemon = subprocess.Popen(
                [ruby, str(self.app / DAEMON)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "HOME": str(self.home), "TMPDIR": str(self.home)},
                start_new_session=True,
            )
        self.processes.append(daemon)
        assert daemon.stdout is not None
        return daemon.stdout.readline()

    def _keep_alive(self) -> None:
        while not self._is_ending.wait(KEEP_ALIVE_SECONDS):
            self._send_to(self._daemon_port, "/daemon/keep-alive")

    def _send(self, address: str, *arguments: str) -> None:
        self._send_to(self._server_port, address, *arguments)

    def _send_to(self, port: int, address: str, *arguments: str) -> None:
        """Send a message whose first argument is the token."""
        head = encode_string(address) + encode_string(",i" + "s" * len(arguments))
        body = struct.pack(">i", self._token) + b"".join(map(encode_string, arguments))
        self.editor.sendto(head + body, ("127.0.0.1", port))
