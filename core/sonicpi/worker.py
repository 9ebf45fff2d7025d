"""One host process in its sandbox, and how to talk with it."""

from __future__ import annotations

import fcntl
import json
import os
import select
import struct
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.sonicpi.clip import SAMPLE_RATE, Clip, Event, Problem, RenderError, Rendering
from core.sonicpi.limits import Limits
from core.sonicpi.sandbox import HOST, plugin_files, require_sandbox, sandbox_state, sandboxed
from core.sonicpi.versions import require_versions

# Without quoting Sonic Pi's own source in what a user is told.
RUBY = ("/usr/bin/ruby", "--disable=error_highlight")
START_S = 60.0
# Beyond the limits of both halves of a render, for the host to end what they leave.
GRACE_S = 30.0
# Below this the clip is silent: -80 dBFS.
SILENCE_RMS = 1e-4
# Warnings that explain why nothing is heard.
SILENCING = ("missing_sample", "unknown_synth", "waiting", "ignored")
FRAME_BYTES = 8
PIPE_BYTES = 1 << 20


class HostGone(Exception):
    """The host ended or stopped answering; its worker must be replaced."""


class Worker:
    """A persistent host: Sonic Pi and scsynth loaded once, one program at a time.

    Parameters
    ----------
    limits : Limits
        Of every program it runs.
    sample_folders : tuple of Path
        Folders of sounds that programs may read.

    Raises
    ------
    EarshotError
        When Sonic Pi, scsynth or the sandbox is missing.
    """

    def __init__(self, limits: Limits = Limits(), sample_folders: tuple[Path, ...] = ()):
        require_versions()
        require_sandbox()
        self.limits = limits
        command = [*RUBY, "/earshot/host/host.rb", "/earshot/plugins"]
        if sandbox_state()[0]:
            command = sandboxed(command, sample_folders=sample_folders)
        else:
            plugins = ":".join(sorted({str(Path(path).parent) for path in plugin_files()}))
            command = [*RUBY, str(HOST / "host.rb"), plugins]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        widen(self.process.stdout.fileno())
        self._receive(time.monotonic() + START_S)

    def render(self, source: str, seconds: float, sample_rate: int = SAMPLE_RATE) -> Rendering:
        """Render one program.

        Raises
        ------
        HostGone
            When the host died or overstepped every limit: the worker is of no
            more use.
        """
        started = time.monotonic()
        deadline = self._deadline()
        answer, warnings = self._run(source, seconds, sample_rate, deadline)
        if answer["error"]:
            spent = time.monotonic() - started
            return Rendering(None, _problem(answer["error"]), warnings, spent)
        raw = self._read(answer["frames"] * FRAME_BYTES, deadline)
        played = self._receive(deadline)
        spent = time.monotonic() - started
        if played["error"]:
            return Rendering(None, _problem(played["error"]), warnings, spent)
        samples = np.frombuffer(raw, dtype=np.float32).reshape(-1, 2)
        rendering = judged(Clip(samples, sample_rate), warnings, spent)
        return replace(rendering, program_s=answer["host_s"], synthesis_s=played["synth_s"])

    def score(self, source: str, seconds: float, sample_rate: int = SAMPLE_RATE) -> bytes:
        """Run one program and return its score for ``scsynth -N``, the lead included.

        Raises
        ------
        RenderError
            When the program fails.
        HostGone
            As `render`.
        """
        deadline = self._deadline()
        answer, _ = self._run(source, seconds, sample_rate, deadline, score_only=True)
        if answer["error"]:
            raise RenderError(_problem(answer["error"]))
        return bytes(self._read(answer["score_bytes"], deadline))

    def events(self, source: str, seconds: float) -> tuple[list[Event], Rendering]:
        """Run one program without playing it.

        Returns
        -------
        events : list of Event
            What it would have sent to scsynth, in order of time.
        rendering : Rendering
            Without a clip; its error and warnings.

        Raises
        ------
        HostGone
            As `render`.
        """
        started = time.monotonic()
        answer, warnings = self._run(
            source, seconds, SAMPLE_RATE, self._deadline(), events_only=True
        )
        error = _problem(answer["error"]) if answer["error"] else None
        events = [Event(when, what, tuple(args)) for when, what, *args in answer.get("events", ())]
        return events, Rendering(None, error, warnings, time.monotonic() - started)

    def _deadline(self) -> float:
        return time.monotonic() + 2 * self.limits.wall_s + GRACE_S

    def _run(
        self, source: str, seconds: float, sample_rate: int, deadline: float, **more: bool
    ) -> tuple[dict[str, Any], tuple[Problem, ...]]:
        """Let the host run a program; return its answer, and the warnings in it."""
        request = {"source": source, "seconds": seconds, "sample_rate": sample_rate, **more}
        self._send(request | {"limits": self.limits.as_request()})
        answer = self._receive(deadline)
        return answer, tuple(_problem(one) for one in answer.get("warnings", ()))

    def close(self) -> None:
        """End the host; safe to call twice."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()

    def _send(self, request: dict[str, Any]) -> None:
        body = json.dumps(request).encode()
        view = memoryview(struct.pack(">I", len(body)) + body)
        try:
            while view:
                view = view[self.process.stdin.write(view) :]
        except OSError as error:
            raise HostGone("the host does not listen") from error

    def _receive(self, deadline: float) -> dict[str, Any]:
        (size,) = struct.unpack(">I", self._read(4, deadline))
        return json.loads(self._read(size, deadline))

    def _read(self, size: int, deadline: float) -> bytearray:
        """Read exactly `size` bytes into memory that a clip can keep."""
        buffer = bytearray(size)
        view = memoryview(buffer)
        descriptor = self.process.stdout.fileno()
        while view:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise HostGone("the host did not answer in time")
            got = os.readv(descriptor, [view])
            if got == 0:
                raise HostGone("the host ended")
            view = view[got:]
        return buffer


def widen(pipe: int) -> None:
    """Let a pipe hold 3 s of sound: the fewer turns reader and writer take, the better."""
    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:  # The user has too many such pipes already.
        pass


def judged(clip: Clip, warnings: tuple[Problem, ...], spent: float) -> Rendering:
    """Make a rendering of a clip: silence is an error, clipping a warning.

    Parameters
    ----------
    clip : Clip
        What scsynth played; beyond full scale it is cut, as a sound card would.
    warnings : tuple of Problem
        What the host had to say.
    spent : float
        Seconds it took.
    """
    peak = clip.peak
    if not np.isfinite(peak):
        message = "The sound is not a number in places: a filter or FX has become unstable."
        return Rendering(None, Problem("crashed", message), warnings, spent)
    if clip.rms < SILENCE_RMS:
        missing = next((w for w in warnings if w.kind in SILENCING), None)
        reason = f" {missing.message}" if missing else ""
        line = missing.line if missing else None
        problem = Problem("silent", f"Nothing can be heard in {clip.seconds:g} s.{reason}", line)
        return Rendering(None, problem, warnings, spent)
    if peak > 1.0:
        np.clip(clip.samples, -1.0, 1.0, out=clip.samples)
        loud = Problem(
            "clipped", f"The sound exceeds full scale (peak {peak:.3f}): it is distorted."
        )
        warnings = (*warnings, loud)
    return Rendering(clip, None, warnings, spent)


def _problem(fields: dict[str, Any]) -> Problem:
    return Problem(fields["kind"], fields["message"], fields.get("line"))
