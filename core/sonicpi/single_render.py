"""Rendering of single programs, with a worker that stays open for the next program."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from core.sonicpi.audio_clip_and_render_result import Clip, OscMessage, RenderError, RenderResult
from core.sonicpi.message_framed_process import FramedProcessError
from core.sonicpi.render_pool import (
    MAX_RENDER_ATTEMPTS,
    build_worker_crash_problem,
    find_source_code_problem,
)
from core.sonicpi.render_worker import RenderWorker
from core.sonicpi.renderer_versions_and_render_id import DEFAULT_SONIC_PI, validate_sonic_pi_choice

Result = TypeVar("Result")

_workers_lock = threading.Lock()
_workers: dict[tuple[Path, ...], RenderWorker] = {}


def render(
    source: str,
    seconds: float = 18.0,
    *,
    sample_folders: tuple[Path, ...] = (),
    sonic_pi: str = DEFAULT_SONIC_PI,
) -> Clip:
    """Render a Sonic Pi program faster than real time.

    Parameters
    ----------
    source : str
        The program.
    seconds : float
        Length of the clip.
    sample_folders : tuple of Path
        Folders of samples that the program may read.
    sonic_pi : {"3.2", "5"}
        Version of Sonic Pi whose sound the clip has.

    Returns
    -------
    Clip
        44.1 kHz stereo. It begins with the first sound, at the latest with time 0 of the program.

    Raises
    ------
    RenderError
        When the program fails or is silent; `problem` holds kind, message and line. An error that
        ends one thread while others sound is not raised: `try_render` returns it as a warning.
    EarshotError
        When Sonic Pi, scsynth or the sandbox is missing.

    Examples
    --------
    >>> from core.sonicpi import render
    >>> clip = render("play 60, release: 2", seconds=3)
    >>> clip.samples.shape, clip.sample_rate
    ((132300, 2), 44100)
    >>> clip.save("note.flac")  # doctest: +SKIP

    Play the clip in a notebook:

    >>> from IPython.display import Audio  # doctest: +SKIP
    >>> Audio(clip.samples.T, rate=clip.sample_rate, normalize=False)  # doctest: +SKIP
    """
    result = try_render(source, seconds, sample_folders=sample_folders, sonic_pi=sonic_pi)
    if result.clip is None:
        assert result.error is not None
        raise RenderError(result.error)
    return result.clip


def try_render(
    source: str,
    seconds: float = 18.0,
    *,
    sample_folders: tuple[Path, ...] = (),
    sonic_pi: str = DEFAULT_SONIC_PI,
) -> RenderResult:
    r"""Render a program like `render`, but return errors and warnings instead of raising.

    Parameters
    ----------
    source, seconds, sample_folders, sonic_pi
        As in `render`.

    Raises
    ------
    EarshotError
        When Sonic Pi, scsynth or the sandbox is missing.

    Examples
    --------
    >>> from core.sonicpi import try_render
    >>> result = try_render("play 60\nsleep 0.5\nplya 61", seconds=1)
    >>> result.has_clip, [(w.kind, w.line, w.seconds) for w in result.warnings]
    (True, [('runtime', 3, 0.5)])
    >>> result = try_render("plya 60", seconds=1)
    >>> result.has_clip, result.error.kind, result.error.line
    (False, 'runtime', 1)
    """
    validate_sonic_pi_choice(sonic_pi)
    if (problem := find_source_code_problem(source)) is not None:
        return RenderResult(None, problem)
    try:
        return _call_with_cached_worker(
            sample_folders,
            lambda worker: worker.render(source, seconds, sonic_pi=sonic_pi),
        )
    except FramedProcessError as error:
        return RenderResult(None, build_worker_crash_problem(error))


def collect_osc_messages(source: str, seconds: float = 18.0) -> list[OscMessage]:
    """Run a program without synthesizing its sound, and return its messages to scsynth.

    Parameters
    ----------
    source : str
        The program.
    seconds : float
        How far to run the program, in its own time.

    Returns
    -------
    list of OscMessage
        In order of time, up to `seconds`.

    Raises
    ------
    RenderError
        When the program fails, or an error ends a thread and nothing sounds.
    EarshotError
        When Sonic Pi, scsynth or the sandbox is missing.

    Examples
    --------
    >>> from core.sonicpi import collect_osc_messages
    >>> messages = collect_osc_messages("use_synth :saw; play 60; sleep 1; play 64", seconds=2)
    >>> [(m.time, m.control_value_by_name["note"]) for m in messages if m.synthdef_name == "saw"]
    [(0.0, 60.0), (1.0, 64.0)]
    """
    if (problem := find_source_code_problem(source)) is not None:
        raise RenderError(problem)
    try:
        messages, result = _call_with_cached_worker(
            (), lambda worker: worker.collect_osc_messages(source, seconds)
        )
    except FramedProcessError as error:
        raise RenderError(build_worker_crash_problem(error)) from error
    if result.error:
        raise RenderError(result.error)
    return messages


def _call_with_cached_worker(
    sample_folders: tuple[Path, ...], action: Callable[[RenderWorker], Result]
) -> Result:
    """Call an action with the cached worker, and again with a new worker when it dies."""
    with _workers_lock:
        for attempt in range(MAX_RENDER_ATTEMPTS):
            worker = _workers.get(sample_folders)
            if worker is None:
                worker = _workers[sample_folders] = RenderWorker(sample_folders=sample_folders)
            try:
                return action(worker)
            except FramedProcessError:
                _workers.pop(sample_folders).close()
                if attempt == MAX_RENDER_ATTEMPTS - 1:
                    raise
    raise AssertionError("unreachable")


@atexit.register
def _close_cached_render_workers() -> None:
    for worker in _workers.values():
        worker.close()
    _workers.clear()
