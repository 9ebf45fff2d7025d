"""How a stage says how far it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called by a stage whenever a unit of its work is finished.

    Parameters
    ----------
    step : str
        What is being done, in the user's words: "Rendering programs".
    done, total : int
        Finished units and all units of this step; ``0 <= done <= total``.
    note : str, optional
        The newest detail worth a line: a file that failed, an epoch's loss.
    data : dict, optional
        The same detail for machines, JSON-serialisable.
    """

    def __call__(
        self, step: str, done: int, total: int, note: str = "", data: dict | None = None
    ) -> None: ...


def ignore_progress(step: str, done: int, total: int, note: str = "", data: dict | None = None) -> None:
    """Listen to nothing: the default for notebooks and tests."""
