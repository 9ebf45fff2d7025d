"""Render one program, with a worker that is kept for the next."""

from __future__ import annotations

import atexit
import threading
from pathlib import Path
from typing import Any, Callable

from core.sonicpi.clip import Clip, OscMessage, RenderError, RenderResult
from core.sonicpi.pool import MAX_RENDER_ATTEMPTS, describe_worker_crash, validate_source
from core.sonicpi.worker import HostProcessError, RenderWorker

_workers_lock = threading.Lock()
_workers: dict[tuple[Path, ...], RenderWorker] = {}


def render(source: str, seconds: float = 18.0, *, sample_folders: tuple[Path, ...] = ()) -> Clip:
    """Render a Sonic Pi program without waiting for it to play.

    Parameters
    ----------
    source : str
        The program.
    seconds : float
        Length of the clip.
    sample_folders : tuple of Path
        Folders of sounds that the program may read.

    Returns
    -------
    Clip
        44.1 kHz stereo, from the moment when the first sound would be heard live.

    Raises
    ------
    RenderError
        When the program fails or stays silent; `.problem` holds kind, message and line.
    EarshotError
        When Sonic Pi, scsynth or the sandbox is missing.

    Examples
    --------
    >>> from core.sonicpi import render
    >>> clip = render("play 60, release: 2", seconds=3)
    >>> clip.samples.shape, clip.sample_rate
    ((132300, 2), 44100)
    >>> clip.save("note.flac")  # doctest: +SKIP

    In a notebook, without any set-up:

    >>> from IPython.display import Audio  # doctest: +SKIP
    >>> Audio(clip.samples.T, rate=clip.sample_rate, normalize=False)  # doctest: +SKIP
    """
    rendering = try_render(source, seconds, sample_folders=sample_folders)
    if rendering.error:
        raise RenderError(rendering.error)
    return rendering.clip


def try_render(
    source: str, seconds: float = 18.0, *, sample_folders: tuple[Path, ...] = ()
) -> RenderResult:
    """Render like `render`, but return errors and warnings instead of raising.

    Raises
    ------
    EarshotError
        When Sonic Pi, scsynth or the sandbox is missing.
    """
    if (problem := validate_source(source)) is not None:
        return RenderResult(None, problem)
    try:
        return _use_cached_worker(sample_folders, lambda worker: worker.render(source, seconds))
    except HostProcessError as gone:
        return RenderResult(None, describe_worker_crash(gone))


def collect_osc_messages(source: str, seconds: float = 18.0) -> list[OscMessage]:
    """Run a program without playing it, and return what it sends to scsynth.

    Parameters
    ----------
    source : str
        The program.
    seconds : float
        How far to run it.

    Returns
    -------
    list of Event
        In order of time, up to `seconds`.

    Raises
    ------
    RenderError
        When the program fails.
    EarshotError
        When Sonic Pi, scsynth or the sandbox is missing.
    """
    if (problem := validate_source(source)) is not None:
        raise RenderError(problem)
    try:
        sent, rendering = _use_cached_worker((), lambda worker: worker.collect_osc_messages(source, seconds))
    except HostProcessError as gone:
        raise RenderError(describe_worker_crash(gone)) from gone
    if rendering.error:
        raise RenderError(rendering.error)
    return sent


def _use_cached_worker(sample_folders: tuple[Path, ...], action: Callable[[RenderWorker], Any]) -> Any:
    """Use the kept worker, once more with a new one when it is gone."""
    with _workers_lock:
        for attempt in range(MAX_RENDER_ATTEMPTS):
            worker = _workers.get(sample_folders)
            if worker is None:
                worker = _workers[sample_folders] = RenderWorker(sample_folders=sample_folders)
            try:
                return action(worker)
            except HostProcessError:
                _workers.pop(sample_folders).close()
                if attempt == MAX_RENDER_ATTEMPTS - 1:
                    raise


@atexit.register
def _close_workers() -> None:
    for worker in _workers.values():
        worker.close()
    _workers.clear()
