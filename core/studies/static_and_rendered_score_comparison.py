"""Comparison of the sounds that the static reader finds with the rendered score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from core.sonicpi.interpreter.sample_selection import is_path_of_user_sample
from core.sonicpi.score_events import MAX_SCORE_SECONDS, ScoreEvent

ONSET_TOLERANCE_SECONDS = 0.010
UNKNOWN_PITCH = "unknown"
# Names of synths that Sonic Pi plays with the SynthDef of another.
SYNTH_ALIASES = {"sine": "beep", "mod_beep": "mod_sine"}


@dataclass(frozen=True)
class MatchCounts:
    """Numbers of sounds of one or more programs.

    Attributes
    ----------
    matched : int
        Sounds of the reader that were paired with one of the score, each at most once.
    read, rendered : int
        All sounds of the reader, and of the score.
    """

    matched: int = 0
    read: int = 0
    rendered: int = 0

    def __add__(self, other: MatchCounts) -> MatchCounts:
        return MatchCounts(
            self.matched + other.matched, self.read + other.read, self.rendered + other.rendered
        )

    @property
    def precision(self) -> float:
        """Share of the reader's sounds that the score has; 1 without sounds."""
        return self.matched / self.read if self.read else 1.0

    @property
    def recall(self) -> float:
        """Share of the score's sounds that the reader found; 1 without sounds."""
        return self.matched / self.rendered if self.rendered else 1.0


def _get_sound_name(event: ScoreEvent) -> str:
    return SYNTH_ALIASES.get(event.name, event.name)


def _is_authors_sample_file(event: ScoreEvent) -> bool:
    """Return whether the reader's sound is a sample file of the program's author."""
    return event.kind == "sample" and is_path_of_user_sample(event.name)


def _get_event_pitch(event: ScoreEvent) -> float | str:
    note = event.options.get("note")
    if event.kind == "synth" and note is None:
        return UNKNOWN_PITCH
    return 0.0 if note is None or event.kind == "sample" else round(note, 1)


# What two sounds must have in common besides the onset.
CRITERIA: dict[str, Callable[[ScoreEvent], Hashable]] = {
    "onset": lambda _event: None,
    "synth or sample": lambda event: (event.kind, _get_sound_name(event)),
    "pitch": lambda event: (event.kind, _get_sound_name(event), _get_event_pitch(event)),
}


def compare_reader_with_rendered_score(
    read: Sequence[ScoreEvent], rendered: Sequence[ScoreEvent]
) -> dict[str, MatchCounts]:
    """Pair the sounds of the reader with those of the rendered score.

    Parameters
    ----------
    read, rendered : sequence of ScoreEvent
        Sounds from 18 s on are ignored, and sample files in the folders of a program's author,
        which cannot be rendered.

    Returns
    -------
    dict of str to MatchCounts
        By criterion, each stricter than the one before: the same onset within 10 ms; also the same
        synth or sample; also the same pitch.
    """
    read = [event for event in read if not _is_authors_sample_file(event)]
    counts = {}
    for criterion, get_key in CRITERIA.items():
        read_onsets, rendered_onsets = (
            _group_onset_times_by_key(events, get_key) for events in (read, rendered)
        )
        matched = sum(
            _count_onset_pairs(onsets, rendered_onsets.get(key, []))
            for key, onsets in read_onsets.items()
        )
        counts[criterion] = MatchCounts(
            matched,
            sum(map(len, read_onsets.values())),
            sum(map(len, rendered_onsets.values())),
        )
    return counts


def _group_onset_times_by_key(
    events: Sequence[ScoreEvent], get_key: Callable[[ScoreEvent], Hashable]
) -> dict[Hashable, list[float]]:
    onsets: dict[Hashable, list[float]] = defaultdict(list)
    for event in events:
        if event.time < MAX_SCORE_SECONDS - ONSET_TOLERANCE_SECONDS:
            onsets[get_key(event)].append(event.time)
    return {key: sorted(times) for key, times in onsets.items()}


def _count_onset_pairs(first: list[float], second: list[float]) -> int:
    """Return how many onsets of two sorted lists can be paired within the tolerance."""
    pair_count = first_index = second_index = 0
    while first_index < len(first) and second_index < len(second):
        difference = first[first_index] - second[second_index]
        if abs(difference) <= ONSET_TOLERANCE_SECONDS:
            pair_count, first_index, second_index = (
                pair_count + 1,
                first_index + 1,
                second_index + 1,
            )
        elif difference < 0:
            first_index += 1
        else:
            second_index += 1
    return pair_count
