"""Clips, render results, render errors and OSC messages."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from core.errors import EarshotError
from core.file_locks_and_atomic_writes import atomic_write
from core.sonicpi import reproducible_ogg

SAMPLE_RATE = 44_100
FORMAT_BY_SUFFIX = {".flac": "FLAC", ".wav": "WAV", ".ogg": "OGG", ".mp3": "MP3"}


@dataclass(frozen=True, eq=False)
class Clip:
    """A stereo clip in memory.

    Attributes
    ----------
    samples : float32 [frames, 2]
        In [-1, 1], the range of Sonic Pi's mixer.
    sample_rate : int
        Frames per second, in Hz.
    """

    samples: np.ndarray
    sample_rate: int = SAMPLE_RATE

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    @property
    def rms(self) -> float:
        """Root mean square over both channels, linear, 0 to 1."""
        flat = self.samples.reshape(-1)
        # einsum sums in float64 without a float64 copy of the samples.
        total = np.einsum("i,i->", flat, flat, dtype=np.float64)
        return float(np.sqrt(total / len(flat))) if len(flat) else 0.0

    @property
    def peak(self) -> float:
        """Largest absolute sample, linear, 0 to 1."""
        return float(max(self.samples.max(), -self.samples.min())) if len(self.samples) else 0.0

    def encode_audio_file(self, suffix: str = ".flac") -> bytes:
        """Return the bytes of a sound file.

        Parameters
        ----------
        suffix : {".flac", ".wav", ".ogg", ".mp3"}
            Suffix of the format. FLAC and WAV have 16 bits per sample.

        Raises
        ------
        EarshotError
            When the suffix belongs to no supported format.
        """
        suffix = suffix.lower()
        if suffix not in FORMAT_BY_SUFFIX:
            raise EarshotError(
                f"Sound cannot be written as {suffix!r}.",
                remedy=f"Use one of {', '.join(FORMAT_BY_SUFFIX)}.",
            )

        # The result is the same as libsndfile's own conversion, which takes far longer.
        samples = quantise_samples_to_int16(self.samples) if suffix == ".flac" else self.samples

        # Not to a BytesIO, which libsndfile writes through a Python callback: a signal that raises
        # there (Ctrl+C) is lost, and the Ogg encoder then loops for ever.
        def write_to_bytes() -> bytes:
            with tempfile.TemporaryFile() as file:
                soundfile.write(
                    file.fileno(),
                    samples,
                    self.sample_rate,
                    format=FORMAT_BY_SUFFIX[suffix],
                    closefd=False,
                )
                file.seek(0)
                return file.read()

        return (
            reproducible_ogg.encode_ogg_reproducibly(write_to_bytes)
            if suffix == ".ogg"
            else write_to_bytes()
        )

    def save(self, path: str | Path) -> Path:
        """Write the clip to a file atomically, and return the path.

        Parameters
        ----------
        path : str or Path
            Its suffix selects the format: .flac, .wav, .ogg or .mp3.

        Raises
        ------
        EarshotError
            When the suffix belongs to no supported format.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from core.sonicpi import Clip
        >>> clip = Clip(np.zeros((44100, 2), np.float32))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Clip.load(clip.save(f"{folder}/silence.flac")).seconds
        1.0
        """
        path = Path(path)
        encoded = self.encode_audio_file(path.suffix)
        with atomic_write(path) as handle:
            handle.write(encoded)
        return path

    @classmethod
    def load(cls, path: str | Path) -> Clip:
        """Read a sound file; a mono file becomes two equal channels.

        Raises
        ------
        EarshotError
            When the file is missing, is not a sound file, or its header has no valid length.
        """
        return cls._read_sound(str(path), where=str(path))

    @classmethod
    def decode_audio_file(cls, content: bytes) -> Clip:
        """Return the clip in the content of a sound file, as `load` reads it.

        Raises
        ------
        EarshotError
            As `load`.
        """
        return cls._read_sound(io.BytesIO(content), where=None)

    @classmethod
    def _read_sound(cls, source: str | io.BytesIO, where: str | None) -> Clip:
        try:
            samples, sample_rate = soundfile.read(source, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError) as error:
            raise EarshotError(
                f"No sound can be read from this file ({error}).", where=where
            ) from error
        except (ValueError, MemoryError) as error:  # libsndfile reports an unknown length as huge.
            raise EarshotError(
                "The header of the sound file has no valid length.", where=where
            ) from error
        if samples.shape[1] == 1:
            samples = np.repeat(samples, 2, axis=1)
        return cls(np.ascontiguousarray(samples[:, :2]), sample_rate)


def quantise_samples_to_int16(samples: np.ndarray) -> np.ndarray:
    """Return samples as int16 [frames, 2], rounded to the nearest and clipped at full scale."""
    scaled = samples * np.float32(32_768)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -32_768, 32_767, out=scaled)
    return scaled.astype(np.int16)


@dataclass(frozen=True)
class RenderProblem:
    """An error or a warning of one program.

    Attributes
    ----------
    kind : str
        Errors: syntax, runtime, no_sleep, timeout, memory, too_many_synths, forbidden, silent,
        crashed. Warnings: errors that ended one thread (runtime, no_sleep, syntax), clipped,
        ignored, and problems that live Sonic Pi does not report: unknown_synth, missing_sample,
        out_of_range, skipped, waiting (for a cue that is never sent).
    message : str
        One sentence for the user.
    line : int or None
        Line of the program, from 1; None when no line caused the problem.
    cause : str or None
        What a failed program or thread did not find: missing_file, missing_function (of another
        buffer), missing_sample, unknown_synth. None for other errors.
    name : str or None
        Name of what is missing or has no effect: a file, function, sample, synth or cue.
    seconds : float or None
        Time at which the error ended its thread, in seconds of the clip; None for other problems.
    """

    kind: str
    message: str
    line: int | None = None
    cause: str | None = None
    name: str | None = None
    seconds: float | None = None

    def __str__(self) -> str:
        place = self.format_problem_location()
        return f"{place}: {self.message}" if place else self.message

    @property
    def is_thread_error(self) -> bool:
        """True for an error that ended one thread and not the whole program."""
        return self.seconds is not None

    def format_problem_location(self) -> str:
        """Return line and time, as far as there are any.

        Examples
        --------
        >>> RenderProblem("runtime", "divided by 0", 3, seconds=1.5).format_problem_location()
        'line 3, at 1.5 s'
        """
        parts = [f"line {self.line}"] if self.line else []
        if self.seconds is not None:
            parts.append(f"at {round(self.seconds, 3):g} s")
        return ", ".join(parts)

    def to_dict_without_empty_fields(self) -> dict[str, Any]:
        """Return the fields for a file; optional fields without a value are omitted."""
        row = {"kind": self.kind, "message": self.message, "line": self.line}
        optional = {"cause": self.cause, "name": self.name, "seconds": self.seconds}
        return row | {key: value for key, value in optional.items() if value is not None}


@dataclass(frozen=True, eq=False)
class RenderResult:
    """The result of rendering one program: a clip or an error.

    Attributes
    ----------
    clip : Clip or None
        None when there is an error (also for kind "silent").
    error : RenderProblem or None
        Why there is no clip.
    warnings : tuple of RenderProblem
        Problems that did not prevent the clip.
    render_s : float
        Elapsed time of the whole render, in seconds.
    program_s, synthesis_s : float
        Elapsed time of the program's run and of the synthesis of its score, in seconds.
    """

    clip: Clip | None
    error: RenderProblem | None = None
    warnings: tuple[RenderProblem, ...] = ()
    render_s: float = 0.0
    program_s: float = 0.0
    synthesis_s: float = 0.0

    @property
    def has_clip(self) -> bool:
        """True when the program has a clip, which means that it has no error."""
        return self.error is None

    @property
    def thread_errors(self) -> tuple[RenderProblem, ...]:
        """The warnings that are errors of single threads."""
        return tuple(warning for warning in self.warnings if warning.is_thread_error)

    def fail_render_if_a_thread_failed(self) -> RenderResult:
        """Return this result, or a result without a clip when an error ended a thread.

        The first error of a thread becomes the error of the program.
        """
        if self.error is not None or not self.thread_errors:
            return self
        error, warnings = promote_thread_error_to_program_error(None, self.warnings)
        return replace(self, clip=None, error=error, warnings=warnings)


def promote_thread_error_to_program_error(
    silent: RenderProblem | None, warnings: tuple[RenderProblem, ...]
) -> tuple[RenderProblem | None, tuple[RenderProblem, ...]]:
    """Return the error of a program that makes no sound, and its other warnings.

    Parameters
    ----------
    silent : RenderProblem or None
        The error if no thread failed.
    warnings : tuple of RenderProblem

    Returns
    -------
    error : RenderProblem or None
        The first error of a thread, else `silent`.
    warnings : tuple of RenderProblem
        Without that error.
    """
    error = next((warning for warning in warnings if warning.is_thread_error), None)
    if error is None:
        return silent, warnings
    return error, tuple(warning for warning in warnings if warning is not error)


@dataclass(frozen=True)
class OscMessage:
    """One OSC message of a program to scsynth.

    Attributes
    ----------
    time : float
        Seconds from the clip's first frame. Negative for messages that are sent ahead, such as the
        start of an FX before its first sound.
    address : str
        Command: "/s_new", "/n_set", "/n_free", …
    arguments : tuple
        Arguments of the command: for "/s_new" SynthDef, node, add action, target, and then
        alternating control names and values.
    """

    time: float
    address: str
    arguments: tuple[Any, ...]

    @property
    def is_start_of_synth_or_sample(self) -> bool:
        """True when the message starts a synth or a sample, not an FX or a mixer."""
        name = self.synthdef_name
        return name is not None and not name.startswith("fx_") and "mixer" not in name

    @property
    def synthdef_name(self) -> str | None:
        """Name of the SynthDef that "/s_new" starts, without "sonic-pi-"; else None."""
        if self.address != "/s_new":
            return None
        return str(self.arguments[0]).removeprefix("sonic-pi-")

    @property
    def control_value_by_name(self) -> dict[str, float]:
        """Values of controls by name, for "/s_new" and "/n_set"; else empty."""
        first_control = {"/s_new": 4, "/n_set": 1}.get(self.address)
        names_and_values = self.arguments[first_control:] if first_control else ()
        return dict(zip(names_and_values[::2], names_and_values[1::2]))


class RenderError(EarshotError):
    """A program cannot be rendered; `problem` holds kind, message and line."""

    def __init__(self, problem: RenderProblem):
        self.problem = problem
        super().__init__(problem.message, where=problem.format_problem_location() or None)
