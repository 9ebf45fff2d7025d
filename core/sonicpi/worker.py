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

from core.sonicpi.clip import SAMPLE_RATE, Clip, OscMessage, RenderProblem, RenderError, RenderResult
from core.sonicpi.limits import RenderLimits
from core.sonicpi.sandbox import HOST_FOLDER, list_plugin_paths, require_sandbox, check_sandbox, wrap_in_sandbox
from core.sonicpi.versions import require_supported_versions

# Without quoting Sonic Pi's own source in what a user is told.
RUBY_COMMAND = ("/usr/bin/ruby", "--disable=error_highlight")
START_TIMEOUT_SECONDS = 60.0
# Beyond the limits of both halves of a render, for the host to end what they leave.
GRACE_SECONDS = 30.0
# Below this the clip is silent: -80 dBFS.
SILENCE_RMS = 1e-4
# Warnings that explain why nothing is heard.
SILENCE_CAUSES = ("missing_sample", "unknown_synth", "waiting", "ignored")
FRAME_BYTES = 8
PIPE_BUFFER_BYTES = 1 << 20


class HostProcessError(Exception):
    """The host ended or stopped answering; its worker must be replaced."""


class RenderWorker:
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

    def __init__(self, limits: RenderLimits = RenderLimits(), sample_folders: tuple[Path, ...] = ()):
        require_supported_versions()
        require_sandbox()
        self.limits = limits
        command = [*RUBY_COMMAND, "/earshot/host/host.rb", "/earshot/plugins"]
        if check_sandbox()[0]:
            command = wrap_in_sandbox(command, sample_folders=sample_folders)
        else:
            plugins = ":".join(sorted({str(Path(path).parent) for path in list_plugin_paths()}))
            command = [*RUBY_COMMAND, str(HOST_FOLDER / "host.rb"), plugins]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        enlarge_pipe_buffer(self.process.stdout.fileno())
        self._receive_answer(time.monotonic() + START_TIMEOUT_SECONDS)

    def render(self, source: str, seconds: float, sample_rate: int = SAMPLE_RATE) -> RenderResult:
        """Render one program.

        Raises
        ------
        HostGone
            When the host died or overstepped every limit: the worker is of no
            more use.
        """
        started = time.monotonic()
        deadline = self._compute_deadline()
        answer, warnings = self._run_program(source, seconds, sample_rate, deadline)
        if answer["error"]:
            spent = time.monotonic() - started
            return RenderResult(None, _parse_problem(answer["error"]), warnings, spent)
        raw = self._read_exactly(answer["frames"] * FRAME_BYTES, deadline)
        played = self._receive_answer(deadline)
        spent = time.monotonic() - started
        if played["error"]:
            return RenderResult(None, _parse_problem(played["error"]), warnings, spent)
        samples = np.frombuffer(raw, dtype=np.float32).reshape(-1, 2)
        rendering = build_render_result(Clip(samples, sample_rate), warnings, spent)
        return replace(rendering, program_s=answer["host_s"], synthesis_s=played["synth_s"])

    def generate_score(self, source: str, seconds: float, sample_rate: int = SAMPLE_RATE) -> bytes:
        """Run one program and return its score for ``scsynth -N``, the lead included.

        Raises
        ------
        RenderError
            When the program fails.
        HostGone
            As `render`.
        """
        deadline = self._compute_deadline()
        answer, _ = self._run_program(source, seconds, sample_rate, deadline, score_only=True)
        if answer["error"]:
            raise RenderError(_parse_problem(answer["error"]))
        return bytes(self._read_exactly(answer["score_bytes"], deadline))

    def collect_osc_messages(self, source: str, seconds: float) -> tuple[list[OscMessage], RenderResult]:
        """Run one program without playing it.

        Returns
        -------
        collect_osc_messages : list of Event
            What it would have sent to scsynth, in order of time.
        rendering : Rendering
            Without a clip; its error and warnings.

        Raises
        ------
        HostGone
            As `render`.
        """
        started = time.monotonic()
        answer, warnings = self._run_program(
            source, seconds, SAMPLE_RATE, self._compute_deadline(), events_only=True
        )
        error = _parse_problem(answer["error"]) if answer["error"] else None
        events = [OscMessage(when, what, tuple(args)) for when, what, *args in answer.get("events", ())]
        return events, RenderResult(None, error, warnings, time.monotonic() - started)

    def _compute_deadline(self) -> float:
        return time.monotonic() + 2 * self.limits.wall_s + GRACE_SECONDS

    def _run_program(
        self, source: str, seconds: float, sample_rate: int, deadline: float, **flags: bool
    ) -> tuple[dict[str, Any], tuple[RenderProblem, ...]]:
        """Let the host run a program; return its answer, and the warnings in it."""
        request = {"source": source, "seconds": seconds, "sample_rate": sample_rate, **flags}
        self._send_request(request | {"limits": self.limits.to_request_dict()})
        answer = self._receive_answer(deadline)
        return answer, tuple(_parse_problem(one) for one in answer.get("warnings", ()))

    def close(self) -> None:
        """End the host; safe to call twice."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()

    def _send_request(self, request: dict[str, Any]) -> None:
        body = json.dumps(request).encode()
        view = memoryview(struct.pack(">I", len(body)) + body)
        try:
            while view:
                view = view[self.process.stdin.write(view) :]
        except OSError as error:
            raise HostProcessError("the host does not listen") from error

    def _receive_answer(self, deadline: float) -> dict[str, Any]:
        (size,) = struct.unpack(">I", self._read_exactly(4, deadline))
        return json.loads(self._read_exactly(size, deadline))

    def _read_exactly(self, size: int, deadline: float) -> bytearray:
        """Read exactly `size` bytes into memory that a clip can keep."""
        buffer = bytearray(size)
        view = memoryview(buffer)
        descriptor = self.process.stdout.fileno()
        while view:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise HostProcessError("the host did not answer in time")
            got = os.readv(descriptor, [view])
            if got == 0:
                raise HostProcessError("the host ended")
            view = view[got:]
        return buffer


def enlarge_pipe_buffer(pipe_descriptor: int) -> None:
    """Let a pipe hold 3 s of sound: the fewer turns reader and writer take, the better."""
    try:
        fcntl.fcntl(pipe_descriptor, fcntl.F_SETPIPE_SZ, PIPE_BUFFER_BYTES)
    except OSError:  # The user has too many such pipes already.
        pass


def build_render_result(clip: Clip, warnings: tuple[RenderProblem, ...], elapsed_seconds: float) -> RenderResult:
    """Make a rendering of a clip: silence is an error, clipping a warning.

    Parameters
    ----------
    clip : Clip
        What scsynth played; beyond full scale it is cut, as a sound card would.
    warnings : tuple of Problem
        What the host had to say.
    elapsed_seconds : float
        Seconds it took.
    """
    peak = clip.peak
    if not np.isfinite(peak):
        message = "The sound is not a number in places: a filter or FX has become unstable."
        return RenderResult(None, RenderProblem("crashed", message), warnings, elapsed_seconds)
    if clip.rms < SILENCE_RMS:
        missing = next((w for w in warnings if w.kind in SILENCE_CAUSES), None)
        reason = f" {missing.message}" if missing else ""
        line = missing.line if missing else None
        problem = RenderProblem("silent", f"Nothing can be heard in {clip.seconds:g} s.{reason}", line)
        return RenderResult(None, problem, warnings, elapsed_seconds)
    if peak > 1.0:
        np.clip(clip.samples, -1.0, 1.0, out=clip.samples)
        loud = RenderProblem(
            "clipped", f"The sound exceeds full scale (peak {peak:.3f}): it is distorted."
        )
        warnings = (*warnings, loud)
    return RenderResult(clip, None, warnings, elapsed_seconds)


def _parse_problem(fields: dict[str, Any]) -> RenderProblem:
    return RenderProblem(fields["kind"], fields["message"], fields.get("line"))
