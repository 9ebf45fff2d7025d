"""Cues and values of `set` in the order in which Sonic Pi finds them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

# Order of cues in Sonic Pi: time, priority, path of the thread, and number of the cue in it.
CuePosition = tuple[Fraction, int, tuple[int, ...], int]

MAX_CUES_PER_NAME = 2048
# Times that differ by less are compared exactly.
ROUNDING_SECONDS = 1e-9


class Cue(NamedTuple):
    """A cue, or a value that a program sets.

    Attributes
    ----------
    position : CuePosition
    value : object
        Values that the cue carries, or the value that is set.
    bpm : float
        Tempo of the thread that sent it.
    seconds : float
        Time of the position, to compare fast.
    """

    position: CuePosition
    value: Any
    bpm: float
    seconds: float


def remove_cue_prefix(name: str) -> str:
    """Return the name of a cue without the path of its kind."""
    return str(name).removeprefix("/cue/").removeprefix("/set/").removeprefix("/live_loop/")


def get_cue_seconds(cue: Cue) -> float:
    """Return the time of a cue."""
    return cue.seconds


@dataclass
class CueHistory:
    """All cues of one name, in order of time."""

    cues: list[Cue] = field(default_factory=list)

    def add_cue(self, position: CuePosition, value: Any, bpm: float) -> None:
        """Add a cue, or replace the one of the same position: its thread runs again."""
        cue = Cue(position, value, bpm, float(position[0]))
        # Most cues come in the order of time.
        if not self.cues or cue.seconds > self.cues[-1].seconds:
            if len(self.cues) < MAX_CUES_PER_NAME:
                self.cues.append(cue)
            return
        start = bisect_left(self.cues, cue.seconds, key=get_cue_seconds)
        end = bisect_right(self.cues, cue.seconds, key=get_cue_seconds)
        for index in range(start, end):
            if self.cues[index].position == position:
                self.cues[index] = cue
                return
        if len(self.cues) < MAX_CUES_PER_NAME:
            insort(self.cues, cue, key=get_cue_seconds)

    def add_cues_of(self, other: CueHistory) -> None:
        """Add all cues of another history."""
        if not self.cues:
            self.cues = list(other.cues)
            return
        for cue in other.cues:
            self.add_cue(cue.position, cue.value, cue.bpm)

    def find_next_cue(self, position: CuePosition) -> Cue | None:
        """Return the first cue after a position."""
        start_seconds = float(position[0]) - ROUNDING_SECONDS
        next_cue: Cue | None = None
        for cue in self.cues[bisect_left(self.cues, start_seconds, key=get_cue_seconds) :]:
            if next_cue and cue.seconds > next_cue.seconds + ROUNDING_SECONDS:
                break
            if cue.position > position and (next_cue is None or cue.position < next_cue.position):
                next_cue = cue
        return next_cue

    def find_latest_cue(self, position: CuePosition) -> Cue | None:
        """Return the last cue at a position or before it."""
        end_seconds = float(position[0]) + ROUNDING_SECONDS
        latest: Cue | None = None
        for cue in reversed(self.cues[: bisect_right(self.cues, end_seconds, key=get_cue_seconds)]):
            if latest and cue.seconds < latest.seconds - ROUNDING_SECONDS:
                break
            if cue.position <= position and (latest is None or cue.position > latest.position):
                latest = cue
        return latest
