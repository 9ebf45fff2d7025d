"""Protocol by which long-running functions report progress to any receiver."""

from __future__ import annotations

from typing import Any, Protocol


class Progress(Protocol):
    """Callable that a long-running function calls whenever it finishes a unit of work.

    Parameters
    ----------
    step : str
        Current step in the user's words: "Rendering programs".
    done, total : int
        Finished units and all units of this step; ``0 <= done <= total``.
    note : str, optional
        Latest detail worth a line: a file that failed, the loss of an epoch.
    data : dict, optional
        The same detail for programs, JSON-serializable.
    """

    def __call__(
        self, step: str, done: int, total: int, note: str = "", data: dict[str, Any] | None = None
    ) -> None:
        """Receive the progress of a step."""


def ignore_progress(
    step: str, done: int, total: int, note: str = "", data: dict[str, Any] | None = None
) -> None:
    """Do nothing: the default receiver for notebooks and tests."""
