"""State of a cluster on which a command works, as commands, job records and pages show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.progress_callback import Progress

CLUSTER_KEY = "cluster"
"""Key of the status in the data of a progress call."""


@dataclass(frozen=True)
class ClusterStatus:
    """Size and failures of a cluster.

    Attributes
    ----------
    nodes : int
        Nodes with a worker that is ready.
    workers : int
        Workers that are ready; each uses one core.
    failures : int
        Workers that were replaced since the command started, because they ended, answered too late
        or returned something invalid, or because their node was lost.
    last_failure : str
        Node and reason of the latest of them; "" without one.
    """

    nodes: int
    workers: int
    failures: int = 0
    last_failure: str = ""

    def __str__(self) -> str:
        text = f"{_format_count(self.workers, 'core')} on {_format_count(self.nodes, 'node')}"
        if self.failures:
            text += f", {_format_count(self.failures, 'failure')}"
        return text

    @classmethod
    def parse_progress_data(cls, values: object) -> ClusterStatus | None:
        """Return the status that `to_progress_data` stored; None for anything else."""
        if not isinstance(values, Mapping):
            return None
        try:
            return cls(**values)
        except TypeError:  # another version's fields
            return None

    def to_progress_data(self) -> dict[str, Any]:
        """Return the status as data of a progress call."""
        return {CLUSTER_KEY: asdict(self)}


class ClusterProgress:
    """A `Progress` that adds the status of a cluster to another one.

    The status is data whenever it has changed, and the note of calls that have none.

    Parameters
    ----------
    progress : Progress
    get_status : callable
        Returns the `ClusterStatus` now.
    """

    def __init__(self, progress: Progress, get_status: Callable[[], ClusterStatus]):
        self._progress = progress
        self._get_status = get_status
        self._last_status: ClusterStatus | None = None
        self._status_text = ""

    def __call__(
        self, step: str, done: int, total: int, note: str = "", data: dict[str, Any] | None = None
    ) -> None:
        """Report progress, as defined by `core.progress_callback.Progress`."""
        status = self._get_status()
        if status.workers and status != self._last_status:
            self._last_status, self._status_text = status, str(status)
            data = (data or {}) | status.to_progress_data()
        self._progress(step, done, total, note or self._status_text, data)


def _format_count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
