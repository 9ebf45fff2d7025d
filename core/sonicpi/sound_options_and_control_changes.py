"""Options of a synth, sample or FX, and their changes by `control` while it sounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple, TypeGuard

MAX_OPTION_CHANGES = 1000  # of one sound


class OptionChange(NamedTuple):
    """New values of options from a time on.

    Attributes
    ----------
    seconds : float
        On the axis of `ScoreEvent.time`.
    values : dict of str to float
        By option; "cutoff_slide" and the like are seconds.
    """

    seconds: float
    values: dict[str, float]


class SoundOptions(dict[str, float]):
    """Options that a sound or FX starts with, and what changes them later.

    As in a score that scsynth receives, an option that only `control` sets is an item as well,
    with the value of the first `control`. `get_initial_options` leaves it out.

    Attributes
    ----------
    changes : tuple of OptionChange
        Not ordered by time: threads are interpreted one after another.
    end_seconds : float
        Time of a `kill`; infinity without one.
    later_options : frozenset of str
        Those that only `control` sets.
    is_referenced : bool
        Of an FX: whether its block takes the node by which the program can change it.
    """

    changes: tuple[OptionChange, ...] = ()
    end_seconds: float = math.inf
    later_options: frozenset[str] = frozenset()
    is_referenced: bool = False

    def add_change(self, change: OptionChange) -> None:
        """Add new values; a thread that is interpreted again repeats its changes."""
        if change in self.changes or len(self.changes) >= MAX_OPTION_CHANGES:
            return
        self.changes = (*self.changes, change)
        if new_names := change.values.keys() - self.keys():
            self.later_options |= new_names
            self.update({name: change.values[name] for name in change.values if name in new_names})

    def get_initial_options(self) -> dict[str, float]:
        """Return the options that the sound starts with."""
        if not self.later_options:
            return self
        return {name: value for name, value in self.items() if name not in self.later_options}

    def move_changes(self, seconds: float) -> SoundOptions:
        """Return the options with all changes later by `seconds`."""
        moved = self.copy_options_with_new_values(self)
        moved.changes = tuple(
            OptionChange(change.seconds + seconds, change.values) for change in self.changes
        )
        moved.end_seconds = self.end_seconds + seconds
        return moved

    def copy_options_with_new_values(self, items: Mapping[str, float]) -> SoundOptions:
        """Return other values of the options with the same changes."""
        copied = SoundOptions(items)
        copied.__dict__.update(self.__dict__)
        return copied


def list_control_changes_of_sound(options: Mapping[str, float]) -> tuple[OptionChange, ...]:
    """Return the changes of options by `control`, by time; none of a plain dict."""
    changes = options.changes if isinstance(options, SoundOptions) else ()
    return tuple(sorted(changes, key=lambda change: change.seconds)) if changes else ()


def get_initial_options(options: dict[str, float]) -> dict[str, float]:
    """Return the options that a sound starts with; a plain dict itself."""
    return options.get_initial_options() if isinstance(options, SoundOptions) else options


def get_end_seconds(options: Mapping[str, float]) -> float:
    """Return the time at which `kill` ends a sound; infinity without one."""
    return options.end_seconds if isinstance(options, SoundOptions) else math.inf


def is_changed_over_time(options: Mapping[str, float]) -> TypeGuard[SoundOptions]:
    """Return whether `control` or `kill` changes a sound."""
    return isinstance(options, SoundOptions) and (
        bool(options.changes) or options.end_seconds < math.inf
    )


def is_referenced_by_program(options: Mapping[str, float]) -> bool:
    """Return whether a program has the node of an FX, so that any thread may change it."""
    return isinstance(options, SoundOptions) and options.is_referenced
