"""Run any command in the background, watch it, and end it.

A job is a process of its own, ``python -m core …``, that outlives the page and the
server that started it. All that is known of it lies in its folder: `job.json` (one
record, replaced as a whole), `events.jsonl` (what its stages reported) and `log.txt`
(what it printed). There is no supervisor: whoever looks sees the truth, since a
job's process is named by its pid and the time it began.
"""

from core.jobs.manager import restart_job, get_job, list_jobs, remove_job, start_job
from core.jobs.job import Job, JobError, JobProgress, JobStep
from core.jobs.event_stream import read_data_events

__all__ = [
    "Job",
    "JobError",
    "JobProgress",
    "JobStep",
    "restart_job",
    "read_data_events",
    "get_job",
    "list_jobs",
    "remove_job",
    "start_job",
]
