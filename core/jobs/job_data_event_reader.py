"""Events of a running job, read incrementally for pages that poll every second."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from core.jobs.job_manager import get_job

# Number of jobs with cached events: those that users watch, and some that have ended.
CACHE_SIZE = 16

_cache_lock = threading.Lock()
# Offset of the next unread byte, and the events read so far, by folder of the job.
_event_cache: OrderedDict[Path, tuple[int, list[dict[str, Any]]]] = OrderedDict()


def read_job_data_events(job_id: str, seen_count: int = 0) -> list[dict[str, Any]]:
    """Return the events of a job that carry data: an epoch with its loss, a trial of a sweep.

    Each call reads only what was written since the last call in this process, so several pages
    can call it every second.

    Parameters
    ----------
    job_id : str
        As in `get_job`.
    seen_count : int
        Number of events that the caller has already seen, which are left out.

    Returns
    -------
    list of dict
        Oldest first, with the keys "time" (seconds since 1970-01-01 UTC), "step", "done", "total",
        "note" and "data" (dict). Callers share these objects and must not change them.

    Raises
    ------
    EarshotError
        If the job does not exist.
    """
    job = get_job(job_id)
    with _cache_lock:
        offset, data_events = _event_cache.pop(job.folder, (0, []))
        new_events, offset = job.read_progress_events(offset)
        data_events.extend(event for event in new_events if isinstance(event.get("data"), dict))
        _event_cache[job.folder] = offset, data_events
        while len(_event_cache) > CACHE_SIZE:
            _event_cache.popitem(last=False)
        return data_events[seen_count:]
