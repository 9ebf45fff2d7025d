"""Favourite programs with a note and tags, saved in the workspace."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from core import file_locks_and_atomic_writes, workspace
from core.corpus.legacy_saved_names import translate_legacy_favourite, translate_legacy_grammar_name
from core.errors import EarshotError
from core.file_errors import convert_write_errors

FAVOURITES_FILE = "favourites.json"
MAX_NOTE_CHARS = 2000
MAX_TAG_CHARS = 40
MAX_TAGS = 20


@dataclass(frozen=True)
class Favourite:
    """A program of a corpus that the user marked as a favourite.

    Attributes
    ----------
    corpus_name, program_id : str
        The program.
    name, template : str
        Name and template of the program.
    note : str
        Note of the user.
    tags : tuple of str
        Tags of the user.
    added : str
        Time when it was added: UTC, ISO 8601.
    """

    corpus_name: str
    program_id: str
    name: str
    template: str
    note: str = ""
    tags: tuple[str, ...] = ()
    added: str = ""

    @property
    def corpus_and_program_id(self) -> tuple[str, str]:
        """Corpus name and program id, which identify a favourite."""
        return self.corpus_name, self.program_id


def load_favourites() -> list[Favourite]:
    """Return all favourites, newest first.

    In a read-only workspace there are none: favourites and their notes are its owner's.

    Raises
    ------
    EarshotError
        If the file is damaged.
    """
    if workspace.is_workspace_read_only():
        return []
    path = _get_favourites_path()
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["favourites"]
        return [
            Favourite(**{**row, "tags": tuple(row["tags"])})
            for row in map(translate_legacy_favourite, rows)
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise EarshotError(
            "The favourites cannot be read.",
            where=str(path),
            remedy="Move this file to another folder: Earshot will start a new list.",
        ) from error


def is_favourite(corpus_name: str, program_id: str) -> bool:
    """Return whether a program is a favourite."""
    return any(
        favourite.corpus_and_program_id == (corpus_name, program_id)
        for favourite in load_favourites()
    )


def add_favourite(corpus_name: str, program_id: str, name: str, template: str) -> None:
    """Add a program to the favourites; an existing favourite keeps its note and tags.

    Raises
    ------
    EarshotError
        If the workspace is read-only or the file cannot be written.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    new = Favourite(corpus_name, program_id, name, template, added=now)

    def add_favourite_if_missing(favourites: list[Favourite]) -> list[Favourite]:
        is_present = any(
            favourite.corpus_and_program_id == new.corpus_and_program_id for favourite in favourites
        )
        return favourites if is_present else [new, *favourites]

    _update_favourites_file(add_favourite_if_missing)


def remove_favourite(corpus_name: str, program_id: str) -> None:
    """Remove a program from the favourites.

    Raises
    ------
    EarshotError
        As `add_favourite`.
    """
    key = (corpus_name, program_id)
    _update_favourites_file(
        lambda favourites: [
            favourite for favourite in favourites if favourite.corpus_and_program_id != key
        ]
    )


def set_favourite_note_and_tags(
    corpus_name: str, program_id: str, note: str, tags: Iterable[str] = ()
) -> None:
    """Replace the note and tags of a favourite.

    Parameters
    ----------
    corpus_name, program_id : str
        The favourite.
    note : str
        Cut to 2,000 characters.
    tags : iterable of str
        Cut to 20 tags of 40 characters, without surrounding spaces and duplicates.

    Raises
    ------
    EarshotError
        If the program is not a favourite, or as `add_favourite`.
    """
    key = (corpus_name, program_id)
    clean_tags = [" ".join(tag.split())[:MAX_TAG_CHARS] for tag in tags]
    unique_tags = tuple(dict.fromkeys(tag for tag in clean_tags if tag))[:MAX_TAGS]

    def replace_favourite_note_and_tags(favourites: list[Favourite]) -> list[Favourite]:
        if all(favourite.corpus_and_program_id != key for favourite in favourites):
            raise EarshotError("This program is no longer a favourite.")
        return [
            replace(favourite, note=note[:MAX_NOTE_CHARS], tags=unique_tags)
            if favourite.corpus_and_program_id == key
            else favourite
            for favourite in favourites
        ]

    _update_favourites_file(replace_favourite_note_and_tags)


def format_favourites_csv(favourites: Iterable[Favourite]) -> str:
    """Return favourites as a CSV table, with one row per favourite and tags joined by "; "."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["corpus", "program", "name", "template", "note", "tags", "added"])
    for favourite in favourites:
        writer.writerow(
            [
                favourite.corpus_name,
                favourite.program_id,
                favourite.name,
                translate_legacy_grammar_name(favourite.template),
                favourite.note,
                "; ".join(favourite.tags),
                favourite.added,
            ]
        )
    return buffer.getvalue()


def _get_favourites_path() -> Path:
    return workspace.get_workspace_root() / FAVOURITES_FILE


def _update_favourites_file(transform: Callable[[list[Favourite]], list[Favourite]]) -> None:
    """Read, change and write the list while no other process or thread does."""
    workspace.require_writable_workspace("Saving favourites")
    path = _get_favourites_path()
    with convert_write_errors("The list of favourites", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with file_locks_and_atomic_writes.lock_file(path.with_suffix(".lock")):
            favourites = transform(load_favourites())
            rows = [{**asdict(favourite), "tags": list(favourite.tags)} for favourite in favourites]
            with file_locks_and_atomic_writes.atomic_write(path, "w") as file:
                json.dump({"favourites": rows}, file, ensure_ascii=False, indent=1)
