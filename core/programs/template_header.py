"""The header of a template: what it is, and which sound it promises."""

from __future__ import annotations

import re
from pathlib import Path

from core.errors import EarshotError

ROLES = ("melody", "bass", "drums", "chords", "ambience")
SECONDS = 18.0

_HEADER = re.compile(r"\{#-\s*\n(.*?)\n\s*-#\}\s*\n", re.DOTALL)
_KEYS = ("title", "section", "role", "summary", "sound")
_SECTION = re.compile(r"\d+(\.\d+)?\Z")
_SOUND = re.compile(r"every (?P<every>\d+(?:\.\d+)?) s(?: except (?P<gaps>.+))?\Z")
_GAP = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?) s\Z")


def read_header(text: str, path: Path) -> dict[str, str]:
    """Return a header's texts by key, checked but for the promise of sound.

    Raises
    ------
    EarshotError
        With file and line, when it isn't a header.
    """
    match = _HEADER.match(text)
    if not match:
        raise EarshotError(
            "A template starts with a header: a comment '{#-' … '-#}' on lines of its own.",
            where=f"{path}:1",
        )
    header: dict[str, str] = {}
    for number, line in enumerate(match[1].splitlines(), start=2):
        key, colon, value = (part.strip() for part in line.partition(":"))
        if key not in _KEYS or not colon or not value or key in header:
            raise EarshotError(
                f"The header has a line {line.strip()[:60]!r}.",
                where=f"{path}:{number}",
                remedy=f"Its lines are 'key: text', one each of {', '.join(_KEYS)}.",
            )
        header[key] = value
    missing = [key for key in _KEYS if key not in header]
    if missing:
        raise EarshotError(f"The header lacks {', '.join(missing)}.", where=f"{path}:1")
    if header["role"] not in ROLES:
        raise EarshotError(f"The role must be one of {', '.join(ROLES)}.", where=f"{path}:1")
    if not _SECTION.match(header["section"]):
        raise EarshotError("The section must be a number such as 2.1.", where=f"{path}:1")
    return header


def promised_windows(promise: str, path: Path) -> tuple[tuple[float, float], ...]:
    """Return the windows, in seconds, that are promised to hold sound.

    Parameters
    ----------
    promise : str
        "every 2 s", or "every 2 s except 0-2 s, 16-18 s".
    path : Path
        Of the template, for the message.

    Raises
    ------
    EarshotError
        When it can't be read.
    """
    match = _SOUND.match(promise)
    width = float(match["every"]) if match else 0.0
    texts = match["gaps"].split(", ") if match and match["gaps"] else []
    gaps = [_GAP.match(text) for text in texts]
    if not width or not (SECONDS / width).is_integer() or None in gaps:
        raise EarshotError(
            f"The header promises {promise[:60]!r}.",
            where=f"{path}:1",
            remedy="Write 'every 2 s' or 'every 2 s except 0-2 s, 16-18 s'; "
            f"the windows must divide {SECONDS:g} s.",
        )
    silent = [(float(gap[1]), float(gap[2])) for gap in gaps]
    windows = [(i * width, (i + 1) * width) for i in range(int(SECONDS / width))]
    return tuple(
        (start, end)
        for start, end in windows
        if not any(start < to and since < end for since, to in silent)
    )
