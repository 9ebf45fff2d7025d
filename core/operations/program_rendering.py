"""Rendering of a program to a file in the workspace."""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.file_locks_and_atomic_writes import atomic_write
from core.operations.operation_requests import RenderRequest
from core.operations.operation_results import RenderedClip, RenderWarning
from core.sonicpi.audio_clip_and_render_result import RenderError
from core.sonicpi.single_render import try_render
from core.workspace import get_renders_folder, require_writable_workspace

MAX_STORED_RENDERS = 200
MIME_TYPES = {"flac": "audio/flac", "wav": "audio/wav", "ogg": "audio/ogg"}


def render_program(request: RenderRequest) -> RenderedClip:
    """Render a program in the sandbox and store its clip in the workspace.

    The folder ``renders`` of the workspace keeps the newest 200 clips.

    Parameters
    ----------
    request : RenderRequest

    Raises
    ------
    RenderError
        When the program fails or is silent; `problem` holds kind, message and line.
    EarshotError
        When the workspace is read-only, or Sonic Pi, scsynth or the sandbox is missing.

    Examples
    --------
    >>> from core.operations import RenderRequest, render_program
    >>> clip = render_program(RenderRequest(program="play 60", seconds=2))
    >>> clip.seconds, clip.mime_type
    (2.0, 'audio/flac')
    """
    require_writable_workspace("Rendering")
    result = try_render(request.program, request.seconds, sonic_pi=request.sonic_pi)
    if result.clip is None:
        assert result.error is not None
        raise RenderError(result.error)
    clip = result.clip
    content = clip.encode_audio_file(f".{request.audio_format}")
    return RenderedClip(
        path=str(_store_clip_file(content, request.audio_format)),
        mime_type=MIME_TYPES[request.audio_format],
        seconds=clip.seconds,
        sample_rate=clip.sample_rate,
        peak=clip.peak,
        warnings=[
            RenderWarning(
                kind=warning.kind,
                message=warning.message,
                line=warning.line,
                seconds=warning.seconds,
            )
            for warning in result.warnings
        ],
    )


def read_rendered_clip(clip: RenderedClip) -> bytes:
    """Return the content of the file of a rendered clip."""
    return Path(clip.path).read_bytes()


def _store_clip_file(content: bytes, audio_format: str) -> Path:
    """Write a clip under a name made of its content, and remove the oldest ones."""
    folder = get_renders_folder()
    path = folder / f"{hashlib.sha256(content).hexdigest()[:32]}.{audio_format}"
    with atomic_write(path) as file:
        file.write(content)
    stored = [item for item in folder.iterdir() if item.suffix[1:] in MIME_TYPES]
    stored.sort(key=lambda item: item.stat().st_mtime_ns, reverse=True)
    for old in stored[MAX_STORED_RENDERS:]:
        old.unlink(missing_ok=True)
    return path
