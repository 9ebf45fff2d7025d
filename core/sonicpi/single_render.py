"""Render one program, with a worker that is kept for the next."""

from __future__ import annotations

import atexit
import threading
from pathlib import Path
from typing import Any, Callable

from core.sonicpi.clip import Clip, Event, RenderError, Rendering
from core.sonicpi.pool import TRIES, brought_down, unfit
from core.sonicpi.worker import HostGone, Worker

_lock = threading.Lock()
_kept: dict[tuple[Path, ...], Worker] = {}


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
    rendering = render_result(source, seconds, sample_folders=sample_folders)
    if rendering.error:
        raise RenderError(rendering.error)
    return rendering.clip


def render_result(
    source: str, seconds: float = 18.0, *, sample_folders: tuple[Path, ...] = ()
) -> Rendering:
    """Render like `render`, but return errors and warnings instead of raising.

    Raises
    ------
    EarshotError
        When Sonic Pi, scsynth or the sandbox is missing.
    """
    if (problem := unfit(source)) is not None:
        return Rendering(None, problem)
    try:
        return _with_kept(sample_folders, lambda worker: worker.render(source, seconds))
    except HostGone as gone:
        return Rendering(None, brought_down(gone))


def events(source: str, seconds: float = 18.0) -> list[Event]:
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
    if (problem := unfit(source)) is not None:
        raise RenderError(problem)
    try:
        sent, rendering = _with_kept((), lambda worker: worker.events(source, seconds))
    except HostGone as gone:
        raise RenderError(brought_down(gone)) from gone
    if rendering.error:
        raise RenderError(rendering.error)
    return sent


def _with_kept(sample_folders: tuple[Path, ...], use: Callable[[Worker], Any]) -> Any:
    """Use the kept worker, once more with a new one when it is gone."""
    with _lock:
        for attempt in range(TRIES):
            worker = _kept.get(sample_folders)
            if worker is None:
                worker = _kept[sample_folders] = Worker(sample_folders=sample_folders)
            try:
                return use(worker)
            except HostGone:
                _kept.pop(sample_folders).close()
                if attempt == TRIES - 1:
                    raise


@atexit.register
def _close_kept() -> None:
    for worker in _kept.values():
        worker.close()
    _kept.clear()
