"""Programs that somebody wants to come back to, with a note and tags: kept in the workspace."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from core import workspace
from core.errors import EarshotError

FILE = "favourites.json"
LONGEST_NOTE = 2000
LONGEST_TAG = 40
MOST_TAGS = 20


@dataclass(frozen=True)
class Favourite:
    """A program of a corpus that is kept.

    Attributes
    ----------
    corpus, program : str
        The corpus's name and the program's id.
    name, template : str
        The program's.
    note : str
    tags : tuple of str
    added : str
        UTC, ISO 8601.
    """

    corpus: str
    program: str
    name: str
    template: str
    note: str = ""
    tags: tuple[str, ...] = ()
    added: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others."""
        return self.corpus, self.program


def favourites() -> list[Favourite]:
    """All favourites, the newest first.

    Raises
    ------
    EarshotError
        When the file is damaged.
    """
    path = _path()
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["favourites"]
        return [Favourite(**{**row, "tags": tuple(row["tags"])}) for row in rows]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise EarshotError(
            "The favourites cannot be read.",
            where=str(path),
            remedy="Move that file away: Earshot begins a new list.",
        ) from error


def is_favourite(corpus: str, program: str) -> bool:
    """Whether a program is kept."""
    return any(each.key == (corpus, program) for each in favourites())


def keep(corpus: str, program: str, name: str, template: str) -> None:
    """Keep a program; one that is kept stays as it is."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    new = Favourite(corpus, program, name, template, added=now)

    def change(kept: list[Favourite]) -> list[Favourite]:
        return kept if any(each.key == new.key for each in kept) else [new, *kept]

    _change(change)


def drop(corpus: str, program: str) -> None:
    """Keep a program no longer."""
    _change(lambda kept: [each for each in kept if each.key != (corpus, program)])


def annotate(corpus: str, program: str, note: str, tags: Iterable[str] = ()) -> None:
    """Write what is to be remembered of a favourite, in place of what was.

    Parameters
    ----------
    corpus, program : str
    note : str
        At most 2,000 characters are kept.
    tags : iterable of str
        At most 20 of 40 characters; spaces around them and repetitions go.

    Raises
    ------
    EarshotError
        When it is no favourite.
    """
    clean = [" ".join(tag.split())[:LONGEST_TAG] for tag in tags]
    clean = tuple(dict.fromkeys(tag for tag in clean if tag))[:MOST_TAGS]

    def change(kept: list[Favourite]) -> list[Favourite]:
        if all(each.key != (corpus, program) for each in kept):
            raise EarshotError("This program is no favourite any more.")
        return [
            replace(each, note=note[:LONGEST_NOTE], tags=clean)
            if each.key == (corpus, program)
            else each
            for each in kept
        ]

    _change(change)


def as_csv(kept: Iterable[Favourite]) -> str:
    """Favourites as a table to take along: a header, then one a row, tags with spaces between."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["corpus", "program", "name", "template", "note", "tags", "added"])
    for each in kept:
        writer.writerow([*asdict(each).values()][:5] + ["; ".join(each.tags), each.added])
    return out.getvalue()


def _path() -> Path:
    return workspace.root() / FILE


def _change(change: Callable[[list[Favourite]], list[Favourite]]) -> None:
    """Read, change and write the list, which nobody else does meanwhile."""
    workspace.refuse_if_read_only("Keeping favourites")
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = change(favourites())
        rows = [{**asdict(each), "tags": list(each.tags)} for each in kept]
        with workspace.atomic_write(path, "w") as handle:
            json.dump({"favourites": rows}, handle, ensure_ascii=False, indent=1)
    except OSError as error:
        raise EarshotError(
            f"The favourites cannot be written ({error.strerror}).",
            where=str(path),
            remedy="Check that you may write there and that the disk is not full.",
        ) from error
    finally:
        os.close(lock)
