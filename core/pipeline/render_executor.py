"""What renders many programs: the one interface behind which a cluster could stand.

A stage hands programs to an engine and takes renderings as they come. All that an engine
must do is in `Engine`; where its work is done, and in how many places, is its own affair.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ContextManager, Iterable, Iterator, Protocol

from core import sonicpi
from core.sonicpi import RenderResult


class RenderExecutor(Protocol):
    """Maps rendering over programs."""

    def render_programs(
        self, sources: Iterable[str], seconds: float
    ) -> ContextManager[Iterator[tuple[int, RenderResult]]]:
        """Render programs, in any order, for as long as the block lasts.

        Parameters
        ----------
        sources : iterable of str
            Programs; read no faster than they are rendered.
        seconds : float
            Length of each clip.

        Returns
        -------
        context manager of an iterator of (int, Rendering)
            Place of a program in `sources`, and what came of it: each program
            once, a failed one with its error. The rendering of a program is the
            same wherever it was done. Leaving the block ends what is going on.

        Raises
        ------
        EarshotError
            When nothing can be rendered at all.
        """
        ...


@dataclass(frozen=True)
class LocalExecutor:
    """Renders in processes on this machine.

    Attributes
    ----------
    workers : int or None
        How many; None is one a core.
    sample_folders : tuple of Path
        Folders of sounds on this machine that programs may read.
    """

    workers: int | None = None
    sample_folders: tuple[Path, ...] = ()

    @contextmanager
    def render_programs(
        self, sources: Iterable[str], seconds: float
    ) -> Iterator[Iterator[tuple[int, RenderResult]]]:
        """As `Engine.rendering`."""
        renderings = sonicpi.render_many(
            sources, seconds=seconds, workers=self.workers, sample_folders=self.sample_folders
        )
        try:
            yield renderings
        finally:
            renderings.close()  # stops its workers
