"""The link metronome of Sonic Pi 4, whose tempo `set_link_bpm!` changes while threads follow it."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field

DEFAULT_LINK_BPM = 60.0
MAX_TEMPO_CHANGES = 256


@dataclass
class LinkMetronome:
    """A tempo that is constant between its changes.

    Attributes
    ----------
    change_seconds : list of float
        Times of the changes, rising.
    bpms : list of float
        Tempo from each change on, in beats per minute.
    """

    change_seconds: list[float] = field(default_factory=list)
    bpms: list[float] = field(default_factory=list)

    def change_bpm_from_time_on(self, seconds: float, bpm: float) -> None:
        """Set the tempo from a time on; later changes are dropped."""
        index = bisect.bisect_left(self.change_seconds, seconds)
        if index < MAX_TEMPO_CHANGES:
            self.change_seconds[index:], self.bpms[index:] = [seconds], [bpm]

    def get_bpm_at_time(self, seconds: float) -> float:
        """Return the tempo at a time."""
        index = bisect.bisect_right(self.change_seconds, seconds)
        return self.bpms[index - 1] if index else DEFAULT_LINK_BPM

    def count_beats_until_time(self, seconds: float) -> float:
        """Return the beats from time 0 to a time."""
        bounds = [0.0, *(change for change in self.change_seconds if 0 < change < seconds), seconds]
        return sum(
            (last - first) * self.get_bpm_at_time(first) / 60
            for first, last in zip(bounds, bounds[1:], strict=False)
        )

    def add_beats_to_time(self, seconds: float, beats: float) -> float:
        """Return the time that is some beats after a time."""
        for change in self.change_seconds[bisect.bisect_right(self.change_seconds, seconds) :]:
            segment_beats = (change - seconds) * self.get_bpm_at_time(seconds) / 60
            if segment_beats >= beats:
                break
            beats -= segment_beats
            seconds = change
        return seconds + beats * 60 / self.get_bpm_at_time(seconds)
