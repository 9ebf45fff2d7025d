"""A job's figures while it runs, for a page that looks every second."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from core.jobs.manager import job

# Jobs whose events are remembered: those that somebody watches, and some that have ended.
REMEMBERED = 16

_lock = threading.Lock()
_known: OrderedDict[Path, tuple[int, list[dict[str, Any]]]] = OrderedDict()


def data_events(job_id: str, since: int = 0) -> list[dict[str, Any]]:
    """What a job's stages reported with data: an epoch with its loss, a run of a sweep.

    Only what was written since the last call in this process is read, so it may be
    called every second, by any number of pages.

    Parameters
    ----------
    job_id : str
        As of `core.jobs.job`.
    since : int
        How many of them the caller has seen already; they are left out.

    Returns
    -------
    list of dict
        Oldest first, each with "time" (seconds since the epoch), "step", "done",
        "total", "note" and "data" (a dict, as the stage gave it). They are shared:
        read, don't change them.

    Raises
    ------
    EarshotError
        When there is no such job.
    """
    watched = job(job_id)
    with _lock:
        offset, seen = _known.pop(watched.folder, (0, []))
        events, offset = watched.events(offset)
        seen.extend(event for event in events if isinstance(event.get("data"), dict))
        _known[watched.folder] = offset, seen
        while len(_known) > REMEMBERED:
            _known.popitem(last=False)
        return seen[since:]
