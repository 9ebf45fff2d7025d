"""The interface through which the pipeline renders many programs, and its local implementation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core import sonicpi
from core.sonicpi import DEFAULT_SONIC_PI, RenderResult


class RenderExecutor(Protocol):
    """Renders programs, on this machine or elsewhere."""

    def render_programs(
        self, sources: Iterable[str], seconds: float, sonic_pi: str = DEFAULT_SONIC_PI
    ) -> AbstractContextManager[Iterator[tuple[int, RenderResult]]]:
        """Render programs, in any order, while the block lasts.

        Parameters
        ----------
        sources : iterable of str
            Source code of the programs; consumed no faster than they are rendered.
        seconds : float
            Length of each clip.
        sonic_pi : {"3.2", "5"}
            Version of Sonic Pi whose sound the clips have.

        Returns
        -------
        context manager of an iterator of (int, RenderResult)
            Each program's index in `sources`, once, with its clip or its error. The result does
            not depend on where the program was rendered. Leaving the block stops all rendering.

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
        Number of processes. None: one per core.
    sample_folders : tuple of Path
        Folders of samples that the programs may read.
    """

    workers: int | None = None
    sample_folders: tuple[Path, ...] = ()

    @contextmanager
    def render_programs(
        self, sources: Iterable[str], seconds: float, sonic_pi: str = DEFAULT_SONIC_PI
    ) -> Iterator[Iterator[tuple[int, RenderResult]]]:
        """Render programs, as `RenderExecutor.render_programs` documents it."""
        results = sonicpi.render_programs_in_parallel(
            sources,
            seconds=seconds,
            workers=self.workers,
            sample_folders=self.sample_folders,
            sonic_pi=sonic_pi,
        )
        try:
            yield results
        finally:
            # `render_programs_in_parallel` is a generator function; closing its generator stops the
            # workers.
            results.close()  # type: ignore[attr-defined] # typed as the iterator that users need
