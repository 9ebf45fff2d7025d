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
from core.corpus.legacy_names import translate_favourite
from core.errors import EarshotError

FAVOURITES_FILE = "favourites.json"
MAX_NOTE_CHARS = 2000
MAX_TAG_CHARS = 40
MAX_TAGS = 20


@dataclass(frozen=True)
class Favourite:
    """A program of a corpus that is kept.

    Attributes
    ----------
    corpus_name, program_id : str
        The corpus's name and the program's id.
    name, template : str
        The program's.
    note : str
    tags : tuple of str
    added : str
        UTC, ISO 8601.
    """

    corpus_name: str
    program_id: str
    name: str
    template: str
    note: str = ""
    tags: tuple[str, ...] = ()
    added: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others."""
        return self.corpus_name, self.program_id


def load_favourites() -> list[Favourite]:
    """All favourites, the newest first.

    Raises
    ------
    EarshotError
        When the file is damaged.
    """
    path = _get_favourites_path()
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["favourites"]
        return [
            Favourite(**{**row, "tags": tuple(row["tags"])})
            for row in map(translate_favourite, rows)
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise EarshotError(
            "The favourites cannot be read.",
            where=str(path),
            remedy="Move that file away: Earshot begins a new list.",
        ) from error


def is_favourite(corpus_name: str, program_id: str) -> bool:
    """Whether a program is kept."""
    return any(each.key == (corpus_name, program_id) for each in load_favourites())


def add_favourite(corpus_name: str, program_id: str, name: str, template: str) -> None:
    """Keep a program; one that is kept stays as it is."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    new = Favourite(corpus_name, program_id, name, template, added=now)

    def add_if_missing(favourites: list[Favourite]) -> list[Favourite]:
        return favourites if any(each.key == new.key for each in favourites) else [new, *favourites]

    _update_favourites(add_if_missing)


def remove_favourite(corpus_name: str, program_id: str) -> None:
    """Keep a program no longer."""
    _update_favourites(
        lambda kept: [each for each in kept if each.key != (corpus_name, program_id)]
    )


def annotate_favourite(
    corpus_name: str, program_id: str, note: str, tags: Iterable[str] = ()
) -> None:
    """Write what is to be remembered of a favourite, in place of what was.

    Parameters
    ----------
    corpus_name, program_id : str
    note : str
        At most 2,000 characters are kept.
    tags : iterable of str
        At most 20 of 40 characters; spaces around them and repetitions go.

    Raises
    ------
    EarshotError
        When it is no favourite.
    """
    clean = [" ".join(tag.split())[:MAX_TAG_CHARS] for tag in tags]
    clean = tuple(dict.fromkeys(tag for tag in clean if tag))[:MAX_TAGS]

    def replace_annotation(favourites: list[Favourite]) -> list[Favourite]:
        if all(each.key != (corpus_name, program_id) for each in favourites):
            raise EarshotError("This program is no favourite any more.")
        return [
            replace(each, note=note[:MAX_NOTE_CHARS], tags=clean)
            if each.key == (corpus_name, program_id)
            else each
            for each in favourites
        ]

    _update_favourites(replace_annotation)


def format_favourites_csv(favourites: Iterable[Favourite]) -> str:
    """Favourites as a table to take along: a header, then one a row, tags with spaces between."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["corpus", "program", "name", "template", "note", "tags", "added"])
    for each in favourites:
        writer.writerow([*asdict(each).values()][:5] + ["; ".join(each.tags), each.added])
    return out.getvalue()


def _get_favourites_path() -> Path:
    return workspace.get_workspace_root() / FAVOURITES_FILE


def _update_favourites(transform: Callable[[list[Favourite]], list[Favourite]]) -> None:
    """Read, change and write the list, which nobody else does meanwhile."""
    workspace.refuse_if_read_only("Keeping favourites")
    path = _get_favourites_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = transform(load_favourites())
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
