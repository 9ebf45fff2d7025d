"""A render worker: one host process in its sandbox, which renders one program at a time."""

from __future__ import annotations

import fcntl
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.sonicpi.audio_clip_and_render_result import (
    SAMPLE_RATE,
    Clip,
    OscMessage,
    RenderError,
    RenderProblem,
    RenderResult,
    promote_thread_error_to_program_error,
)
from core.sonicpi.message_framed_process import FramedProcess
from core.sonicpi.newer_sonic_pi_sounds import LATER_SOUNDS_FOLDER
from core.sonicpi.render_limits import DEFAULT_LIMITS, RenderLimits
from core.sonicpi.renderer_versions_and_render_id import (
    DEFAULT_SONIC_PI,
    require_supported_renderer_versions,
)
from core.sonicpi.sandbox import (
    HOST_FOLDER,
    RUBY_SETTINGS,
    SANDBOXED_SOUNDS_FOLDER,
    check_sandbox,
    list_scsynth_plugin_paths,
    require_sandbox,
    wrap_in_sandbox,
)

# Without error_highlight, error messages do not quote Sonic Pi's own source.
RUBY_COMMAND = ("/usr/bin/ruby", "--disable=error_highlight")
START_TIMEOUT_SECONDS = 60.0
# Beyond the limits of program and synthesis, the host needs time to end the processes they leave.
GRACE_SECONDS = 30.0
SILENCE_RMS = 1e-4  # -80 dBFS; a quieter clip is silent
# Kinds of warnings that explain a silent clip.
SILENCE_CAUSES = ("missing_sample", "unknown_synth", "waiting", "ignored")
FRAME_BYTES = 8
PIPE_BUFFER_BYTES = 1 << 20


class RenderWorker:
    """A persistent host process that has loaded Sonic Pi and scsynth.

    Parameters
    ----------
    limits : RenderLimits
        Limits of every program.
    sample_folders : tuple of Path
        Folders of samples that programs may read.

    Attributes
    ----------
    process : FramedProcess
        The host process.

    Raises
    ------
    EarshotError
        When Sonic Pi, scsynth or the sandbox is missing.
    FramedProcessError
        When the host ends while it starts.
    """

    def __init__(
        self, limits: RenderLimits = DEFAULT_LIMITS, sample_folders: tuple[Path, ...] = ()
    ):
        require_supported_renderer_versions()
        require_sandbox()
        self.limits = limits
        command = [*RUBY_COMMAND, "/earshot/host/host.rb", "/earshot/plugins"]
        if check_sandbox()[0]:
            command.append(SANDBOXED_SOUNDS_FOLDER)
            command = wrap_in_sandbox(command, sample_folders=sample_folders)
        else:
            plugins = ":".join(
                sorted({str(Path(path).parent) for path in list_scsynth_plugin_paths()})
            )
            settings = [f"{name}={value}" for name, value in RUBY_SETTINGS.items()]
            command = [
                "/usr/bin/env",
                *settings,
                *RUBY_COMMAND,
                str(HOST_FOLDER / "host.rb"),
                plugins,
                str(LATER_SOUNDS_FOLDER),
            ]
        self.process = FramedProcess(command)
        enlarge_pipe_buffer(self.process.output_descriptor)
        self._receive_host_answer(time.monotonic() + START_TIMEOUT_SECONDS)

    def render(
        self,
        source: str,
        seconds: float,
        sample_rate: int = SAMPLE_RATE,
        sonic_pi: str = DEFAULT_SONIC_PI,
    ) -> RenderResult:
        """Render one program.

        Parameters
        ----------
        source : str
            The program.
        seconds : float
            Length of the clip.
        sample_rate : int
            In Hz.
        sonic_pi : {"3.2", "5"}
            Version of Sonic Pi whose sound the clip has.

        Returns
        -------
        RenderResult
            The clip, or the error of the program.

        Raises
        ------
        FramedProcessError
            When the host ends or exceeds the time of all limits. The worker cannot be used again.
        """
        started = time.monotonic()
        deadline = self._compute_deadline(seconds)
        answer, warnings = self._run_program_in_host(
            source, seconds, sample_rate, deadline, sonic_pi=sonic_pi
        )
        if answer["error"]:
            elapsed = time.monotonic() - started
            return RenderResult(None, _parse_render_problem(answer["error"]), warnings, elapsed)
        sample_bytes = self.process.read_exactly(answer["frames"] * FRAME_BYTES, deadline)
        synthesis_answer = self._receive_host_answer(deadline)
        elapsed = time.monotonic() - started
        if synthesis_answer["error"]:
            error = _parse_render_problem(synthesis_answer["error"])
            result = RenderResult(None, error, warnings, elapsed)
        else:
            samples = np.frombuffer(sample_bytes, dtype=np.float32).reshape(-1, 2)
            result = build_render_result(Clip(samples, sample_rate), warnings, elapsed)
        if result.error is not None and result.error.kind == "crashed":
            cause = self._find_synthesis_failure(source, seconds, sample_rate, sonic_pi)
            elapsed = time.monotonic() - started
            result = replace(result, error=cause or result.error, render_s=elapsed)
        return replace(result, program_s=answer["host_s"], synthesis_s=synthesis_answer["synth_s"])

    def _find_synthesis_failure(
        self, source: str, seconds: float, sample_rate: int, sonic_pi: str
    ) -> RenderProblem | None:
        """Return the error of the program whose sound ended; None if it plays this time."""
        # The host stops searching after the time of one render.
        search_s = self.limits.scale_limits_to_clip_duration(seconds).wall_s
        deadline = self._compute_deadline(seconds) + search_s
        answer, _ = self._run_program_in_host(
            source, seconds, sample_rate, deadline, find_failure=True, sonic_pi=sonic_pi
        )
        return _parse_render_problem(answer["error"]) if answer["error"] else None

    def generate_scsynth_score(
        self,
        source: str,
        seconds: float,
        sample_rate: int = SAMPLE_RATE,
        sonic_pi: str = DEFAULT_SONIC_PI,
    ) -> bytes:
        """Run one program and return its score in the binary format of ``scsynth -N``.

        Parameters
        ----------
        source, seconds, sample_rate, sonic_pi
            As in `render`. The score begins 0.5 s before the clip, or longer where the program's
            lead is longer.

        Raises
        ------
        RenderError
            When the program fails.
        FramedProcessError
            As in `render`.
        """
        deadline = self._compute_deadline(seconds)
        answer, _ = self._run_program_in_host(
            source, seconds, sample_rate, deadline, score_only=True, sonic_pi=sonic_pi
        )
        if answer["error"]:
            raise RenderError(_parse_render_problem(answer["error"]))
        return bytes(self.process.read_exactly(answer["score_bytes"], deadline))

    def collect_osc_messages(
        self, source: str, seconds: float, sonic_pi: str = DEFAULT_SONIC_PI
    ) -> tuple[list[OscMessage], RenderResult]:
        """Run one program without synthesizing its sound.

        Returns
        -------
        messages : list of OscMessage
            The program's messages to scsynth, in order of time.
        result : RenderResult
            Error and warnings, without a clip.

        Raises
        ------
        FramedProcessError
            As in `render`.
        """
        started = time.monotonic()
        answer, warnings = self._run_program_in_host(
            source,
            seconds,
            SAMPLE_RATE,
            self._compute_deadline(seconds),
            events_only=True,
            sonic_pi=sonic_pi,
        )
        error = _parse_render_problem(answer["error"]) if answer["error"] else None
        messages = [
            OscMessage(message_time, address, tuple(arguments))
            for message_time, address, *arguments in answer.get("events", ())
        ]
        if error is None and not any(message.is_start_of_synth_or_sample for message in messages):
            error, warnings = promote_thread_error_to_program_error(None, warnings)
        return messages, RenderResult(None, error, warnings, time.monotonic() - started)

    def close(self) -> None:
        """End the host; safe to call twice."""
        self.process.close()

    def _compute_deadline(self, seconds: float) -> float:
        return (
            time.monotonic()
            + 2 * self.limits.scale_limits_to_clip_duration(seconds).wall_s
            + GRACE_SECONDS
        )

    def _run_program_in_host(
        self, source: str, seconds: float, sample_rate: int, deadline: float, **flags: bool | str
    ) -> tuple[dict[str, Any], tuple[RenderProblem, ...]]:
        """Run a program in the host; return the host's answer and the warnings in it."""
        request = {"source": source, "seconds": seconds, "sample_rate": sample_rate, **flags}
        limits = self.limits.scale_limits_to_clip_duration(
            seconds
        ).convert_limits_to_render_request_fields()
        self.process.send_message(json.dumps({**request, "limits": limits}).encode())
        answer = self._receive_host_answer(deadline)
        return answer, tuple(
            _parse_render_problem(warning) for warning in answer.get("warnings", ())
        )

    def _receive_host_answer(self, deadline: float) -> dict[str, Any]:
        return json.loads(self.process.receive_message(deadline))


def enlarge_pipe_buffer(pipe_descriptor: int) -> None:
    """Enlarge the buffer of a pipe to 3 s of sound, which saves context switches."""
    try:
        fcntl.fcntl(pipe_descriptor, fcntl.F_SETPIPE_SZ, PIPE_BUFFER_BYTES)
    except OSError:  # The user has too many large pipes already.
        pass


def build_render_result(
    clip: Clip, warnings: tuple[RenderProblem, ...], elapsed_seconds: float
) -> RenderResult:
    """Return the result of a synthesized clip: silence is an error, clipping a warning.

    The error of a silent program is the first error that ended a thread, if there is one.

    Parameters
    ----------
    clip : Clip
        Output of scsynth. Samples beyond full scale are clipped in place, as by a sound card.
    warnings : tuple of RenderProblem
        Warnings of the host.
    elapsed_seconds : float
        Duration of the render.
    """
    peak = clip.peak
    if not np.isfinite(peak):
        message = "The sound contains samples that are not numbers: a filter or FX is unstable."
        return RenderResult(None, RenderProblem("crashed", message), warnings, elapsed_seconds)
    if clip.rms < SILENCE_RMS:
        cause = next((w for w in warnings if w.kind in SILENCE_CAUSES), None)
        reason = f" {cause.message}" if cause else ""
        message = f"The program is silent for {clip.seconds:g} s.{reason}"
        problem = RenderProblem("silent", message, cause.line if cause else None)
        return RenderResult(
            None, *promote_thread_error_to_program_error(problem, warnings), elapsed_seconds
        )
    if peak > 1.0:
        np.clip(clip.samples, -1.0, 1.0, out=clip.samples)
        clipping = RenderProblem(
            "clipped", f"The sound exceeds full scale (peak {peak:.3f}) and is distorted."
        )
        warnings = (*warnings, clipping)
    return RenderResult(clip, None, warnings, elapsed_seconds)


def _parse_render_problem(fields: dict[str, Any]) -> RenderProblem:
    optional = {key: fields.get(key) for key in ("line", "cause", "name", "seconds")}
    return RenderProblem(fields["kind"], fields["message"], **optional)
