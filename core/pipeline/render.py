"""Render files: what `./run render` does."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Sequence

from core.errors import EarshotError
from core.programs.decoding import decode_source
from core.progress import Progress, ignore_progress
from core.sonicpi import RenderProblem, RenderResult
from core.sonicpi.clip import FORMAT_BY_SUFFIX
from core.pipeline.render_executor import RenderExecutor, LocalExecutor

STDIN_ARGUMENT = "-"


def render_files(
    files: Sequence[str | Path],
    output_folder: str | Path,
    *,
    seconds: float = 18.0,
    progress: Progress = ignore_progress,
    audio_format: str = "flac",  # noqa: A002 - the command's own option
    sample_folders: Sequence[str | Path] = (),
) -> list[dict]:
    """Render programs from files to sound files.

    Parameters
    ----------
    files : sequence of str or Path
        Programs, folders (all \\*.rb in them, recursively) or "-" for standard input.
    output_folder : str or Path
        Folder for the sounds; made when missing.
    seconds : float
        Length of each clip.
    progress : Progress
        Told after every program.
    audio_format : {"flac", "wav", "ogg", "mp3"}
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
    if f".{audio_format}" not in FORMAT_BY_SUFFIX:
        raise EarshotError(
            f"Cannot write sound as {audio_format!r}.", remedy=f"Use {', '.join(FORMAT_BY_SUFFIX)}."
        )
    programs = [program for name in files for program in _read_programs(name)]
    if not programs:
        raise EarshotError("No program was found.", remedy="Name .rb files, or a folder of them.")
    engine = LocalExecutor(sample_folders=tuple(_resolve_sample_folder(name) for name in sample_folders))
    targets = _make_target_paths([program.name for program in programs], _create_output_folder(Path(output_folder)), audio_format)
    results: list[dict] = [{}] * len(programs)
    waiting = _group_by_source(programs)
    done = 0
    progress("Rendering programs", 0, len(programs))
    for index, rendering in _render_unique_sources(programs, list(waiting), seconds, engine):
        # What is written twice is rendered once.
        for place in waiting.get(programs[index].source, [index]):
            if rendering.has_clip:
                rendering.clip.save(targets[place])
            results[place] = _make_result_row(programs[place].name, targets[place], rendering)
            done += 1
            note = "" if rendering.has_clip else f"{programs[place].name}: {rendering.error}"
            progress("Rendering programs", done, len(programs), note)
    return results


@dataclass(frozen=True)
class _ProgramFile:
    """A program's file: its text, or why there is none."""

    name: str
    source: str | None
    problem: RenderProblem | None = None


def _read_programs(argument: str | Path) -> list[_ProgramFile]:
    """Return the programs that one argument stands for."""
    if str(argument) == STDIN_ARGUMENT:
        return [_decode_program("stdin", sys.stdin.buffer.read())]
    path = Path(argument)
    if path.is_dir():
        return [found for child in sorted(path.rglob("*.rb")) for found in _read_programs(child)]
    try:
        return [_decode_program(str(path), path.read_bytes())]
    except OSError as error:
        raise EarshotError(f"It cannot be read ({error.strerror}).", where=str(path)) from error


def _decode_program(name: str, content: bytes) -> _ProgramFile:
    try:
        return _ProgramFile(name, decode_source(content, name))
    except EarshotError as error:  # One among many files: the others are rendered all the same.
        line = content.count(b"\n", 0, error.__cause__.start) + 1
        message = f"It is not UTF-8 text. {error.remedy}"
        return _ProgramFile(name, None, RenderProblem("syntax", message, line))


def _group_by_source(programs: list[_ProgramFile]) -> dict[str, list[int]]:
    """Return the places of each source among the programs, in their order."""
    places: dict[str, list[int]] = {}
    for place, program in enumerate(programs):
        if program.source is not None:
            places.setdefault(program.source, []).append(place)
    return places


def _render_unique_sources(
    programs: list[_ProgramFile], sources: list[str], seconds: float, executor: RenderExecutor
) -> Iterator[tuple[int, RenderResult]]:
    """Yield (place, rendering) of each unreadable file, and of each source's first program."""
    first: dict[str, int] = {}
    for place, program in enumerate(programs):
        if program.source is None:
            yield place, RenderResult(None, program.problem)
        else:
            first.setdefault(program.source, place)
    with executor.render_programs(sources, seconds) as renderings:
        for index, rendering in renderings:
            yield first[sources[index]], rendering


def _create_output_folder(output_folder: Path) -> Path:
    """Make the folder of sounds, before anything is rendered."""
    try:
        output_folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise EarshotError(
            "It is a file, and sounds need a folder.", where=str(output_folder), remedy="Name another --out."
        ) from error
    return output_folder


def _resolve_sample_folder(path: str | Path) -> Path:
    folder = Path(path).resolve()
    if not folder.is_dir():
        raise EarshotError("There is no such folder of samples.", where=str(path))
    return folder


def _make_target_paths(program_names: list[str], output_folder: Path, audio_format: str) -> list[Path]:  # noqa: A002
    """Name the sound files; two programs of the same name get numbers."""
    taken: set[str] = set()
    targets = []
    for name in program_names:
        stem = base = Path(name).stem
        number = 2
        while stem in taken:
            stem = f"{base}-{number}"
            number += 1
        taken.add(stem)
        targets.append(output_folder / f"{stem}.{audio_format}")
    return targets


def _make_result_row(program_name: str, target_path: Path, rendering: RenderResult) -> dict:
    clip = rendering.clip
    return {
        "file": program_name,
        "ok": rendering.has_clip,
        "audio": str(target_path) if clip else None,
        "seconds": round(clip.seconds, 3) if clip else None,
        "rms": round(clip.rms, 5) if clip else None,
        "peak": round(clip.peak, 5) if clip else None,
        "render_s": round(rendering.render_s, 3),
        "error": vars(rendering.error) if rendering.error else None,
        "warnings": [vars(warning) for warning in rendering.warnings],
    }
