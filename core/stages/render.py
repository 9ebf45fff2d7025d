"""Render files: what `./run render` does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Sequence

from core.errors import EarshotError
from core.programs.text import decoded
from core.progress import Progress, silent
from core.sonicpi import Rendering, render_many
from core.sonicpi.clip import FORMATS

STDIN = "-"


def render_files(
    files: Sequence[str | Path],
    out: str | Path,
    *,
    seconds: float = 18.0,
    progress: Progress = silent,
    format: str = "flac",  # noqa: A002 - the command's own option
    sample_folders: Sequence[str | Path] = (),
) -> list[dict]:
    """Render programs from files to sound files.

    Parameters
    ----------
    files : sequence of str or Path
        Programs, folders (all \\*.rb in them, recursively) or "-" for standard input.
    out : str or Path
        Folder for the sounds; made when missing.
    seconds : float
        Length of each clip.
    progress : Progress
        Told after every program.
    format : {"flac", "wav", "ogg", "mp3"}
        Of the sound files.
    sample_folders : sequence of str or Path
        Folders of sounds that the programs may read, at their own paths.

    Returns
    -------
    list of dict
        One a program, in the order given, with file, ok, audio, seconds, rms, peak,
        render_s, error (None or kind, message, line) and warnings (a list of such).

    Raises
    ------
    EarshotError
        When a file is missing, no program is found, or the renderer cannot start.
    """
    if f".{format}" not in FORMATS:
        raise EarshotError(f"Cannot write sound as {format!r}.", remedy=f"Use {', '.join(FORMATS)}.")
    programs = [program for name in files for program in _found(name)]
    if not programs:
        raise EarshotError("No program was found.", remedy="Name .rb files, or a folder of them.")
    folders = tuple(_folder(name) for name in sample_folders)
    targets = _targets([name for name, _ in programs], Path(out), format)
    results: list[dict] = [{}] * len(programs)
    done = 0
    progress("Rendering programs", 0, len(programs))
    for index, rendering in render_many(
        (source for _, source in programs), seconds, sample_folders=folders
    ):
        if rendering.ok:
            rendering.clip.save(targets[index])
        results[index] = _row(programs[index][0], targets[index], rendering)
        done += 1
        note = "" if rendering.ok else f"{programs[index][0]}: {rendering.error}"
        progress("Rendering programs", done, len(programs), note)
    return results


def _found(name: str | Path) -> list[tuple[str, str]]:
    """Return (name, source) of what one argument stands for."""
    if str(name) == STDIN:
        return [("stdin", decoded(sys.stdin.buffer.read(), "standard input"))]
    path = Path(name)
    if path.is_dir():
        return [found for child in sorted(path.rglob("*.rb")) for found in _found(child)]
    try:
        return [(str(path), decoded(path.read_bytes(), str(path)))]
    except OSError as error:
        raise EarshotError(f"It cannot be read ({error.strerror}).", where=str(path)) from error


def _folder(name: str | Path) -> Path:
    folder = Path(name).resolve()
    if not folder.is_dir():
        raise EarshotError("There is no such folder of samples.", where=str(name))
    return folder


def _targets(names: list[str], out: Path, format: str) -> list[Path]:  # noqa: A002
    """Name the sound files; two programs of the same name get numbers."""
    taken: set[str] = set()
    targets = []
    for name in names:
        stem = base = Path(name).stem
        number = 2
        while stem in taken:
            stem = f"{base}-{number}"
            number += 1
        taken.add(stem)
        targets.append(out / f"{stem}.{format}")
    return targets


def _row(name: str, target: Path, rendering: Rendering) -> dict:
    clip = rendering.clip
    return {
        "file": name,
        "ok": rendering.ok,
        "audio": str(target) if clip else None,
        "seconds": round(clip.seconds, 3) if clip else None,
        "rms": round(clip.rms, 5) if clip else None,
        "peak": round(clip.peak, 5) if clip else None,
        "render_s": round(rendering.render_s, 3),
        "error": vars(rendering.error) if rendering.error else None,
        "warnings": [vars(warning) for warning in rendering.warnings],
    }
