"""Checks of notes and options, which Sonic Pi makes before a sound starts."""

from __future__ import annotations

from functools import lru_cache
from math import inf
from typing import Any, NoReturn

from core.sonicpi.interpreter.control_flow_signals import raise_program_error
from core.sonicpi.interpreter.missing_names import format_ruby_value
from core.sonicpi.interpreter.values import to_midi_note
from core.sonicpi.sonic_pi_inventory import get_option_bounds, load_sonic_pi_inventory

PLAYER = "stereo_player"
"""Name under which the inventory has the bounds of samples."""
ROUNDING_ERROR = 1e-9
EXCLUSIVE_INTEGER_STEP = 1 - 1e-6
EXCLUSIVE_FRACTION_STEP = 0.01 - 1e-6
REST_NAMES = ("r", "rest")
UNBOUNDED = (-inf, inf)


def check_option_values(sound: str, options: dict[str, float]) -> None:
    """Check the options that a program sets against the bounds of Sonic Pi.

    Parameters
    ----------
    sound : str
        Name of a synth, of an FX as "fx_NAME", or `PLAYER`.
    options : dict of str to float

    Raises
    ------
    ProgramErrorSignal
        When a value is outside of its bounds.
    """
    bounds = _list_checked_bounds(sound)
    for name, value in options.items():
        if name in bounds and not bounds[name][0] <= value <= bounds[name][1]:
            _raise_for_option_out_of_bounds(sound, name, value)


def check_note_values(synth: str, notes: list[float | None]) -> None:
    """Check transposed notes against the bounds of the option `note` of a synth.

    Parameters
    ----------
    synth : str
    notes : list of float or None
        None is an unknown note, which is not checked.

    Raises
    ------
    ProgramErrorSignal
        When a note is outside of its bounds.
    """
    low, high = _list_checked_bounds(synth).get("note", UNBOUNDED)
    for note in notes:
        if note is not None and not low <= note <= high:
            _raise_for_option_out_of_bounds(synth, "note", note)


def _raise_for_option_out_of_bounds(sound: str, name: str, value: float) -> NoReturn:
    low, high = get_option_bounds(sound.removeprefix("fx_"), name)
    is_low = value < _list_checked_bounds(sound)[name][0]
    bound = f"at least {low:g}" if is_low else f"at most {high:g}"
    raise_program_error(f"the option {name}: must be {bound}, not {value:g}")


@lru_cache(maxsize=512)
def _list_checked_bounds(sound: str) -> dict[str, tuple[float, float]]:
    """Return the bounds of the options that Sonic Pi 3.2.2 checks, and a rounding error more."""
    inventory = load_sonic_pi_inventory()
    if sound == PLAYER:
        options = inventory["player"]
    elif sound.startswith("fx_"):
        options = inventory["fx"].get(sound[3:], {})
    else:
        options = inventory["synths"].get(sound, {})
    bounds = {}
    for option in options:
        low, high = get_option_bounds(sound.removeprefix("fx_"), option)
        bounds[option] = (
            -inf if low is None else low - _get_bound_slack(low) - ROUNDING_ERROR,
            inf if high is None else high + _get_bound_slack(high) + ROUNDING_ERROR,
        )
    return bounds


def _get_bound_slack(bound: float) -> float:
    """Return how far beyond a stored bound values may be valid.

    The inventory stores a value inside of a bound that Sonic Pi excludes: 130 for "less than 131"
    and 0.99 for "between 0 and 1 exclusively". 0 and 1 themselves are included bounds.
    """
    if bound in (-1, 0, 1):
        return 0.0
    return EXCLUSIVE_INTEGER_STEP if bound == int(bound) else EXCLUSIVE_FRACTION_STEP


def check_note_name(value: Any) -> None:
    """Check that a text names a note or a rest.

    Raises
    ------
    ProgramErrorSignal
        When it does not.
    """
    if isinstance(value, str) and value not in REST_NAMES and to_midi_note(value) is None:
        raise_program_error(f"there is no note {format_ruby_value(value)}")
