"""List, follow, cancel, restart and remove jobs.

`jobs` lists all jobs, the newest first, with the position of each queued one. `jobs follow ID`
shows one until it ends; Ctrl+C leaves it running. `jobs cancel ID` stops a job; its finished work
stays. `jobs restart ID` starts an ended job again, which resumes where it stopped. `jobs remove ID`
removes an ended job from the list. An ID can be abbreviated to its number.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from core.cli.argument_parsing import add_json_option
from core.cli.terminal_output import (
    format_progress,
    print_json_line,
    print_json_lines,
    print_result_to_stdout,
    print_to_stderr,
)
from core.corpus.legacy_command_names import add_older_json_keys
from core.errors import EarshotError
from core.jobs import (
    Job,
    find_running_terminal_command,
    get_job,
    list_jobs,
    remove_job,
    restart_job,
)
from core.progress_callback import Progress
from core.text_formatting import format_duration_as_clock, format_table

IS_LONG_RUNNING = False
POLL_INTERVAL_S = 0.5
ACTIONS = ("follow", "cancel", "restart", "remove")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("action", nargs="?", choices=ACTIONS, help="action on the job ID")
    parser.add_argument("id", nargs="?", metavar="ID", help="id of a job, or its number")
    add_json_option(parser, "print one JSON line per job or event")


def run_command(args: argparse.Namespace, progress: Progress) -> None:
    """List the jobs, or follow, cancel, restart or remove one."""
    if args.action is None:
        _print_job_list(args.json)
    elif args.id is None:
        raise EarshotError(
            f"Which job do you want to {args.action}?",
            remedy=f"./run jobs lists them; then: ./run jobs {args.action} ID",
        )
    elif args.action == "follow":
        _follow_job_progress(get_job(args.id), progress, args.json)
    elif args.action == "cancel":
        _cancel_job(get_job(args.id), args.json)
    elif args.action == "restart":
        _print_current_job_state(restart_job(args.id), args.json)
    else:
        removed_job = get_job(args.id)
        remove_job(removed_job.id)
        print_result_to_stdout(f"Job {removed_job.id} is removed. Its results stay.")


def job_to_dict(job: Job) -> dict[str, Any]:
    """Convert a job to JSON types."""
    row = {
        "id": job.id,
        "title": job.title,
        "state": job.state,
        "queue_position": job.queue_position,
        "argv": list(job.argv),
        "step": job.progress.step,
        "done": job.progress.done,
        "total": job.progress.total,
        "remaining_s": job.progress.remaining_s,
        "seconds": job.elapsed_seconds,
        "error": str(job.error) if job.error else None,
        "command": job.shell_command,
    }
    return add_older_json_keys("jobs", row)


def _print_job_list(as_json: bool) -> None:
    jobs = list_jobs()
    if as_json:
        print_json_lines([job_to_dict(job) for job in jobs])
        return
    terminal_command = find_running_terminal_command()
    if terminal_command:
        print_result_to_stdout(
            f"{terminal_command.command} is running in a terminal (process {terminal_command.pid})."
        )
    if jobs:
        rows = [
            (
                job.id,
                _format_job_state(job),
                format_duration_as_clock(job.elapsed_seconds),
                job.title,
                _format_job_error_or_progress(job),
            )
            for job in jobs
        ]
        print_result_to_stdout(format_table(("id", "state", "time", "title", ""), rows))
    elif not terminal_command:
        print_result_to_stdout(
            "There are no jobs. Start one with --background, or from the dashboard."
        )


def _format_job_state(job: Job) -> str:
    if not job.queue_position:
        return job.state
    position = "next" if job.queue_position == 1 else f"position {job.queue_position}"
    return f"{job.state}, {position}"


def _format_job_error_or_progress(job: Job) -> str:
    if job.error:
        return str(job.error)
    if not job.is_active:
        return ""
    progress = job.progress
    if not progress.step:
        return progress.note
    return format_progress(
        progress.step,
        progress.done,
        progress.total,
        progress.note,
        progress.rate,
        progress.remaining_s,
    )


def _follow_job_progress(job: Job, progress: Progress, as_json: bool) -> None:
    offset, queue_note = 0, ""
    try:
        while True:
            # The state is read before the events, so that no event is missed at the end.
            job = get_job(job.id)
            events, offset = job.read_progress_events(offset)
            for event in events:
                if as_json:
                    print_json_line(event)
                else:
                    progress(
                        event["step"],
                        event["done"],
                        event["total"],
                        _format_progress_event_note(event),
                        event["data"],
                    )
            if job.state == "queued" and job.progress.note != queue_note:
                queue_note = job.progress.note
                print_to_stderr(queue_note)
            if not job.is_active:
                break
            time.sleep(POLL_INTERVAL_S)
    except KeyboardInterrupt:
        print_to_stderr(f"Job {job.id} continues. To stop it: ./run jobs cancel {job.id}")
        raise
    _print_job_outcome(job, as_json)


def _format_progress_event_note(event: dict[str, Any]) -> str:
    """Return the note of an event, or its numbers if it has no note."""
    if event["note"] or not event["data"]:
        return event["note"]
    numbers = {
        name: value for name, value in event["data"].items() if isinstance(value, (int, float))
    }
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in numbers.items())


def _print_job_outcome(job: Job, as_json: bool) -> None:
    if job.state == "done":
        if not as_json:
            print_result_to_stdout(job.read_log_tail().rstrip() or f"Job {job.id} is done.")
        return
    outcome = "was cancelled" if job.state == "cancelled" else "failed"
    remedy = (
        f"Its log: {job.folder}/log.txt. To resume it: ./run jobs restart {job.id}, which runs"
        f" {job.shell_command}"
    )
    if job.error is None:
        raise EarshotError(f"Job {job.id} {outcome}.", remedy=remedy)
    raise EarshotError(
        f"Job {job.id} {outcome}. {job.error.message}",
        where=job.error.where,
        remedy=f"{job.error.remedy or ''} {remedy}".strip(),
    )


def _cancel_job(job: Job, as_json: bool) -> None:
    if not job.is_active:
        raise EarshotError(f"Job {job.id} has already ended: {job.state}.")
    _print_current_job_state(job.cancel(), as_json)


def _print_current_job_state(job: Job, as_json: bool) -> None:
    if as_json:
        print_json_line(job_to_dict(job))
    else:
        print_result_to_stdout(f"Job {job.id} is {job.state}.")
