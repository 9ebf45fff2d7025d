"""What runs in the background, ran, or waits.

`jobs` lists them, the newest first, with the place of each that waits; `jobs follow ID` shows
one until it ends, and Ctrl+C leaves it running; `jobs cancel ID` ends one, and what it had
finished stays; `jobs again ID` starts an ended one once more, which goes on where it was;
`jobs remove ID` forgets an ended one. An ID may be its number only.
"""

from __future__ import annotations

import argparse
import time

from core.cli.output import duration, json_line, note, progress_line, show, table
from core.errors import EarshotError
from core.jobs import Job, again, job, jobs, remove
from core.jobs.worker import in_terminal
from core.progress import Progress

HEAVY = False
LOOK_EVERY_S = 0.5


def add(parser: argparse.ArgumentParser) -> None:
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
        _list(args.json)
    elif args.id is None:
        raise EarshotError(
            f"Which job is there to {args.action}?",
            remedy=f"./run jobs lists them; then: ./run jobs {args.action} ID",
        )
    elif args.action == "follow":
        _follow(job(args.id), progress, args.json)
    elif args.action == "cancel":
        _cancel(job(args.id), args.json)
    elif args.action == "again":
        _tell(again(args.id), args.json)
    else:
        old = job(args.id)
        remove(old.id)
        show(f"Job {old.id} is removed. What it made stays.")


def as_dict(one: Job) -> dict:
    """A job as JSON holds it."""
    return {
        "id": one.id,
        "title": one.title,
        "state": one.state,
        "place": one.place,
        "argv": list(one.argv),
        "step": one.progress.step,
        "done": one.progress.done,
        "total": one.progress.total,
        "remaining_s": one.progress.remaining_s,
        "seconds": one.seconds,
        "error": str(one.error) if one.error else None,
        "command": one.command,
    }


def _list(as_json: bool) -> None:
    found = jobs()
    if as_json:
        for one in found:
            json_line(as_dict(one))
        return
    other = in_terminal()
    if other:
        show(f"In a terminal runs {other[1]} (process {other[0]}).")
    if found:
        rows = [(j.id, _state(j), duration(j.seconds), j.title, _detail(j)) for j in found]
        show(table(("id", "state", "time", "title", ""), rows))
    elif not other:
        show("There are no jobs. Start one with --background, or from the dashboard.")


def _state(one: Job) -> str:
    return f"{one.state}, {_ordinal(one.place)}" if one.place else one.state


def _ordinal(place: int) -> str:
    return "next" if place == 1 else f"place {place}"


def _detail(one: Job) -> str:
    if one.error:
        return str(one.error)
    if not one.active or not one.progress.step:
        return one.progress.note if one.active else ""
    now = one.progress
    return progress_line(now.step, now.done, now.total, now.note, now.rate, now.remaining_s)


def _follow(one: Job, progress: Progress, as_json: bool) -> None:
    offset, waiting = 0, ""
    try:
        while True:
            # Looked at before its events are read: so none comes after the last look.
            one = job(one.id)
            events, offset = one.events(offset)
            for event in events:
                if as_json:
                    json_line(event)
                else:
                    progress(
                        event["step"], event["done"], event["total"], _live(event), event["data"]
                    )
            if one.state == "queued" and one.progress.note != waiting:
                waiting = one.progress.note
                note(waiting)
            if not one.active:
                break
            time.sleep(LOOK_EVERY_S)
    except KeyboardInterrupt:
        note(f"Job {one.id} goes on; ./run jobs cancel {one.id} would end it.")
        raise
    _tell_end(one, as_json)


def _live(event: dict) -> str:
    """An event's note, or its figures where it has no words for them."""
    if event["note"] or not event["data"]:
        return event["note"]
    figures = {
        key: value for key, value in event["data"].items() if isinstance(value, (int, float))
    }
    return ", ".join(f"{key.replace('_', ' ')} {value:.4g}" for key, value in figures.items())


def _tell_end(one: Job, as_json: bool) -> None:
    if one.state == "done":
        if not as_json:
            show(one.log_tail().rstrip() or f"Job {one.id} is done.")
        return
    raise EarshotError(
        f"Job {one.id} {'was cancelled' if one.state == 'cancelled' else 'failed'}."
        + (f" {one.error.message}" if one.error else ""),
        where=one.error.where if one.error else None,
        remedy=f"{one.error.remedy or '' if one.error else ''} Its log: {one.folder}/log.txt."
        f" To go on: ./run jobs again {one.id}, which does {one.command}".strip(),
    )


def _cancel(one: Job, as_json: bool) -> None:
    if not one.active:
        raise EarshotError(f"Job {one.id} has ended already: {one.state}.")
    _tell(one.cancel(), as_json)


def _tell(one: Job, as_json: bool) -> None:
    if as_json:
        json_line(as_dict(one))
    else:
        show(f"Job {one.id} is {one.state}.")
