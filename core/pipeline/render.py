"""Render files: what `./run render` does."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Sequence

from core.errors import EarshotError
from core.programs.decoding import decoded
from core.progress import Progress, silent
from core.sonicpi import Problem, Rendering
from core.sonicpi.clip import FORMATS
from core.pipeline.render_executor import Engine, LocalProcesses

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
        raise EarshotError(
            f"Cannot write sound as {format!r}.", remedy=f"Use {', '.join(FORMATS)}."
        )
    programs = [program for name in files for program in _found(name)]
    if not programs:
        raise EarshotError("No program was found.", remedy="Name .rb files, or a folder of them.")
    engine = LocalProcesses(sample_folders=tuple(_folder(name) for name in sample_folders))
    targets = _targets([program.name for program in programs], _made(Path(out)), format)
    results: list[dict] = [{}] * len(programs)
    waiting = _by_source(programs)
    done = 0
    progress("Rendering programs", 0, len(programs))
    for index, rendering in _renderings(programs, list(waiting), seconds, engine):
        # What is written twice is rendered once.
        for place in waiting.get(programs[index].source, [index]):
            if rendering.ok:
                rendering.clip.save(targets[place])
            results[place] = _row(programs[place].name, targets[place], rendering)
            done += 1
            note = "" if rendering.ok else f"{programs[place].name}: {rendering.error}"
            progress("Rendering programs", done, len(programs), note)
    return results


@dataclass(frozen=True)
class _Program:
    """A program's file: its text, or why there is none."""

    name: str
    source: str | None
    problem: Problem | None = None


def _found(name: str | Path) -> list[_Program]:
    """Return the programs that one argument stands for."""
    if str(name) == STDIN:
        return [_read("stdin", sys.stdin.buffer.read())]
    path = Path(name)
    if path.is_dir():
        return [found for child in sorted(path.rglob("*.rb")) for found in _found(child)]
    try:
        return [_read(str(path), path.read_bytes())]
    except OSError as error:
        raise EarshotError(f"It cannot be read ({error.strerror}).", where=str(path)) from error


def _read(name: str, content: bytes) -> _Program:
    try:
        return _Program(name, decoded(content, name))
    except EarshotError as error:  # One among many files: the others are rendered all the same.
        line = content.count(b"\n", 0, error.__cause__.start) + 1
        message = f"It is not UTF-8 text. {error.remedy}"
        return _Program(name, None, Problem("syntax", message, line))


def _by_source(programs: list[_Program]) -> dict[str, list[int]]:
    """Return the places of each source among the programs, in their order."""
    places: dict[str, list[int]] = {}
    for place, program in enumerate(programs):
        if program.source is not None:
            places.setdefault(program.source, []).append(place)
    return places


def _renderings(
    programs: list[_Program], sources: list[str], seconds: float, engine: Engine
) -> Iterator[tuple[int, Rendering]]:
    """Yield (place, rendering) of each unreadable file, and of each source's first program."""
    first: dict[str, int] = {}
    for place, program in enumerate(programs):
        if program.source is None:
            yield place, Rendering(None, program.problem)
        else:
            first.setdefault(program.source, place)
    with engine.rendering(sources, seconds) as renderings:
        for index, rendering in renderings:
            yield first[sources[index]], rendering


def _made(out: Path) -> Path:
    """Make the folder of sounds, before anything is rendered."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise EarshotError(
            "It is a file, and sounds need a folder.", where=str(out), remedy="Name another --out."
        ) from error
    return out


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
