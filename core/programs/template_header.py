"""The header of a template: what it is, and which sound it promises."""

from __future__ import annotations

import re
from pathlib import Path

from core.errors import EarshotError

PROGRAM_ROLES = ("melody", "bass", "drums", "chords", "ambience")
TEMPLATE_CLIP_SECONDS = 18.0

_HEADER_PATTERN = re.compile(r"\{#-\s*\n(.*?)\n\s*-#\}\s*\n", re.DOTALL)
_HEADER_KEYS = ("title", "section", "role", "summary", "sound")
_SECTION_PATTERN = re.compile(r"\d+(\.\d+)?\Z")
_SOUND_PATTERN = re.compile(r"every (?P<every>\d+(?:\.\d+)?) s(?: except (?P<gaps>.+))?\Z")
_GAP_PATTERN = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?) s\Z")


def parse_template_header(text: str, path: Path) -> dict[str, str]:
    """Return a header's texts by key, checked but for the promise of sound.

    Raises
    ------
    EarshotError
        With file and line, when it isn't a header.
    """
    match = _HEADER_PATTERN.match(text)
    if not match:
        raise EarshotError(
            "A template starts with a header: a comment '{#-' … '-#}' on lines of its own.",
            where=f"{path}:1",
        )
    header: dict[str, str] = {}
    for number, line in enumerate(match[1].splitlines(), start=2):
        key, colon, value = (part.strip() for part in line.partition(":"))
        if key not in _HEADER_KEYS or not colon or not value or key in header:
            raise EarshotError(
                f"The header has a line {line.strip()[:60]!r}.",
                where=f"{path}:{number}",
                remedy=f"Its lines are 'key: text', one each of {', '.join(_HEADER_KEYS)}.",
            )
        header[key] = value
    missing = [key for key in _HEADER_KEYS if key not in header]
    if missing:
        raise EarshotError(f"The header lacks {', '.join(missing)}.", where=f"{path}:1")
    if header["role"] not in PROGRAM_ROLES:
        raise EarshotError(f"The role must be one of {', '.join(PROGRAM_ROLES)}.", where=f"{path}:1")
    if not _SECTION_PATTERN.match(header["section"]):
        raise EarshotError("The section must be a number such as 2.1.", where=f"{path}:1")
    return header


def parse_sound_windows(sound_text: str, path: Path) -> tuple[tuple[float, float], ...]:
    """Return the windows, in seconds, that are promised to hold sound.

    Parameters
    ----------
    sound_text : str
        "every 2 s", or "every 2 s except 0-2 s, 16-18 s".
    path : Path
        Of the template, for the message.

    Raises
    ------
    EarshotError
        When it can't be read.
    """
    match = _SOUND_PATTERN.match(sound_text)
    width = float(match["every"]) if match else 0.0
    texts = match["gaps"].split(", ") if match and match["gaps"] else []
    gaps = [_GAP_PATTERN.match(text) for text in texts]
    if not width or not (TEMPLATE_CLIP_SECONDS / width).is_integer() or None in gaps:
        raise EarshotError(
            f"The header promises {sound_text[:60]!r}.",
            where=f"{path}:1",
            remedy="Write 'every 2 s' or 'every 2 s except 0-2 s, 16-18 s'; "
            f"the windows must divide {TEMPLATE_CLIP_SECONDS:g} s.",
        )
    silent = [(float(gap[1]), float(gap[2])) for gap in gaps]
    windows = [(i * width, (i + 1) * width) for i in range(int(TEMPLATE_CLIP_SECONDS / width))]
    return tuple(
        (start, end)
        for start, end in windows
        if not any(start < to and since < end for since, to in silent)
    )
