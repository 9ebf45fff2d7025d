"""Live Sonic Pi: its own server in real time, scsynth, and a dummy sound card.

A relay between the server and scsynth records every message.
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

from core.errors import EarshotError
from core.sonicpi.audio_clip_and_render_result import Clip

SERVER_SCRIPT = "/usr/lib/sonic-pi/app/server/ruby/bin/sonic-pi-server.rb"
NTP_TO_UNIX_SECONDS = 2_208_988_800
BOOT_TIMEOUT_SECONDS = 60.0
MAX_TAKES = 2
LATE_SECONDS = 0.1  # a program without a lead sends its messages a few ms late on a busy machine
# Ports in the order of the server's arguments: server, editor, scsynth, the relay in front of
# scsynth, and five that stay unused.
PORTS = range(46_001, 46_010)
SERVER_PORT, EDITOR_PORT, SCSYNTH_PORT, RELAY_PORT = PORTS[:4]


class LiveSonicPi:
    """A context manager that runs Sonic Pi and ends all processes that it started.

    Parameters
    ----------
    home : Path
        An empty folder for its settings, logs and recordings.

    Raises
    ------
    EarshotError
        When jackd is missing or Sonic Pi does not start.
    """

    def __init__(self, home: Path):
        if not shutil.which("jackd"):
            raise EarshotError(
                "Live Sonic Pi needs jackd.",
                remedy="Install it with: sudo apt-get install --no-install-recommends jackd2",
            )
        self.home = home
        self.dropouts = 0
        self.processes: list[subprocess.Popen] = []
        self.messages: list[tuple[float, bytes]] = []
        self.editor = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.editor.bind(("127.0.0.1", EDITOR_PORT))
        self.editor.settimeout(1.0)

    def __enter__(self) -> LiveSonicPi:
        self._start(["jackd", "-r", "-d", "dummy", "-r", "44100", "-p", "1024"])
        time.sleep(2.0)
        self._start(["ruby", SERVER_SCRIPT, "-u", *map(str, PORTS)])
        deadline = time.monotonic() + BOOT_TIMEOUT_SECONDS
        # The server first checks that all ports are free, so the relay must not open its port yet.
        while b"Websocket port" not in (self.home / "log").read_bytes():
            time.sleep(0.05)
            if time.monotonic() > deadline:
                break
        time.sleep(0.2)
        self._start_relay()
        while not self._is_running():
            if time.monotonic() > deadline or self.processes[-1].poll() is not None:
                self.__exit__()
                raise EarshotError("Live Sonic Pi did not start.", where=str(self.home / "log"))
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            if process.poll() is None:
                os.killpg(process.pid, 15)
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
        self.editor.close()

    def record_take(self, source: str, seconds: float) -> tuple[list[tuple[float, bytes]], Clip]:
        """Play a program live and record it.

        Returns
        -------
        messages : list of (float, bytes)
            OSC packets to scsynth, each with the Unix time at which the relay received it.
        clip : Clip
            The recording, which starts before the program.

        Notes
        -----
        A take with a dropout of the sound card is repeated, up to MAX_TAKES takes; `dropouts`
        counts the returned takes with a dropout.
        """
        for _ in range(MAX_TAKES):
            log_size = self._get_log_size()
            take = self._play_once(source, seconds)
            if not self._has_dropout_since(log_size):
                return take
        self.dropouts += 1
        return take

    def _play_once(self, source: str, seconds: float) -> tuple[list[tuple[float, bytes]], Clip]:
        path = self.home / "take.wav"
        self._send("/start-recording")
        time.sleep(0.5)
        first = len(self.messages)
        self._send("/run-code", source)
        time.sleep(seconds + 1.5)
        self._send("/stop-recording")
        last = len(self.messages)
        self._send("/stop-all-jobs")
        time.sleep(1.0)
        self._send("/save-recording", str(path))
        time.sleep(0.5)
        clip = Clip.load(path)
        path.unlink()
        time.sleep(1.2)  # The mixer of the job fades out for a second.
        return self.messages[first:last], clip

    def _get_log_size(self) -> int:
        return (self.home / "log").stat().st_size

    def _has_dropout_since(self, log_size: int) -> bool:
        """Return whether jackd has logged a late buffer, which is a gap in the sound."""
        with open(self.home / "log", "rb") as log:
            log.seek(log_size)
            return b"xrun" in log.read().lower()

    def _start(self, command: list[str]) -> None:
        log = open(self.home / "log", "ab")
        # The server does not remove its temporary folders, so they go into `home`.
        environment = {
            **os.environ,
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "JACK_NO_AUDIO_RESERVATION": "1",
        }
        self.processes.append(
            subprocess.Popen(
                # A late buffer is a gap in the sound, so the priority is the highest permitted one.
                ["nice", "-n", "-19", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        )

    def _is_running(self) -> bool:
        self._send("/ping", "earshot")
        try:
            while True:
                if self.editor.recv(65_536).startswith(b"/ack"):
                    return True
        except TimeoutError:
            return False

    def _send(self, address: str, *arguments: str) -> None:
        type_tags = ",s" + "s" * len(arguments)
        message = b"".join(map(encode_string, (address, type_tags, "earshot", *arguments)))
        self.editor.sendto(message, ("127.0.0.1", SERVER_PORT))

    def _start_relay(self) -> None:
        """Forward packets between Sonic Pi and scsynth, and record those to scsynth."""
        server_side = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        scsynth_side = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server_side.bind(("127.0.0.1", RELAY_PORT))
        scsynth_side.bind(("127.0.0.1", 0))
        server_address: list = [None]

        def forward_messages() -> None:
            while True:
                packet, server_address[0] = server_side.recvfrom(65_536)
                self.messages.append((time.time(), packet))
                scsynth_side.sendto(packet, ("127.0.0.1", SCSYNTH_PORT))

        def forward_replies() -> None:
            while True:
                packet = scsynth_side.recv(65_536)
                if server_address[0]:
                    server_side.sendto(packet, server_address[0])

        for target in (forward_messages, forward_replies):
            threading.Thread(target=target, daemon=True).start()


def decode_message(received: float, packet: bytes) -> tuple[float, str, list]:
    """Return (Unix time, address, arguments) of a message, or of a bundle of one message.

    A message outside of a bundle has the time at which it was received, and so has a bundle that
    was received more than LATE_SECONDS after its time: scsynth plays it then.
    """
    message_time = received
    if packet.startswith(b"#bundle\0"):
        seconds, fraction = struct.unpack_from(">II", packet, 8)
        bundle_time = seconds - NTP_TO_UNIX_SECONDS + fraction / 2**32
        message_time = received if received - bundle_time > LATE_SECONDS else bundle_time
        packet = packet[20:]
    address, offset = _decode_string(packet, 0)
    type_tags, offset = _decode_string(packet, offset)
    arguments: list = []
    for type_tag in type_tags[1:]:
        if type_tag == "s":
            value, offset = _decode_string(packet, offset)
        else:
            value = struct.unpack_from(">i" if type_tag == "i" else ">f", packet, offset)[0]
            offset += 4
        arguments.append(value)
    return message_time, address, arguments


def encode_string(text: str) -> bytes:
    encoded = text.encode()
    return encoded + b"\0" * (4 - len(encoded) % 4)


def _decode_string(packet: bytes, start: int) -> tuple[str, int]:
    """Return a string and the offset of the next argument."""
    end = packet.index(b"\0", start)
    return packet[start:end].decode(), start + (end - start) // 4 * 4 + 4
