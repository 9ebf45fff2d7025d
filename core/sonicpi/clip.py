"""The sound of one program, and what may have kept it from sounding."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from core.errors import EarshotError
from core.sonicpi import ogg
from core.workspace import atomic_write

SAMPLE_RATE = 44_100
FORMAT_BY_SUFFIX = {".flac": "FLAC", ".wav": "WAV", ".ogg": "OGG", ".mp3": "MP3"}


@dataclass(frozen=True, eq=False)
class Clip:
    """Stereo sound in memory.

    Attributes
    ----------
    samples : float32 [frames, 2]
        In [-1, 1], as Sonic Pi's own mixer limits it.
    sample_rate : int
        Frames a second, in Hz.
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
        total = np.einsum("i,i->", flat, flat, dtype=np.float64)  # makes no copies
        return float(np.sqrt(total / len(flat))) if len(flat) else 0.0

    @property
    def peak(self) -> float:
        """Largest absolute sample, linear, 0 to 1."""
        return float(max(self.samples.max(), -self.samples.min())) if len(self.samples) else 0.0

    def encode(self, suffix: str = ".flac") -> bytes:
        """Return the clip as a sound file in memory.

        Parameters
        ----------
        suffix : {".flac", ".wav", ".ogg", ".mp3"}
            Names the format. FLAC and WAV hold 16 bits a sample.

        Raises
        ------
        EarshotError
            When the suffix names no format.
        """
        if suffix.lower() not in FORMAT_BY_SUFFIX:
            raise EarshotError(
                f"Cannot write sound as {suffix!r}.", remedy=f"Use one of {', '.join(FORMAT_BY_SUFFIX)}."
            )

        # What libsndfile would make of floating point, in a fraction of its time.
        samples = _convert_to_int16(self.samples) if suffix.lower() == ".flac" else self.samples

        def write_to_bytes() -> bytes:
            buffer = io.BytesIO()
            soundfile.write(buffer, samples, self.sample_rate, format=FORMAT_BY_SUFFIX[suffix.lower()])
            return buffer.getvalue()

        return ogg.encode_reproducibly(write_to_bytes) if suffix.lower() == ".ogg" else write_to_bytes()

    def save(self, path: str | Path) -> Path:
        """Write the clip beside its place and rename it there when it is whole.

        Parameters
        ----------
        path : str or Path
            Its suffix names the format: .flac, .wav, .ogg or .mp3.
        """
        path = Path(path)
        encoded = self.encode(path.suffix)
        with atomic_write(path) as handle:
            handle.write(encoded)
        return path

    @classmethod
    def load(cls, path: str | Path) -> Clip:
        """Read a sound file; a mono file becomes two equal channels.

        Raises
        ------
        EarshotError
            When the file is missing, is no sound file, or does not say how long it is.
        """
        try:
            samples, sample_rate = soundfile.read(str(path), dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError) as error:
            raise EarshotError(
                f"No sound can be read from it ({error}).", where=str(path)
            ) from error
        except (ValueError, MemoryError) as error:  # an unknown length is the greatest of all
            raise EarshotError(
                "Its header gives no length, or one that no memory holds.", where=str(path)
            ) from error
        if samples.shape[1] == 1:
            samples = np.repeat(samples, 2, axis=1)
        return cls(np.ascontiguousarray(samples[:, :2]), sample_rate)


def _convert_to_int16(samples: np.ndarray) -> np.ndarray:
    """Return samples as int16 [frames, 2], rounded to the nearest and cut at full scale."""
    scaled = samples * np.float32(32_768)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -32_768, 32_767, out=scaled)
    return scaled.astype(np.int16)


@dataclass(frozen=True)
class RenderProblem:
    """One thing that went wrong in a program, or would sound otherwise than meant.

    Attributes
    ----------
    kind : str
        Errors: syntax, runtime, no_sleep, timeout, memory, too_many_synths,
        forbidden, silent, crashed. Warnings: clipped, ignored, and what live
        Sonic Pi passes over in silence: unknown_synth, missing_sample,
        out_of_range, skipped, waiting (for a cue that never comes).
    message : str
        What happened, in the user's words.
    line : int or None
        The line in the user's program, from 1; None where none is to blame.
    """

    kind: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


@dataclass(frozen=True, eq=False)
class RenderResult:
    """What came of rendering one program.

    Attributes
    ----------
    clip : Clip or None
        None when there is an error (also for kind "silent").
    error : Problem or None
        Why there is no clip.
    warnings : tuple of Problem
        What a listener should know although there is a clip.
    render_s : float
        Seconds that it all took.
    program_s, synthesis_s : float
        Of these, the seconds that the program ran and that its score was played.
    """

    clip: Clip | None
    error: RenderProblem | None = None
    warnings: tuple[RenderProblem, ...] = ()
    render_s: float = 0.0
    program_s: float = 0.0
    synthesis_s: float = 0.0

    @property
    def has_clip(self) -> bool:
        """True when there is a clip to hear."""
        return self.error is None


@dataclass(frozen=True)
class OscMessage:
    """One message of a program to scsynth.

    Attributes
    ----------
    time : float
        Seconds from the clip's first frame; negative for what is sent ahead,
        such as an FX that must be there before its sounds.
    address : str
        What it does: "/s_new", "/n_set", "/n_free", …
    arguments : tuple
        As OSC has them: for "/s_new" the SynthDef, node, place, target, and
        then name and value in turn.
    """

    time: float
    address: str
    arguments: tuple

    @property
    def synthdef_name(self) -> str | None:
        """Name of the SynthDef that it starts, without "sonic-pi-"; else None."""
        if self.address != "/s_new":
            return None
        return str(self.arguments[0]).removeprefix("sonic-pi-")

    @property
    def controls(self) -> dict[str, float]:
        """Option values by name, of "/s_new" and "/n_set"; else empty."""
        first = {"/s_new": 4, "/n_set": 1}.get(self.address)
        given = self.arguments[first:] if first else ()
        return dict(zip(given[::2], given[1::2]))


class RenderError(EarshotError):
    """A program could not be rendered; `problem` says why and in which line."""

    def __init__(self, problem: RenderProblem):
        self.problem = problem
        super().__init__(problem.message, where=f"line {problem.line}" if problem.line else None)
