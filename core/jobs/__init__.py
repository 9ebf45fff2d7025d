"""Background jobs: start commands, list and watch them, cancel and restart them.

A job is a process of its own, ``python -m core COMMAND``, that outlives the page and the server
that started it. Its folder holds all of its data: ``job.json`` (one record, replaced atomically),
``events.jsonl`` (the progress that it reported) and ``log.txt`` (what it printed). There is no
supervisor. Each reader checks whether the process is still running, and identifies it by its pid
and start time.
"""

from core.jobs.heavy_command_queue import TerminalCommand, find_running_terminal_command
from core.jobs.job import Job, JobError, JobProgress, JobStep
from core.jobs.job_data_event_reader import read_job_data_events
from core.jobs.job_manager import get_job, list_jobs, remove_job, restart_job, start_job
from core.jobs.jobs_that_use_corpus import require_that_no_job_uses_corpus

__all__ = [
    "Job",
    "JobError",
    "JobProgress",
    "JobStep",
    "TerminalCommand",
    "find_running_terminal_command",
    "get_job",
    "list_jobs",
    "read_job_data_events",
    "require_that_no_job_uses_corpus",
    "remove_job",
    "restart_job",
    "start_job",
]
