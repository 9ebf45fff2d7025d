"""What runs in the background, ran, or waits.

`jobs` lists them, the newest first, with the place of each that waits; `jobs follow ID` shows
one until it ends, and Ctrl+C leaves it running; `jobs cancel ID` ends one, and what it had
finished stays; `jobs again ID` starts an ended one once more, which goes on where it was;
`jobs remove ID` forgets an ended one. An ID may be its number only.
"""

from __future__ import annotations

import argparse
import time

from core.cli.output import format_duration, print_json_line, print_to_stderr, format_progress, print_result, format_table
from core.errors import EarshotError
from core.jobs import Job, restart_job, get_job, list_jobs, remove_job
from core.jobs.worker import find_terminal_command
from core.progress import Progress

IS_LONG_RUNNING = False
POLL_INTERVAL_S = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("follow", "cancel", "again", "remove"),
        help="with an ID",
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="of a job, or its number")
    parser.add_argument("--json", action="store_true", help="print one JSON line a job or event")


def run(args: argparse.Namespace, progress: Progress) -> None:
    """List, follow or cancel."""
    if args.action is None:
        _print_jobs(args.json)
    elif args.id is None:
        raise EarshotError(
            f"Which job is there to {args.action}?",
            remedy=f"./run jobs lists them; then: ./run jobs {args.action} ID",
        )
    elif args.action == "follow":
        _follow_job(get_job(args.id), progress, args.json)
    elif args.action == "cancel":
        _cancel_job(get_job(args.id), args.json)
    elif args.action == "again":
        _print_job(restart_job(args.id), args.json)
    else:
        old = get_job(args.id)
        remove_job(old.id)
        print_result(f"Job {old.id} is removed. What it made stays.")


def job_to_dict(selected_job: Job) -> dict:
    """A job as JSON holds it."""
    return {
        "id": selected_job.id,
        "title": selected_job.title,
        "state": selected_job.state,
        "place": selected_job.queue_position,
        "argv": list(selected_job.argv),
        "step": selected_job.progress.step,
        "done": selected_job.progress.done,
        "total": selected_job.progress.total,
        "remaining_s": selected_job.progress.remaining_s,
        "seconds": selected_job.elapsed_seconds,
        "error": str(selected_job.error) if selected_job.error else None,
        "command": selected_job.shell_command,
    }


def _print_jobs(as_json: bool) -> None:
    found = list_jobs()
    if as_json:
        for one in found:
            print_json_line(job_to_dict(one))
        return
    other = find_terminal_command()
    if other:
        print_result(f"In a terminal runs {other[1]} (process {other[0]}).")
    if found:
        rows = [(j.id, _format_state(j), format_duration(j.elapsed_seconds), j.title, _format_detail(j)) for j in found]
        print_result(format_table(("id", "state", "time", "title", ""), rows))
    elif not other:
        print_result("There are no jobs. Start one with --background, or from the dashboard.")


def _format_state(selected_job: Job) -> str:
    return f"{selected_job.state}, {_format_queue_place(selected_job.queue_position)}" if selected_job.queue_position else selected_job.state


def _format_queue_place(place: int) -> str:
    return "next" if place == 1 else f"place {place}"


def _format_detail(selected_job: Job) -> str:
    if selected_job.error:
        return str(selected_job.error)
    if not selected_job.is_active or not selected_job.progress.step:
        return selected_job.progress.note if selected_job.is_active else ""
    now = selected_job.progress
    return format_progress(now.step, now.done, now.total, now.note, now.rate, now.remaining_s)


def _follow_job(selected_job: Job, progress: Progress, as_json: bool) -> None:
    offset, waiting = 0, ""
    try:
        while True:
            # Looked at before its events are read: so none comes after the last look.
            selected_job = get_job(selected_job.id)
            events, offset = selected_job.read_events(offset)
            for event in events:
                if as_json:
                    print_json_line(event)
                else:
                    progress(
                        event["step"], event["done"], event["total"], _describe_event(event), event["data"]
                    )
            if selected_job.state == "queued" and selected_job.progress.note != waiting:
                waiting = selected_job.progress.note
                print_to_stderr(waiting)
            if not selected_job.is_active:
                break
            time.sleep(POLL_INTERVAL_S)
    except KeyboardInterrupt:
        print_to_stderr(f"Job {selected_job.id} goes on; ./run jobs cancel {selected_job.id} would end it.")
        raise
    _print_outcome(selected_job, as_json)


def _describe_event(event: dict) -> str:
    """An event's note, or its figures where it has no words for them."""
    if event["note"] or not event["data"]:
        return event["note"]
    figures = {
        key: value for key, value in event["data"].items() if isinstance(value, (int, float))
    }
    return ", ".join(f"{key.replace('_', ' ')} {value:.4g}" for key, value in figures.items())


def _print_outcome(selected_job: Job, as_json: bool) -> None:
    if selected_job.state == "done":
        if not as_json:
            print_result(selected_job.read_log_tail().rstrip() or f"Job {selected_job.id} is done.")
        return
    raise EarshotError(
        f"Job {selected_job.id} {'was cancelled' if selected_job.state == 'cancelled' else 'failed'}."
        + (f" {selected_job.error.message}" if selected_job.error else ""),
        where=selected_job.error.where if selected_job.error else None,
        remedy=f"{selected_job.error.remedy or '' if selected_job.error else ''} Its log: {selected_job.folder}/log.txt."
        f" To go on: ./run jobs again {selected_job.id}, which does {selected_job.shell_command}".strip(),
    )


def _cancel_job(selected_job: Job, as_json: bool) -> None:
    if not selected_job.is_active:
        raise EarshotError(f"Job {selected_job.id} has ended already: {selected_job.state}.")
    _print_job(selected_job.cancel(), as_json)


def _print_job(selected_job: Job, as_json: bool) -> None:
    if as_json:
        print_json_line(job_to_dict(selected_job))
    else:
        print_result(f"Job {selected_job.id} is {selected_job.state}.")
