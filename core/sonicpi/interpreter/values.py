"""Values of interpreted programs: symbols, rings, the unknown value, numbers and notes."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

from core.sonicpi.sound_options_and_control_changes import SoundOptions

MAX_LIST_LENGTH = 4096
MAX_LITERAL_LENGTH = 20_000  # elements of a list that the program spells out
MAX_STRING_CHARS = 4096
SEMITONE_BY_LETTER = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
NOTE_PATTERN = re.compile(r"([a-gA-G])([sbfSBF#]?)(-?\d+)?")


class Symbol(str):
    """A Ruby symbol."""


class Ring(list[Any]):
    """A list whose indices wrap around."""


class Ramp(Ring):
    """A list whose indices stop at its ends."""


def get_ring_element(elements: list[Any], index: float) -> Any:
    """Return the element at an index that wraps around, or of a ramp stops at the ends."""
    if not elements:
        return None
    if isinstance(elements, Ramp):
        return elements[min(max(int(index), 0), len(elements) - 1)]
    return elements[int(index) % len(elements)]


class UnknownValue:
    """A value that is only known when the program runs; every operation on it is unknown too."""

    # The default repr holds a memory address, which would differ between runs as part of a name.
    def __repr__(self) -> str:
        return "unknown"

    def __bool__(self) -> bool:
        return True


UNKNOWN = UnknownValue()


class UndefinedValue(UnknownValue):
    """The value of a call with arguments that nothing defines: an error, no value."""


UNDEFINED = UndefinedValue()
UNDEFINED_NAME = UnknownValue()
"""The value of a bare name that nothing defines: Sonic Pi stops there."""


SELF = UnknownValue()
"""`self` outside of classes: its methods are the functions of the program."""


class ErrorValue(UnknownValue):
    """An error that a program rescues.

    Attributes
    ----------
    message : object
        Its text; `UNKNOWN` for an error that Ruby or Sonic Pi raises.
    """

    def __init__(self, message: Any):
        self.message = message


class SoundNode(UnknownValue):
    """A synth, sample or FX that runs: what `play` returns, and `with_fx` passes to its block.

    Attributes
    ----------
    targets : tuple of SoundOptions
        Options that `control` changes, one per note of a chord; none for a rest.
    """

    def __init__(self, targets: tuple[SoundOptions, ...] = ()):
        self.targets = targets

    # An address is what marks values that no two runs share.
    def __repr__(self) -> str:
        return "sound at 0x"

    def __str__(self) -> str:
        return "unknown"


def to_number_or_default(value: Any, default: float = 0.0) -> float:
    """Convert any value to a finite number; notes become MIDI notes.

    Parameters
    ----------
    value : object
        Any value of a program.
    default : float
        Returned when the value is not a finite number or a note.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        note = to_midi_note(value) if isinstance(value, str) else None
        return default if note is None else note
    return value if math.isfinite(value) else default


def to_midi_note(value: Any) -> float | None:
    """Return the MIDI note of a number, or of a name such as :e3 or :Fs; None for a rest."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) else None
    return _parse_note_name(str(value)) if isinstance(value, str) else None


# A program names a few notes again and again.
@lru_cache(maxsize=1024)
def _parse_note_name(name: str) -> float | None:
    match = NOTE_PATTERN.fullmatch(name)
    if not match:
        return None
    letter, accidental, octave = match.groups()
    shift = {"": 0, "s": 1, "#": 1}.get(accidental.lower(), -1)
    return float(12 * (int(octave or 4) + 1) + SEMITONE_BY_LETTER[letter.lower()] + shift)


def convert_to_dict_key(value: Any) -> Any:
    """Return a value that can be the key of a dict."""
    if isinstance(value, list):
        return tuple(map(convert_to_dict_key, value))
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)


def restore_value_from_dict_key(key: Any) -> Any:
    """Return the value of a program that `convert_to_dict_key` made a key of."""
    return list(map(restore_value_from_dict_key, key)) if isinstance(key, tuple) else key
