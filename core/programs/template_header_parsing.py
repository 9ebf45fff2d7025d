"""Parsing of template headers: title, tutorial section, role, summary and sound windows."""

from __future__ import annotations

import re
from pathlib import Path

from core.clip_length_limits import DEFAULT_CLIP_SECONDS
from core.errors import EarshotError

PROGRAM_ROLES = ("melody", "bass", "drums", "chords", "ambience")

_HEADER_PATTERN = re.compile(r"\{#-\s*\n(.*?)\n\s*-#\}\s*\n", re.DOTALL)
_HEADER_KEYS = ("title", "section", "role", "summary", "sound")
_SECTION_PATTERN = re.compile(r"\d+(\.\d+)?\Z")
_SOUND_PATTERN = re.compile(r"every (?P<every>\d+(?:\.\d+)?) s(?: except (?P<gaps>.+))?\Z")
_GAP_PATTERN = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?) s\Z")


def parse_template_header(text: str, path: Path) -> dict[str, str]:
    """Parse the header of a template.

    Parameters
    ----------
    text : str
        Text of the template's file.
    path : Path
        Path of the file, for error messages.

    Returns
    -------
    dict of str to str
        Values of "title", "section", "role", "summary" and "sound". All are valid except
        "sound", which `parse_sound_windows` checks.

    Raises
    ------
    EarshotError
        If the header is missing or invalid; the message names file and line.
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
                f"The header has an invalid line {line.strip()[:60]!r}.",
                where=f"{path}:{number}",
                remedy=f"Its lines are 'key: text', one each of {', '.join(_HEADER_KEYS)}.",
            )
        header[key] = value
    missing = [key for key in _HEADER_KEYS if key not in header]
    if missing:
        raise EarshotError(f"The header lacks {', '.join(missing)}.", where=f"{path}:1")
    if header["role"] not in PROGRAM_ROLES:
        raise EarshotError(
            f"The role must be one of {', '.join(PROGRAM_ROLES)}.", where=f"{path}:1"
        )
    if not _SECTION_PATTERN.match(header["section"]):
        raise EarshotError("The section must be a number such as 2.1.", where=f"{path}:1")
    return header


def parse_sound_windows(sound_text: str, path: Path) -> tuple[tuple[float, float], ...]:
    """Parse the sound line of a header into time windows.

    Parameters
    ----------
    sound_text : str
        "every 2 s", or "every 2 s except 0-2 s, 16-18 s".
    path : Path
        Path of the template, for error messages.

    Returns
    -------
    tuple of (float, float)
        Start and end, in seconds, of each window in which every variant must sound.

    Raises
    ------
    EarshotError
        If the text is not in one of the two forms.
    """
    match = _SOUND_PATTERN.match(sound_text)
    width = float(match["every"]) if match else 0.0
    gap_texts = match["gaps"].split(", ") if match and match["gaps"] else []
    gap_matches = [_GAP_PATTERN.match(text) for text in gap_texts]
    gaps = [(float(gap[1]), float(gap[2])) for gap in gap_matches if gap]
    has_whole_windows = width > 0 and (DEFAULT_CLIP_SECONDS / width).is_integer()
    if not has_whole_windows or len(gaps) < len(gap_texts):
        raise EarshotError(
            f"The header's sound line cannot be read: {sound_text[:60]!r}.",
            where=f"{path}:1",
            remedy="Write 'every 2 s' or 'every 2 s except 0-2 s, 16-18 s'; "
            f"the windows must divide {DEFAULT_CLIP_SECONDS:g} s.",
        )
    windows = [(i * width, (i + 1) * width) for i in range(int(DEFAULT_CLIP_SECONDS / width))]
    return tuple(
        (start, end)
        for start, end in windows
        if not any(start < gap_end and gap_start < end for gap_start, gap_end in gaps)
    )
