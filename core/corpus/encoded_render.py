"""The result of a render as a corpus stores it: encoded, with its measurements."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from core.corpus.clip_audio_files import ClipFileRecord, encode_clip
from core.sonicpi.audio_clip_and_render_result import Clip, RenderProblem, RenderResult

MIN_AUDIBLE_PEAK = 2.0**-16  # Below, all samples are 0 when they are rounded to 16 bits.


@dataclass(frozen=True, eq=False)
class EncodedRender:
    """A render result with the content of the clip's file instead of its samples.

    It can be made on another machine than the one that holds the corpus.

    Attributes
    ----------
    error : RenderProblem or None
        Why there is no clip.
    warnings : tuple of RenderProblem
    render_s : float
        Elapsed time of the render, in seconds.
    content : bytes
        Content of the clip's file; empty if there is an error.
    sha256 : str
        Hash of the content; "" if there is an error.
    seconds, rms, peak : float
        Length and level of the clip as its file holds it; 0 if there is an error.
    """

    error: RenderProblem | None
    warnings: tuple[RenderProblem, ...] = ()
    render_s: float = 0.0
    content: bytes = b""
    sha256: str = ""
    seconds: float = 0.0
    rms: float = 0.0
    peak: float = 0.0

    def build_clip_file_record(self, relative_path: str) -> ClipFileRecord:
        """Return what the database records about the clip's file at this path."""
        return ClipFileRecord(
            relative_path,
            len(self.content),
            self.sha256,
            self.seconds,
            self.rms,
            self.peak,
            self.warnings,
        )


def encode_render(
    result: RenderResult, audio_format: str, *, is_strict: bool = False
) -> tuple[EncodedRender, Clip | None]:
    """Encode the clip of a render result.

    Parameters
    ----------
    result : RenderResult
    audio_format : {"flac", "ogg"}
    is_strict : bool
        Whether an error that ends one thread fails the program.

    Returns
    -------
    render : EncodedRender
    clip : Clip or None
        The clip as its file holds it, which is what is embedded. None if the program failed.
    """
    if is_strict:
        result = result.fail_render_if_a_thread_failed()
    clip, error = result.clip, result.error
    if error is None and (clip is None or clip.peak < MIN_AUDIBLE_PEAK):
        error = RenderProblem("silent", "The program makes no sound within the clip.")
    if error is not None:
        return EncodedRender(error, result.warnings, result.render_s), None
    assert clip is not None  # A result without an error has a clip.
    content, stored_clip = encode_clip(clip, audio_format, result.warnings)
    render = EncodedRender(
        None,
        result.warnings,
        result.render_s,
        content,
        hashlib.sha256(content).hexdigest(),
        stored_clip.seconds,
        stored_clip.rms,
        stored_clip.peak,
    )
    return render, stored_clip
