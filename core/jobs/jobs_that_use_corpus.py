"""Find the jobs and commands that use a corpus, before it is deleted."""

from __future__ import annotations

import shlex

from core.errors import EarshotError
from core.jobs.heavy_command_queue import find_running_terminal_command
from core.jobs.job_manager import list_jobs


def require_that_no_job_uses_corpus(corpus_name: str) -> None:
    """Raise an error if a job or a command in a terminal uses a corpus or waits to use it.

    Training does not lock the corpus, so the lock of `core.corpus` alone would let it be deleted
    under a training.

    Parameters
    ----------
    corpus_name : str

    Raises
    ------
    EarshotError
        The message names the job or the command.
    """
    for job in list_jobs():
        if job.is_active and corpus_name in job.argv[1:]:
            raise EarshotError(
                f"Corpus '{corpus_name}' is used by job {job.id}: {shlex.join(job.argv)}.",
                remedy=f"Wait until it has ended, or cancel it: ./run jobs cancel {job.id}",
            )
    command = find_running_terminal_command()
    if command is not None and corpus_name in shlex.split(command.command):
        raise EarshotError(
            f"Corpus '{corpus_name}' is used by a command in a terminal: {command.command}.",
            remedy="Wait until it has ended, or stop it there.",
        )
