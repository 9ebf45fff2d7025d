"""Sonic Pi as musicians run it: its own server in real time, scsynth and a silent sound card.

A relay between the server and scsynth writes down every message on its way.
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
from core.sonicpi.clip import Clip

SERVER = "/usr/lib/sonic-pi/app/server/ruby/bin/sonic-pi-server.rb"
NTP_TO_UNIX = 2_208_988_800
BOOT_S = 60.0
TRIES = 2
# The server's ports: itself, its editor, scsynth, the relay, and four that stay unused.
SERVER_PORT, GUI, SCSYNTH, RELAY, CUES, ERLANG, MIDI_OUT, MIDI_IN, WEBSOCKET = range(46_001, 46_010)


class LiveSonicPi:
    """A running Sonic Pi; a context manager that ends all it started.

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
        self.gui = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.gui.bind(("127.0.0.1", GUI))
        self.gui.settimeout(1.0)

    def __enter__(self) -> LiveSonicPi:
        self._start(["jackd", "-r", "-d", "dummy", "-r", "44100", "-p", "1024"])
        time.sleep(2.0)
        ports = [SERVER_PORT, GUI, SCSYNTH, RELAY, CUES, ERLANG, MIDI_OUT, MIDI_IN, WEBSOCKET]
        self._start(["ruby", SERVER, "-u", *map(str, ports)])
        deadline = time.monotonic() + BOOT_S
        # It makes sure that all its ports are free, the relay's too, before it uses them.
        while b"Websocket port" not in (self.home / "log").read_bytes():
            time.sleep(0.05)
            if time.monotonic() > deadline:
                break
        time.sleep(0.2)
        self._relay()
        while not self._answers():
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
        self.gui.close()

    def take(self, source: str, seconds: float) -> tuple[list[tuple[float, bytes]], Clip]:
        """Play a program live.

        Returns
        -------
        messages : list of (float, bytes)
            OSC packets to scsynth, each with the Unix time of its passing.
        clip : Clip
            What was recorded, from before the program's start.

        Notes
        -----
        A take in which the sound card missed its time is played again, up to TRIES times;
        `dropouts` counts those that were kept all the same.
        """
        for _ in range(TRIES):
            logged = self._log_size()
            taken = self._take(source, seconds)
            if not self._missed_since(logged):
                return taken
        self.dropouts += 1
        return taken

    def _take(self, source: str, seconds: float) -> tuple[list[tuple[float, bytes]], Clip]:
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
        time.sleep(1.2)  # the job's mixer fades for a second
        return self.messages[first:last], clip

    def _log_size(self) -> int:
        return (self.home / "log").stat().st_size

    def _missed_since(self, logged: int) -> bool:
        """Whether jackd has told of a buffer that came too late: a gap in the sound."""
        with open(self.home / "log", "rb") as log:
            log.seek(logged)
            return b"xrun" in log.read().lower()

    def _start(self, command: list[str]) -> None:
        log = open(self.home / "log", "ab")
        # The server leaves folders behind where it keeps temporary files: let that be in here.
        environment = {
            **os.environ,
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "JACK_NO_AUDIO_RESERVATION": "1",
        }
        self.processes.append(
            subprocess.Popen(
                # Before all other work, where that is allowed: a late buffer is a gap in the sound.
                ["nice", "-n", "-19", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        )

    def _answers(self) -> bool:
        self._send("/ping", "earshot")
        try:
            while True:
                if self.gui.recv(65_536).startswith(b"/ack"):
                    return True
        except TimeoutError:
            return False

    def _send(self, address: str, *arguments: str) -> None:
        message = _padded(address) + _padded(",s" + "s" * len(arguments)) + _padded("earshot")
        message += b"".join(map(_padded, arguments))
        self.gui.sendto(message, ("127.0.0.1", SERVER_PORT))

    def _relay(self) -> None:
        """Pass packets both ways between Sonic Pi and scsynth, noting those to scsynth."""
        front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        front.bind(("127.0.0.1", RELAY))
        back.bind(("127.0.0.1", 0))
        client: list = [None]

        def forth() -> None:
            while True:
                packet, client[0] = front.recvfrom(65_536)
                self.messages.append((time.time(), packet))
                back.sendto(packet, ("127.0.0.1", SCSYNTH))

        def answers() -> None:
            while True:
                packet = back.recv(65_536)
                if client[0]:
                    front.sendto(packet, client[0])

        for target in (forth, answers):
            threading.Thread(target=target, daemon=True).start()


def decoded(passed: float, packet: bytes) -> tuple[float, str, list]:
    """Return (Unix time, address, arguments) of a message, or of a bundle of one.

    A message without a time is due when it passes.
    """
    when = passed
    if packet.startswith(b"#bundle\0"):
        whole, part = struct.unpack_from(">II", packet, 8)
        when = whole - NTP_TO_UNIX + part / 2**32
        packet = packet[20:]
    address, at = _string(packet, 0)
    tags, at = _string(packet, at)
    arguments: list = []
    for tag in tags[1:]:
        if tag == "s":
            value, at = _string(packet, at)
        else:
            value = struct.unpack_from(">i" if tag == "i" else ">f", packet, at)[0]
            at += 4
        arguments.append(value)
    return when, address, arguments


def _padded(text: str) -> bytes:
    encoded = text.encode()
    return encoded + b"\0" * (4 - len(encoded) % 4)


def _string(packet: bytes, at: int) -> tuple[str, int]:
    end = packet.index(b"\0", at)
    return packet[at:end].decode(), at + (end - at) // 4 * 4 + 4
