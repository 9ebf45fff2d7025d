"""A job's figures while it runs, for a page that looks every second."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from core.jobs.manager import get_job

# Jobs whose events are remembered: those that somebody watches, and some that have ended.
CACHE_SIZE = 16

_cache_lock = threading.Lock()
_event_cache: OrderedDict[Path, tuple[int, list[dict[str, Any]]]] = OrderedDict()


def read_data_events(job_id: str, seen_count: int = 0) -> list[dict[str, Any]]:
    """What a job's stages reported with data: an epoch with its loss, a run of a sweep.

    Only what was written since the last call in this process is read, so it may be
    called every second, by any number of pages.

    Parameters
    ----------
    job_id : str
        As of `core.jobs.job`.
    seen_count : int
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
    watched = get_job(job_id)
    with _cache_lock:
        offset, seen = _event_cache.pop(watched.folder, (0, []))
        events, offset = watched.read_events(offset)
        seen.extend(event for event in events if isinstance(event.get("data"), dict))
        _event_cache[watched.folder] = offset, seen
        while len(_event_cache) > CACHE_SIZE:
            _event_cache.popitem(last=False)
        return seen[seen_count:]
