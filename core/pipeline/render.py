"""Rendering of program files to sound files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import EarshotError
from core.pipeline.render_executor import LocalExecutor, RenderExecutor
from core.pipeline.unique_file_names import make_unique_names
from core.programs.source_decoding import decode_source
from core.progress import Progress, ignore_progress
from core.sonicpi import DEFAULT_SONIC_PI, RenderProblem, RenderResult
from core.sonicpi.clip import FORMAT_BY_SUFFIX

PROGRESS_STEP = "Rendering programs"
STDIN_ARGUMENT = "-"


@dataclass(frozen=True)
class RenderedFile:
    """Result of rendering one program file.

    Attributes
    ----------
    file : str
        The program, as it was named.
    ok : bool
        Whether there is a sound file.
    audio : str or None
        Path of the sound file.
    seconds, rms, peak : float or None
        Length and levels of the clip.
    render_s : float
        Seconds that rendering took.
    error : RenderProblem or None
    warnings : tuple of RenderProblem
    """

    file: str
    ok: bool
    audio: str | None
    seconds: float | None
    rms: float | None
    peak: float | None
    render_s: float
    error: RenderProblem | None
    warnings: tuple[RenderProblem, ...]


def render_program_files(
    files: Sequence[str | Path],
    output_folder: str | Path,
    *,
    seconds: float = 18.0,
    progress: Progress = ignore_progress,
    audio_format: str = "flac",
    sample_folders: Sequence[str | Path] = (),
    sonic_pi: str = DEFAULT_SONIC_PI,
) -> list[RenderedFile]:
    r"""Render programs from files to sound files.

    Programs with the same source are rendered once.

    Parameters
    ----------
    files : sequence of str or Path
        Programs, folders (all \*.rb in them, recursively) or "-" for standard input.
    output_folder : str or Path
        Folder of the sound files; created if missing.
    seconds : float
        Length of each clip.
    progress : Progress
        Called after every program.
    audio_format : {"flac", "wav", "ogg", "mp3"}
    sample_folders : sequence of str or Path
        Folders of samples that the programs may read, at their own paths.
    sonic_pi : {"3.2", "5"}
        Version of Sonic Pi whose sound the clips have.

    Returns
    -------
    list of RenderedFile
        One per program, in the given order.

    Raises
    ------
    EarshotError
        When a file is missing, no program is found, or the renderer cannot start.

    Examples
    --------
    >>> _ = Path("beep.rb").write_text("play 60")
    >>> [result.audio for result in render_program_files(["beep.rb"], "out", seconds=1)]
    ['out/beep.flac']
    """
    if f".{audio_format}" not in FORMAT_BY_SUFFIX:
        raise EarshotError(
            f"Cannot write sound as {audio_format!r}.", remedy=f"Use {', '.join(FORMAT_BY_SUFFIX)}."
        )
    programs = [program for name in files for program in _read_programs_from_argument(name)]
    if not programs:
        raise EarshotError("No program was found.", remedy="Name .rb files, or a folder of them.")
    executor = LocalExecutor(
        sample_folders=tuple(_get_existing_sample_folder(folder) for folder in sample_folders)
    )
    targets = _make_audio_output_paths(
        programs, _ensure_output_folder(Path(output_folder)), audio_format
    )
    indices_by_source = _group_by_source(programs)
    results: dict[int, RenderedFile] = {}
    progress(PROGRESS_STEP, 0, len(programs))
    clips = _RequestedClips(list(indices_by_source), seconds, sonic_pi)
    for first_index, result in _render_unique_sources(programs, clips, executor):
        source = programs[first_index].source
        for index in [first_index] if source is None else indices_by_source[source]:
            name = programs[index].name
            if result.clip is not None:
                result.clip.save(targets[index])
            results[index] = _make_rendered_file(name, targets[index], result)
            note = "" if result.has_clip else f"{name}: {result.error}"
            progress(PROGRESS_STEP, len(results), len(programs), note)
    return [results[index] for index in range(len(programs))]


@dataclass(frozen=True)
class _ProgramFile:
    """The source of a program file, or the problem that kept it from being read."""

    name: str
    source: str | None
    problem: RenderProblem | None = None


def _read_programs_from_argument(argument: str | Path) -> list[_ProgramFile]:
    """Return the programs that one argument stands for."""
    if str(argument) == STDIN_ARGUMENT:
        return [_decode_program("stdin", sys.stdin.buffer.read())]
    path = Path(argument)
    if path.is_dir():
        return [
            program
            for file in sorted(path.rglob("*.rb"))
            for program in _read_programs_from_argument(file)
        ]
    try:
        return [_decode_program(str(path), path.read_bytes())]
    except OSError as error:
        raise EarshotError(f"It cannot be read ({error.strerror}).", where=str(path)) from error


def _decode_program(name: str, content: bytes) -> _ProgramFile:
    try:
        return _ProgramFile(name, decode_source(content, name))
    except EarshotError as error:  # The other files are rendered nevertheless.
        cause = error.__cause__
        offset = cause.start if isinstance(cause, UnicodeDecodeError) else 0
        line = content.count(b"\n", 0, offset) + 1
        message = f"It is not UTF-8 text. {error.remedy}"
        return _ProgramFile(name, None, RenderProblem("syntax", message, line))


def _group_by_source(programs: list[_ProgramFile]) -> dict[str, list[int]]:
    """Return the indices of the programs by source."""
    indices_by_source: dict[str, list[int]] = {}
    for index, program in enumerate(programs):
        if program.source is not None:
            indices_by_source.setdefault(program.source, []).append(index)
    return indices_by_source


@dataclass(frozen=True)
class _RequestedClips:
    """What the executor renders: each source once, all with the same settings."""

    sources: list[str]
    seconds: float
    sonic_pi: str


def _render_unique_sources(
    programs: list[_ProgramFile], clips: _RequestedClips, executor: RenderExecutor
) -> Iterator[tuple[int, RenderResult]]:
    """Yield (index, result) of each unreadable file, and of the first program of each source."""
    first_index: dict[str, int] = {}
    for index, program in enumerate(programs):
        if program.source is None:
            yield index, RenderResult(None, program.problem)
        else:
            first_index.setdefault(program.source, index)
    with executor.render_programs(clips.sources, clips.seconds, clips.sonic_pi) as results:
        for source_index, result in results:
            yield first_index[clips.sources[source_index]], result


def _ensure_output_folder(output_folder: Path) -> Path:
    try:
        output_folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise EarshotError(
            "It is a file, and sounds need a folder.",
            where=str(output_folder),
            remedy="Name another --out.",
        ) from error
    return output_folder


def _get_existing_sample_folder(path: str | Path) -> Path:
    folder = Path(path).resolve()
    if not folder.is_dir():
        raise EarshotError("There is no such folder of samples.", where=str(path))
    return folder


def _make_audio_output_paths(
    programs: list[_ProgramFile], output_folder: Path, audio_format: str
) -> list[Path]:
    """Return the path of each sound file; programs of the same name get numbers."""
    stems = make_unique_names(Path(program.name).stem for program in programs)
    return [output_folder / f"{stem}.{audio_format}" for stem in stems]


def _make_rendered_file(program_name: str, target: Path, result: RenderResult) -> RenderedFile:
    clip = result.clip
    return RenderedFile(
        file=program_name,
        ok=result.has_clip,
        audio=str(target) if clip else None,
        seconds=round(clip.seconds, 3) if clip else None,
        rms=round(clip.rms, 5) if clip else None,
        peak=round(clip.peak, 5) if clip else None,
        render_s=round(result.render_s, 3),
        error=result.error,
        warnings=result.warnings,
    )
