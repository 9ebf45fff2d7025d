"""Rendering of program files to sound files."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.clip_length_limits import DEFAULT_CLIP_SECONDS
from core.errors import EarshotError, convert_system_error
from core.pipeline.executors import Executor, LocalExecutor
from core.pipeline.unique_file_names import make_names_unique
from core.programs.source_decoding import decode_source
from core.progress_callback import Progress, ignore_progress
from core.sonicpi import DEFAULT_SONIC_PI, Clip, RenderProblem, RenderResult
from core.sonicpi.audio_clip_and_render_result import FORMAT_BY_SUFFIX

PROGRESS_STEP = "Rendering programs"
STDIN_ARGUMENT = "-"
MAX_FILE_NAME_BYTES = 255  # of Linux and macOS
# Room for the number of a name that occurs twice, and for the suffix of the format.
RESERVED_NAME_BYTES = 16
MAX_PROGRAM_BYTES = 4 << 20  # Larger files are not read; the renderer accepts 1 MiB.


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


@dataclass(frozen=True)
class RenderFileOptions:
    """How programs are rendered to sound files.

    Attributes
    ----------
    seconds : float
        Length of each clip.
    audio_format : {"flac", "wav", "ogg", "mp3"}
    sample_folders : sequence of str or Path
        Folders of samples that the programs may read, at their own paths.
    sonic_pi : {"3.2", "5"}
        Version of Sonic Pi whose sound the clips have.
    is_strict : bool
        An error that ends one thread fails the whole program; otherwise it is a warning.
    """

    seconds: float = DEFAULT_CLIP_SECONDS
    audio_format: str = "flac"
    sample_folders: Sequence[str | Path] = ()
    sonic_pi: str = DEFAULT_SONIC_PI
    is_strict: bool = False


def render_program_files(
    files: Sequence[str | Path],
    output_folder: str | Path,
    *,
    seconds: float = DEFAULT_CLIP_SECONDS,
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
    progress : Progress
        Called after every program.
    seconds, audio_format, sample_folders, sonic_pi
        As in `RenderFileOptions`. `iterate_rendered_files` has the option to be strict.

    Returns
    -------
    list of RenderedFile
        One per program, in the given order.

    Raises
    ------
    EarshotError
        When a file is missing or is not a regular file, no program is found, a sound file cannot
        be written, or the renderer cannot start.

    Examples
    --------
    >>> _ = Path("beep.rb").write_text("play 60")
    >>> [result.audio for result in render_program_files(["beep.rb"], "out", seconds=1)]
    ['out/beep.flac']
    """
    options = RenderFileOptions(seconds, audio_format, sample_folders, sonic_pi)
    results = dict(iterate_rendered_files(files, output_folder, options, progress=progress))
    return [results[index] for index in sorted(results)]


def iterate_rendered_files(
    files: Sequence[str | Path],
    output_folder: str | Path,
    options: RenderFileOptions = RenderFileOptions(),
    *,
    progress: Progress = ignore_progress,
) -> Iterator[tuple[int, RenderedFile]]:
    """Render programs like `render_program_files`, and yield each result as soon as it is known.

    Yields
    ------
    index : int
        Index of the program in the order of `files`. Results come in order of completion.
    result : RenderedFile

    Raises
    ------
    EarshotError
        As `render_program_files`.
    """
    if f".{options.audio_format}" not in FORMAT_BY_SUFFIX:
        raise EarshotError(
            f"Cannot write sound as {options.audio_format!r}.",
            remedy=f"Use {', '.join(FORMAT_BY_SUFFIX)}.",
        )
    programs = [program for name in files for program in _read_programs_from_argument(name)]
    if not programs:
        raise EarshotError("No program was found.", remedy="Name .rb files, or a folder of them.")
    executor = LocalExecutor(
        sample_folders=tuple(_get_existing_sample_folder(name) for name in options.sample_folders)
    )
    targets = _make_audio_output_paths(
        programs, _ensure_output_folder(Path(output_folder)), options.audio_format
    )
    indices_by_source = _group_programs_by_source(programs)
    done_count = 0
    progress(PROGRESS_STEP, 0, len(programs))
    clips = _RequestedClips(list(indices_by_source), options.seconds, options.sonic_pi)
    for first_index, rendering in _render_unique_sources(programs, clips, executor):
        source = programs[first_index].source
        result = rendering.fail_render_if_a_thread_failed() if options.is_strict else rendering
        for index in [first_index] if source is None else indices_by_source[source]:
            name = programs[index].name
            if result.clip is not None:
                _save_clip_audio_file(result.clip, targets[index])
            yield index, _make_rendered_file(name, targets[index], result)
            done_count += 1
            note = "" if result.has_clip else f"{name}: {result.error}"
            progress(PROGRESS_STEP, done_count, len(programs), note)


@dataclass(frozen=True)
class _ProgramFile:
    """The source of a program file, or the problem that kept it from being read."""

    name: str
    source: str | None
    problem: RenderProblem | None = None


def _read_programs_from_argument(argument: str | Path) -> list[_ProgramFile]:
    """Return the programs that one argument stands for."""
    if str(argument) == STDIN_ARGUMENT:
        return [_decode_program_file("stdin", sys.stdin.buffer.read())]
    path = Path(argument)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return [
                program
                for file in sorted(path.rglob("*.rb"))
                for program in _read_program_from_folder(file)
            ]
        if not stat.S_ISREG(mode):  # Reading a pipe or a device may wait for ever.
            raise EarshotError(
                "It is not a regular file.",
                where=str(path),
                remedy="To render a program from a pipe, name - for standard input.",
            )
        return [_decode_program_file(str(path), _read_program_file(path))]
    except (OSError, ValueError) as error:  # ValueError: the name contains a NUL character.
        reason = getattr(error, "strerror", None) or error
        raise EarshotError(f"It cannot be read ({reason}).", where=str(path)) from error


def _read_program_from_folder(file: Path) -> list[_ProgramFile]:
    """Return a program of a folder; a problem with one file does not stop the others."""
    if file.is_dir():
        return []  # A folder with the suffix of programs; the search goes through it.
    try:
        return _read_programs_from_argument(file)
    except EarshotError as error:
        problem = RenderProblem("syntax", " ".join(filter(None, (error.message, error.remedy))))
        return [_ProgramFile(str(file), None, problem)]


def _read_program_file(path: Path) -> bytes:
    with path.open("rb") as handle:
        content = handle.read(MAX_PROGRAM_BYTES + 1)
    if len(content) > MAX_PROGRAM_BYTES:
        raise EarshotError(
            f"It is larger than {MAX_PROGRAM_BYTES >> 20} MiB, so it is no program.",
            where=str(path),
        )
    return content


def _decode_program_file(name: str, content: bytes) -> _ProgramFile:
    try:
        return _ProgramFile(name, decode_source(content, name))
    except EarshotError as error:  # The other files are rendered nevertheless.
        cause = error.__cause__
        offset = cause.start if isinstance(cause, UnicodeDecodeError) else 0
        line = content.count(b"\n", 0, offset) + 1
        message = f"It is not UTF-8 text. {error.remedy}"
        return _ProgramFile(name, None, RenderProblem("syntax", message, line))


def _group_programs_by_source(programs: list[_ProgramFile]) -> dict[str, list[int]]:
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
    programs: list[_ProgramFile], clips: _RequestedClips, executor: Executor
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
    except (OSError, ValueError) as error:  # ValueError: the name contains a NUL character.
        reason = getattr(error, "strerror", None) or error
        raise EarshotError(
            f"The folder cannot be created ({reason}).",
            where=str(output_folder),
            remedy="Name another --out.",
        ) from error
    return output_folder


def _save_clip_audio_file(clip: Clip, target: Path) -> None:
    try:
        clip.save(target)
    except IsADirectoryError as error:
        raise EarshotError(
            "There is a folder of that name, so the clip cannot be written.",
            where=str(target),
            remedy="Rename the folder, or name another --out.",
        ) from error
    except OSError as error:
        if (system_error := convert_system_error(error)) is not None:
            raise system_error from error
        raise EarshotError(
            f"The clip cannot be written ({error.strerror}).",
            where=str(target),
            remedy="Name another --out.",
        ) from error


def _get_existing_sample_folder(path: str | Path) -> Path:
    folder = Path(path).resolve()
    if not folder.is_dir():
        raise EarshotError("There is no such folder of samples.", where=str(path))
    return folder


def _make_audio_output_paths(
    programs: list[_ProgramFile], output_folder: Path, audio_format: str
) -> list[Path]:
    """Return the path of each sound file; programs of the same name get numbers."""
    stems = make_names_unique(_shorten_file_stem(Path(program.name).stem) for program in programs)
    return [output_folder / f"{stem}.{audio_format}" for stem in stems]


def _shorten_file_stem(stem: str) -> str:
    """Return a stem that leaves room for a number and a suffix in the name of a file."""
    max_bytes = MAX_FILE_NAME_BYTES - RESERVED_NAME_BYTES
    encoded = os.fsencode(stem)
    return stem if len(encoded) <= max_bytes else encoded[:max_bytes].decode("utf-8", "ignore")


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
